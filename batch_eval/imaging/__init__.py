"""Pixels: decoding, the preprocessing steps, quality checks."""

from batch_eval.imaging.recipes import RECIPES, Prepared, Preprocessor, preprocessor

__all__ = ["RECIPES", "Prepared", "Preprocessor", "preprocessor"]
