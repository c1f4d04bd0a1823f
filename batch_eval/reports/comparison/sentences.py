"""The sentences of a comparison, the same in every format."""

from __future__ import annotations

from batch_eval.evaluation import Outcome
from batch_eval.evaluation.metrics import SIGNIFICANCE
from batch_eval.evaluation.paired import Comparison, PairedCounts
from batch_eval.wording import p_text, printable


def read_as(name: str | None) -> str:
    """Return the predicted class, or `blank`."""
    return Outcome.BLANK.value if name is None else printable(name)


def basis(comparison: Comparison) -> str:
    """Return the sentence that says which images are compared."""
    shared = comparison.images
    # Accuracies on different images cannot be compared, so readers are told how many images were left out.
    sizes = [e.scored for e in comparison.evaluations]
    if all(size == shared for size in sizes):
        return f"All evaluations scored the same {shared:,} images.{_revisions(comparison)}"
    text = f"Compared on the {shared:,} images that all evaluations scored, of {' and '.join(f'{s:,}' for s in sizes)}."
    if comparison.relabelled:
        text += f" {comparison.relabelled:,} more are left out because their labels differ."
    return text + _revisions(comparison)


def _revisions(comparison: Comparison) -> str:
    """Return a sentence where recipes of one name are not the same.

    It begins with a space. It is empty where they are the same.
    """
    prepared = {(e.provenance.preprocess, e.provenance.preprocess_sha256) for e in comparison.evaluations}
    # More pairs than names: one name stands for two revisions.
    if len(prepared) == len({name for name, _ in prepared}):
        return ""
    return " Their images were prepared by different revisions of one recipe: the difference is not the models' alone."


def verdict(pair: PairedCounts) -> str:
    """Return the sentence that says whether the difference is significant."""
    test = f"McNemar's exact {p_text(pair.p_value)}"
    if pair.p_value >= SIGNIFICANCE:
        return f"The difference is not significant ({test})."
    return f"The second is significantly {'better' if pair.difference > 0 else 'worse'} ({test})."
