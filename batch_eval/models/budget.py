"""How much memory and time a model may take.

A file of a kilobyte can declare gigabytes. So sizes are added up before anything is allocated. Runtimes that run a
stranger's graph are watched from outside too (``isolation.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from batch_eval.errors import ConfigError, ModelError

GIGABYTE = 10**9
FLOAT = 4
"""Bytes of a float32."""
COPIES_OF_INPUT = 64
"""Most copies of one input image in memory. Opening a model tries eight, each in several forms."""


OUT_OF_MEMORY = ("bad_alloc", "MemoryError", "ResourceExhausted", "OOM when", "Failed to allocate", "out of memory")
"""What runtimes and the system write where memory runs out."""


@dataclass(frozen=True)
class Limits:
    """What opening a model and reading an image may take at most."""

    memory: int = GIGABYTE
    """Bytes."""
    seconds: float = 5.0
    """Time for opening the model, and for each batch of images; applies to models that run isolated."""

    @classmethod
    def of(cls, gigabytes: float, seconds: float) -> Limits:
        """Return the limits for options in gigabytes and seconds; raises ConfigError unless both are positive."""
        for name, value in (("memory", gigabytes), ("timeout", seconds)):
            if not 0 < value < float("inf"):
                raise ConfigError(f"--model-{name} {value} is invalid. Must be a number above 0.")
        return cls(round(gigabytes * GIGABYTE), seconds)


DEFAULT_LIMITS = Limits()
"""The limits without options."""


class Budget:
    """Counts the bytes that a model needs, and refuses more than the limit."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.spent = 0

    def spend(self, size: int) -> None:
        """Add bytes that are about to be allocated, and stay; raises ModelError over the limit."""
        self.spent += size
        self.check(0)

    def check(self, size: int) -> None:
        """Raise ModelError if ``size`` bytes more would be over the limit."""
        if self.spent + size > self.limits.memory:
            raise ModelError(too_large(self.spent + size, self.limits))


def too_large(size: int, limits: Limits) -> str:
    """Return the message for a model that needs ``size`` bytes, or more."""
    needed = f"at least {size / GIGABYTE:,.1f}" if size < 10**18 else "more than a billion"
    return (
        f"the model needs {needed} GB of memory for its weights and one image, more than the limit of "
        f"{limits.memory / GIGABYTE:,.4g} GB. The file may be damaged or malicious. If you trust it and have the "
        "memory, raise the limit with --model-memory."
    )


def image_bytes(shape: Iterable[int]) -> int:
    """Return the bytes that a run holds for one input image of this shape."""
    return prod(shape) * FLOAT * COPIES_OF_INPUT
