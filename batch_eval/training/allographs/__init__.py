"""Allographs: the different shapes in which people write the same digit.

Each is a function that draws strokes. A digit is one unit high, and y grows downwards. The shapes follow handwriting
lessons and everyday writing in many countries. Examples are a 1 with a flag, a crossed 7 and an open 4.
"""

# Keep 1 and 7 apart, or the same drawing gets both labels. The flag of a 1 rises steeply to the top of its stem. The
# bar of a 7 is nearly level and begins far left. Tests check both angles.

from batch_eval.training.allographs import eight_nine, four_five, rare, six_seven, two_three, zero_one
from batch_eval.training.allographs.register import ALLOGRAPHS, Allograph

__all__ = ["ALLOGRAPHS", "Allograph", "eight_nine", "four_five", "rare", "six_seven", "two_three", "zero_one"]
