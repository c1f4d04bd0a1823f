"""Pixels: decoding, the preprocessing steps, quality checks."""

from batch_eval.imaging.decode import decode
from batch_eval.imaging.preprocessing import preprocess
from batch_eval.imaging.recipes import RECIPES, Prepared, Preprocessor, preprocessor

__all__ = ["RECIPES", "Prepared", "Preprocessor", "decode", "preprocess", "preprocessor"]
