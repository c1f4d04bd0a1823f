"""Pixels: decoding, the preprocessing steps, quality checks."""
