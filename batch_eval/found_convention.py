"""The convention of a model in words, and how it was found.

It says what the images and classes meant in training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PARTS: Mapping[str, str] = {
    "input_range": "pixels {}",
    "ink": "{} ink",
    "orientation": "{} digits",
    "classes": "classes {}",
}
"""The parts of a convention, each in words with its value filled in."""
GIVEN, STATED, TESTED, UNDECIDED, ASSUMED = "given", "stated", "tested", "undecided", "assumed"
WAYS: Mapping[str, str] = {
    GIVEN: "given",
    STATED: "stated by the file",
    TESTED: "self-test",
    UNDECIDED: "self-test undecided",
    ASSUMED: "not tested",
}
"""How a part was found, in words."""


@dataclass(frozen=True, slots=True)
class FoundConvention:
    """The value of each part, how it was found, and what the self-test measured."""

    values: Mapping[str, str]
    """Each of ``PARTS`` to its value, such as ``0..255``."""
    found: Mapping[str, str]
    """Each of ``PARTS`` to one of ``WAYS``."""
    right: int = 0
    """Own digits of the package that the model read right in the self-test."""
    digits: int = 0
    """Digits that the self-test used; 0 without a test."""

    @property
    def sentence(self) -> str:
        """Return it in words: ``pixels 0..255 (stated by the file); bright ink (self-test); …``."""
        # parts that were found in the same way share one bracket
        groups = [
            f"{', '.join(PARTS[part].format(self.values[part]) for part in PARTS if self.found[part] == way)} ({words})"
            for way, words in WAYS.items()
            if way in self.found.values()
        ]
        score = [f"{self.right} of {self.digits} own digits right"] if self.digits else []
        return "; ".join([*groups, *score])
