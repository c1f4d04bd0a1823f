"""Labels from the images' paths by a regular expression that a person gives."""

from __future__ import annotations

import re
from collections.abc import Sequence

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import Classes, spell
from batch_eval.errors import ConfigError, DatasetError
from batch_eval.wording import printable


def label_by_pattern(images: Sequence[str], pattern: str, classes: Classes, offset: int | None = None) -> Reading:
    """Return labels from the group ``label`` of a regular expression, searched for in each image's file name.

    A pattern with a ``/`` is searched for in the path relative to the set instead.

    Raises ``ConfigError`` if the pattern is no regular expression or has no group ``label``, and ``DatasetError`` if
    it finds no label in any name.
    """
    find = _compiled(pattern).search
    names = images if "/" in pattern else [path.rpartition("/")[2] for path in images]
    texts = [match["label"] or "" if (match := find(name)) else "" for name in names]
    spelling = spell(sorted(set(texts)), classes, offset)
    truths = [spelling.names[text] for text in texts]
    if not any(truths):
        raise DatasetError(
            f"--label-pattern {pattern!r} finds no label in any of the {len(names)} names, "
            f"for example {printable(names[0])}. It is searched for anywhere in the file name "
            "(in the relative path if it has a '/')."
        )
    return Reading(f"file names (pattern {pattern})", truths, f"--label-pattern {pattern!r}", notes=spelling.notes)


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
