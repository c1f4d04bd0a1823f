"""batch_eval answers: how good is my digit model on real photos?

The same steps as the command line, from Python::

    from batch_eval import evaluate
    evaluate("photos", model="mnist.keras").accuracy
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batch_eval.api import evaluate
    from batch_eval.dataset import LabelOptions
    from batch_eval.evaluation import Evaluation
    from batch_eval.imaging import PreprocessingOptions, preprocess
    from batch_eval.models import ModelOptions, open_model
    from batch_eval.reports.writing import write_reports
    from batch_eval.studies.explain import explain
    from batch_eval.studies.ranking import compare
    from batch_eval.studies.stress import stress

__version__ = "0.1.0"
__all__ = [
    "Evaluation",
    "LabelOptions",
    "ModelOptions",
    "PreprocessingOptions",
    "compare",
    "evaluate",
    "explain",
    "open_model",
    "preprocess",
    "stress",
    "write_reports",
]

_HOMES = {
    "evaluate": "batch_eval.api",
    "Evaluation": "batch_eval.evaluation",
    "LabelOptions": "batch_eval.dataset",
    "ModelOptions": "batch_eval.models",
    "PreprocessingOptions": "batch_eval.imaging",
    "open_model": "batch_eval.models",
    "preprocess": "batch_eval.imaging",
    "compare": "batch_eval.studies.ranking",
    "explain": "batch_eval.studies.explain",
    "stress": "batch_eval.studies.stress",
    "write_reports": "batch_eval.reports.writing",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562). So ``batch-eval --help`` loads nothing heavy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, so that a notebook can complete them before they are imported."""
    return sorted({*globals(), *__all__})
