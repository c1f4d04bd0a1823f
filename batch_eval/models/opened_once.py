"""Networks of the package itself, which a process opens once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from threading import Lock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def opened_once(opening: Callable[P, T]) -> Callable[P, T]:
    """Return a function that opens what its arguments name, and returns the same for them ever after.

    `functools.cache` alone lets threads that begin together open it twice, which takes 20 ms of the processor.
    """
    kept, lock = cache(opening), Lock()

    @wraps(opening)
    def opened(*arguments: P.args, **options: P.kwargs) -> T:
        with lock:
            return kept(*arguments, **options)  # type: ignore[arg-type]  # all can be hashed

    return opened
