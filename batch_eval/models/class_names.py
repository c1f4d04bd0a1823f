"""The names of a model's classes, in the order of its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase, digits

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ConfigError, ModelError
from batch_eval.wording import DIGIT_WORDS

DIGITS = tuple(digits)
DIGIT_ORDERS: Mapping[str, tuple[str, ...]] = {
    "0..9": DIGITS,
    "1..9,0": (*DIGITS[1:], "0"),
    # folders named eight, five, four, … in alphabetical order, as Keras and PyTorch sort them
    "alphabetical": tuple(str(DIGIT_WORDS.index(word)) for word in sorted(DIGIT_WORDS)),
}
"""Orders in which models give the ten digits, the usual one first."""
DIGIT_COLUMNS: Mapping[str, tuple[int, ...]] = {
    order: tuple(names.index(digit) for digit in DIGITS) for order, names in DIGIT_ORDERS.items()
}
"""The same orders -> the output of each digit."""

# EMNIST's splits: Cohen, Afshar, Tapson and van Schaik, EMNIST: an extension of MNIST to handwritten letters, 2017,
# arXiv:1702.05373. 15 letters whose two cases look alike are one class each.
_ALIKE = "CIJKLMOPSUVWXYZ"
_MERGED = (*DIGITS, *ascii_uppercase, *(letter for letter in ascii_lowercase if letter.upper() not in _ALIKE))
ORDERS: Mapping[str, tuple[str, ...]] = {
    "digits": DIGITS,
    "emnist-letters": tuple(ascii_uppercase),
    "emnist-balanced": _MERGED,
    "emnist-bymerge": _MERGED,
    "emnist-byclass": (*DIGITS, *ascii_uppercase, *ascii_lowercase),
    "0-9A-Z": (*DIGITS, *ascii_uppercase),
}
"""Orders that ``--classes`` takes by name."""
_OFFERED = {26: "emnist-letters", 36: "0-9A-Z", 47: "emnist-balanced", 62: "emnist-byclass"}


def parse_classes(text: str) -> tuple[str, ...]:
    """Return the names that ``--classes`` gives.

    It is an order's name, a file with one name a line, or a list with commas.

    Raises:
        ConfigError: It is none of these, or the file cannot be read.

    """
    if text in ORDERS:
        return ORDERS[text]
    if "," in text and not Path(text).is_file():
        return tuple(name.strip() for name in text.split(","))
    try:
        lines = [line.strip() for line in Path(text).read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--classes {text} cannot be read as a file ({error}). Give names separated by commas, a text file with "
            f"one name a line, or one of {', '.join(ORDERS)}."
        ) from error
    return _unnumbered([line for line in lines if line])


def _unnumbered(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the lines without their numbers, if all have one: Teachable Machine writes ``0 zero``, ``1 one``, …"""
    parts = [line.partition(" ") for line in lines]
    if all(number == str(i) and name for i, (number, _, name) in enumerate(parts)):
        return tuple(name.strip() for _, _, name in parts)
    return tuple(lines)


def parse_only(text: str) -> tuple[str, ...]:
    """Return the classes that ``--only`` names: ``0-9`` for a row of characters, or names separated by commas."""
    if len(text) == 3 and text[1] == "-" and text[0] < text[2]:
        return tuple(map(chr, range(ord(text[0]), ord(text[2]) + 1)))
    return tuple(name.strip() for name in text.split(","))


def class_names(names: Sequence[str] | None, count: int, model: str) -> tuple[str, ...] | None:
    """Return the names of a model's classes; None where ten digits in unknown order are likely.

    Raises:
        ModelError: They cannot be told, or there are more or fewer of them than outputs.

    """
    if names is None:
        if count == len(DIGITS):
            return None
        raise ModelError(f"{model} has {count} classes. {_advice(count)}")
    if len(names) != count:
        raise ModelError(
            f"{model} has {count} classes, but {len(names)} names were given: {', '.join(names)}. {_advice(count)}"
        )
    if len(set(names)) != count:
        raise ModelError(f"Class names must be unique, but these were given: {', '.join(names)}.")
    return tuple(names)


def _advice(count: int) -> str:
    if count not in _OFFERED:
        return (
            "Name them in the order of its outputs with --classes: separated by commas, or a file with one name a "
            "line, such as Teachable Machine's labels.txt."
        )
    only = " Add --only 0-9 to evaluate its digits alone." if "0" in ORDERS[_OFFERED[count]] else ""
    return (
        f"As many as {_OFFERED[count]} has: give --classes {_OFFERED[count]}, or name them in the order of its outputs."
        f"{only}"
    )


def digit_columns(names: Sequence[str]) -> NDArray[np.intp] | None:
    """Return the (10,) output of each digit, by name or English word. All ten must be there, else None."""
    plain = [name.strip().lower() for name in names]
    found = [
        next((i for i, name in enumerate(plain) if name in (digit, word)), -1)
        for digit, word in zip(DIGITS, DIGIT_WORDS, strict=True)
    ]
    return None if min(found) < 0 else np.array(found, dtype=np.intp)


def chosen_columns(names: Sequence[str], only: Sequence[str], model: str) -> NDArray[np.intp]:
    """Return the outputs of the classes to choose from.

    Raises:
        ModelError: One of them is none of the model's classes.

    """
    for name in only:
        if name not in names:
            raise ModelError(f"{model} has no class {name!r}, which --only names. Its classes are {', '.join(names)}.")
    return np.array([names.index(name) for name in only], dtype=np.intp)
