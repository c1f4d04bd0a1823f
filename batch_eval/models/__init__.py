"""A saved model file becomes a Classifier."""

from batch_eval.models.classifier import INPUT_RANGES, Classifier
from batch_eval.models.loading import open_model

__all__ = ["INPUT_RANGES", "Classifier", "open_model"]
