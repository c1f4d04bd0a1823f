"""What a notebook shows of an evaluation: a piece of HTML without scripts.

It has the notebook's own style.
"""

from __future__ import annotations

from pathlib import Path

from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.confusions import worst_confusions
from batch_eval.reports.templating import fill

CONFUSIONS_SHOWN = 5
"""Confusions listed, worst first."""


def fragment(evaluation: Evaluation) -> str:
    """Return the accuracy, the outcomes, the classes and the worst confusions."""
    return fill(
        Path(__file__).with_name("templates"),
        "notebook.html.jinja",
        e=evaluation,
        confusions=worst_confusions(evaluation)[:CONFUSIONS_SHOWN],
    ).decode()
