"""What a model's outputs are, and how they become probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from batch_eval.errors import ModelError
from batch_eval.models.input_range import Floats

PROBABILITIES, LOGITS, ONE_VS_REST = "probabilities", "logits", "one-vs-rest"
OUTPUT_NOTES: Mapping[str, str] = {
    LOGITS: "logits: a softmax turns them into probabilities",
    ONE_VS_REST: "one sigmoid per class: they are divided by their sum",
}


def output_kind(activation: str, outputs: Floats, name: str) -> str:
    """Return the kind of the outputs.

    The last activation tells it. If that is unknown, the probe's values do.

    Raises:
        ModelError: The model has one output without a sigmoid.

    """
    # Values in 0..1 with the sum 1 are a softmax; in 0..1 with other sums, sigmoids; all others are logits. The probe's
    # eight images make it unlikely that logits or sigmoids look like a softmax by chance.
    in_unit = bool(((outputs >= 0) & (outputs <= 1)).all())
    if outputs.shape[1] == 1:
        if activation == "sigmoid" or (not activation and in_unit):
            return PROBABILITIES
        raise ModelError(f"{name} has one output without a sigmoid, like a regression. Expected one output per class.")
    if activation == "softmax" or (not activation and in_unit and np.allclose(outputs.sum(axis=1), 1, atol=1e-3)):
        return PROBABILITIES
    return ONE_VS_REST if activation == "sigmoid" or (not activation and in_unit) else LOGITS


def to_probabilities(outputs: Floats, kind: str) -> Floats:
    """Return (N, C) probabilities for (N, C) outputs of a kind.

    A single sigmoid output, (N, 1), is the probability of the second class.
    """
    if outputs.shape[1] == 1:
        return np.concatenate([1 - outputs, outputs], axis=1)
    if kind == LOGITS:
        # softmax; the maximum is subtracted because exp overflows float32 above 88
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if kind == ONE_VS_REST:
        totals = outputs.sum(axis=1, keepdims=True)  # 0 if every sigmoid underflows: then all classes are equal
        equal = np.full_like(outputs, 1 / outputs.shape[1])
        return np.asarray(np.divide(outputs, totals, out=equal, where=totals > 0))
    return outputs
