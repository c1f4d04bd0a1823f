"""Decode images and prepare them for a model."""

from batch_eval.imaging.decode import decode
from batch_eval.imaging.options import PreprocessingOptions
from batch_eval.imaging.preprocessing import preprocess
from batch_eval.imaging.recipes import RECIPES, Prepared, Preprocessor, parse_adjustments, preprocessor

__all__ = [
    "RECIPES",
    "Prepared",
    "PreprocessingOptions",
    "Preprocessor",
    "decode",
    "parse_adjustments",
    "preprocess",
    "preprocessor",
]
