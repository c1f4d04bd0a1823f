"""Evaluations of the same images, compared as what they are: paired data."""

from batch_eval.comparison.paired import Change, Comparison, Pair, Part, Shared, compare, shared_images

__all__ = ["Change", "Comparison", "Pair", "Part", "Shared", "compare", "shared_images"]
