"""Save drawings and photos into one folder per class, which `batch-eval run` evaluates."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from batch_eval.api import evaluate_task, reader_task
from batch_eval.dataset import load_dataset
from batch_eval.dataset.labels.gathering import USUAL
from batch_eval.dataset.names import is_image
from batch_eval.engines.reader import Reader
from batch_eval.errors import ConfigError, DatasetError, ReportError
from batch_eval.evaluation import Outcome
from batch_eval.imaging import decode
from batch_eval.imaging.guard import one_image
from batch_eval.imaging.pillow import format_name
from batch_eval.publishing import check_writable
from batch_eval.reports.writing import write_reports

KINDS = ("drawing", "photo")
"""Prefixes of file names: where an image came from."""
VALIDATION_SIDE = 320
"""Side in pixels to which a JPEG is reduced for validation, which is faster."""
# No separator, no leading dot, which would hide the folder, and no trailing dot or space, which Windows drops.
_FOLDER_NAME = re.compile(r"\w[\w .+-]*(?<![ .])")


class Collection:
    """A folder with a subfolder per class. Its reports go to the folder ``reports``.

    Raises ConfigError for a class name that cannot be a folder's, DatasetError if a label file would hide the
    subfolders, ReportError if the folder cannot be written to.
    """

    # Path traversal: no path ever comes from a client. Labels must be among the known ones, file names are made here,
    # and a file is deleted by a random token that `add` gave out.

    def __init__(self, folder: Path, labels: Sequence[str], reports: Path) -> None:
        self.folder, self.labels, self.reports = folder, tuple(labels), reports
        self._saved: dict[str, Path] = {}
        _check_names(labels)
        _check_no_label_file(folder)
        check_writable(folder, "--collect")

    def counts(self) -> dict[str, int]:
        """Return the number of images of each class."""
        return {label: sum(map(is_image, _visible(self.folder / label))) for label in self.labels}

    def add(self, data: bytes, label: str, kind: str) -> str:
        """Save an image file's bytes, unchanged, under its label. Return the token that deletes it.

        Raises UnreadableImageError if it is not an image, ConfigError for an unknown label or kind, ReportError if it
        cannot be written.
        """
        if label not in self.labels or kind not in KINDS:
            raise ConfigError(f"the label {label!r} or the kind {kind!r} is unknown. Labels: {', '.join(self.labels)}.")
        one_image(decode, data, reduce_to=VALIDATION_SIDE)
        token = secrets.token_hex(4)
        path = self.folder / label / f"{kind}-{datetime.now():%Y%m%d-%H%M%S}-{token}{_suffix(data)}"
        _write(path, data)
        self._saved[token] = path
        return token

    def remove(self, token: str) -> None:
        """Delete an image that was saved since the server started. Raises ConfigError for an unknown token."""
        path = self._saved.pop(token, None)
        if path is None:
            raise ConfigError("this image was not saved since the server started, or is already deleted.")
        path.unlink(missing_ok=True)

    def evaluate(self, reader: Reader) -> dict[str, Any]:
        """Evaluate the folder as `run` does, write its reports, and return the figures.

        Accuracy and interval are None if no image could be scored.
        """
        evaluation = evaluate_task(reader_task(load_dataset(self.folder, None, reader.classifier.class_names), reader))
        write_reports(evaluation, self.reports)
        shares = (evaluation.accuracy, *evaluation.accuracy_interval) if evaluation.scored else (None,) * 3
        counts = {"correct": evaluation.counts[Outcome.CORRECT], "scored": evaluation.scored}
        return counts | dict(zip(("accuracy", "low", "high"), shares, strict=True))


def _check_names(labels: Sequence[str]) -> None:
    for label in labels:
        if not _FOLDER_NAME.fullmatch(label):
            raise ConfigError(
                f"--collect saves into one folder per class, and {label!r} cannot be the name of a folder. "
                "Name the classes with --classes, in letters and digits."
            )


def _check_no_label_file(folder: Path) -> None:
    for name in USUAL:
        if (folder / name).exists():
            raise DatasetError(
                f"{folder / name} would hide what is collected: images without a row in it have no label. "
                "Give --collect another folder."
            )


def _visible(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if not name.startswith(".")] if folder.is_dir() else []


def _suffix(data: bytes) -> str:
    """Return the file name suffix of an image, by its content."""
    name = (format_name(data) or "ppm").lower()
    return ".jpg" if name == "jpeg" else f".{name}"


def _write(path: Path, data: bytes) -> None:
    """Write a new file atomically."""
    beside = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_bytes(data)
            beside.rename(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise ReportError(
            f"cannot save into {path.parent}: {error.strerror or error}. "
            "Check its permissions and the free space of its disk."
        ) from error
