"""The ways in which people write each digit: models of strokes, for a digit one high with y growing downwards.

The allographs follow handwriting lessons and everyday hands in many countries: flag-1, crossed 7, hooked 9, open 4,
slashed 0. What tells a 1 from a 7 here: the flag of a 1 rises steeply to the top of the stem, the bar of a 7 is
nearly level and begins far left.
"""

from batch_eval.training.allographs import eight_nine, four_five, six_seven, two_three, zero_one
from batch_eval.training.allographs.register import ALLOGRAPHS, Allograph

__all__ = ["ALLOGRAPHS", "Allograph", "eight_nine", "four_five", "six_seven", "two_three", "zero_one"]
