"""The distortions of `stress`, by suite."""

import inspect

from batch_eval.distortions.distortion import Distortion
from batch_eval.distortions.suites import MNIST_C, PHOTO

from .tables import code, table


def photo() -> str:
    """Return each distortion of photos with its levels."""
    rows = [(code(one.name), one.title, one.axis, _levels(one), _first(one)) for one in PHOTO.distortions]
    return table(["name", "distortion", "levels measure", "levels, mild to harsh", "what it does"], rows)


def mnist_c() -> str:
    """Return each corruption of MNIST-C."""
    rows = [(code(one.name), _first(one)) for one in MNIST_C.distortions]
    return table(["name", "what it does"], rows)


def _levels(one: Distortion) -> str:
    return ", ".join(f"{level:g}" for level in one.levels)


def _first(one: Distortion) -> str:
    """Return the first sentence of a function's docstring."""
    text = " ".join((inspect.getdoc(one.apply) or "").split())
    return text.partition(". ")[0].removesuffix(".").replace("``", "`")
