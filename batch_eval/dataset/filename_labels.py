"""Labels from file names: ``7_anything.png`` and ``digit7-3.jpg`` read 7, or what a pattern says."""

import re
from collections.abc import Sequence

from batch_eval.dataset.labelling import Labelling, clean_label
from batch_eval.errors import ConfigError, DatasetError
from batch_eval.wording import printable

# a number ends where no letter or digit follows, so that 20240101 and 7th are no labels
_NAMED = re.compile(r"(?:^|[^a-z])(?:digit|label|class|target|truth)[ _=-]?([0-9]+)(?![a-z0-9])", re.IGNORECASE)
_LEADING = re.compile(r"^([0-9]+)(?![a-z0-9])", re.IGNORECASE)
# an unpadded number of a few digits; longer ones are dates and times
_COUNTER = re.compile(r"[1-9][0-9]{1,4}")


def label_by_name(images: Sequence[str]) -> Labelling | None:
    """Return labels from the images' file names, or None where the names hold no labels.

    A label is a single digit right after the word digit, label, class, target or truth (``digit7-3.jpg``), or
    else at the name's start (``7_anything.png``). Where a number at that place goes to 10 or
    higher in one of the names it counts the images, and no name is read that way. Other digits, as in ``IMG_2041.jpg``
    or ``img_7.png``, are no labels.
    """
    names = [path.rpartition("/")[2] for path in images]
    named, leading = _single_digits(_NAMED, names), _single_digits(_LEADING, names)
    truths = [after_word or first for after_word, first in zip(named, leading, strict=True)]
    if not any(truths):
        return None
    return Labelling("file names (a digit at the start, as in 7_a.png, or after a word, as in digit7-3.png)", truths)


def _single_digits(pattern: re.Pattern[str], names: Sequence[str]) -> list[str | None]:
    """Return the one number that the pattern finds in each name if it is a digit; all None if it is a counter."""
    numbers = [set(pattern.findall(name)) for name in names]
    if any(_COUNTER.fullmatch(number) for found in numbers for number in found):
        return [None] * len(names)
    return [found.pop() if len(found) == 1 and len(min(found)) == 1 else None for found in numbers]


def label_by_pattern(images: Sequence[str], pattern: str) -> Labelling:
    """Return labels from the group ``label`` of a regular expression, searched for in each image's file name.

    A pattern with a ``/`` is searched for in the path relative to the folder instead.

    Raises ``ConfigError`` if the pattern is no regular expression or has no group ``label``, and ``DatasetError`` if
    it finds no label in any name.
    """
    find = _compiled(pattern).search
    names = images if "/" in pattern else [path.rpartition("/")[2] for path in images]
    truths = [clean_label(match["label"] or "") if (match := find(name)) else None for name in names]
    if not any(truths):
        raise DatasetError(
            f"--label-pattern {pattern!r} finds no label in any of the {len(names)} names, "
            f"for example {printable(names[0])}. It is searched for anywhere in the file name "
            "(in the relative path if it has a '/')."
        )
    return Labelling(f"file names (pattern {pattern})", truths)


def _compiled(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern, or raise with the way to write it."""
    example = r"An example: --label-pattern '_(?P<label>[0-9])\.' reads 7 from scan_7.png."
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"--label-pattern {pattern!r} is no regular expression: {error}. {example}") from error
    if "label" not in compiled.groupindex:
        raise ConfigError(f"--label-pattern {pattern!r} has no group named label. {example}")
    return compiled
