"""Which classes are confused, and the errors by confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batch_eval.evaluation.records import BLANK, Evaluation
from batch_eval.outcome import OUTCOMES, Outcome


@dataclass(frozen=True, slots=True)
class Confusion:
    """``count`` of the ``support`` images of class ``truth`` were read as ``predicted``."""

    truth: str
    predicted: str
    count: int
    support: int


def predicted_columns(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the confusion matrix's column names: the classes, then blank."""
    return (*evaluation.class_names, BLANK)


def worst_confusions(evaluation: Evaluation) -> list[Confusion]:
    """Return the cells of the confusion matrix that hold errors, most errors first."""
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    columns = predicted_columns(evaluation)
    support = evaluation.confusion.sum(axis=1)
    found = [
        Confusion(evaluation.class_names[t], columns[p], int(wrong[t, p]), int(support[t]))
        for t, p in zip(*np.nonzero(wrong), strict=True)
    ]
    return sorted(found, key=lambda c: -c.count)


def errors(evaluation: Evaluation) -> NDArray[np.intp]:
    """Return the rows of wrong and blank images in file order."""
    codes = [OUTCOMES.index(Outcome.WRONG), OUTCOMES.index(Outcome.BLANK)]
    return np.flatnonzero(np.isin(evaluation.records.outcome, codes))


def errors_by_confidence(evaluation: Evaluation) -> NDArray[np.intp]:
    """Return the rows of wrong and blank images, most confident error first."""
    rows = errors(evaluation)
    # A stable sort keeps file order among equals, so reports are the same on every machine.
    return rows[np.argsort(-evaluation.records.confidence[rows], kind="stable")]
