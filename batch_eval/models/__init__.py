"""Open saved models, and verify them against TensorFlow."""

from batch_eval.models.classifier import Classifier
from batch_eval.models.convention import Convention
from batch_eval.models.loading import open_model
from batch_eval.models.options import DEFAULT_MODEL, ModelOptions
from batch_eval.models.verify import Verification, check_verifiable, verify

__all__ = [
    "DEFAULT_MODEL",
    "Classifier",
    "Convention",
    "ModelOptions",
    "Verification",
    "check_verifiable",
    "open_model",
    "verify",
]
