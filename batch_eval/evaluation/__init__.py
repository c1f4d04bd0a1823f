"""The result: the outcome of every image, and every figure computed from it."""

from batch_eval.engines.rows import Picture, Trial, TrialKind
from batch_eval.evaluation.records import BLANK, Evaluation, Provenance, Record, Records
from batch_eval.outcome import OUTCOMES, Outcome

__all__ = [
    "BLANK",
    "OUTCOMES",
    "Evaluation",
    "Outcome",
    "Picture",
    "Provenance",
    "Record",
    "Records",
    "Trial",
    "TrialKind",
]
