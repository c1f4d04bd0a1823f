"""Drawings and photos saved into a folder for each class, as `batch-eval run` evaluates it at once."""

from __future__ import annotations

import io
import os
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from batch_eval.api import evaluate_task, reader_task
from batch_eval.dataset import load_dataset
from batch_eval.dataset.label_file import LABEL_FILES
from batch_eval.dataset.names import is_image
from batch_eval.engines.reader import Reader
from batch_eval.errors import ConfigError, DatasetError, ReportError
from batch_eval.evaluation import Outcome
from batch_eval.imaging import decode
from batch_eval.imaging.pillow import is_heic
from batch_eval.publishing import check_writable
from batch_eval.reports.writing import write_reports

KINDS = ("drawing", "photo")
"""What a saved image can be; its file's name begins with it."""
CHECKED_SIDE = 320
"""Pixels to which a JPEG is reduced while it is checked, as that is faster."""
_FOLDER_NAME = re.compile(r"\w[\w .+-]*(?<![ .])")


class Collection:
    """A folder with a subfolder for each class. Every file's name is made here; clients name labels, never paths.

    ``reports`` is where the reports of its evaluation go. Raises ConfigError for classes that cannot be the names of
    folders, DatasetError where a label file would hide the folders, ReportError where nothing can be written.
    """

    def __init__(self, folder: Path, labels: Sequence[str], reports: Path) -> None:
        self.folder, self.labels, self.reports = folder, tuple(labels), reports
        self._saved: dict[str, Path] = {}
        _check_names(labels)
        _check_no_label_file(folder)
        check_writable(folder, "--collect")

    def counts(self) -> dict[str, int]:
        """Return how many images each class has."""
        return {label: sum(map(is_image, _visible(self.folder / label))) for label in self.labels}

    def add(self, data: bytes, label: str, kind: str) -> str:
        """Save the bytes of an image, unchanged, under its label; return the token that takes it back.

        Raises UnreadableImageError for what is no image, ConfigError for an unknown label or kind, ReportError where
        it cannot be written.
        """
        if label not in self.labels or kind not in KINDS:
            raise ConfigError(f"the label {label!r} or the kind {kind!r} is unknown. Labels: {', '.join(self.labels)}.")
        decode(data, reduce_to=CHECKED_SIDE)
        token = secrets.token_hex(4)
        path = self.folder / label / f"{kind}-{datetime.now():%Y%m%d-%H%M%S}-{token}{_suffix(data)}"
        _write(path, data)
        self._saved[token] = path
        return token

    def remove(self, token: str) -> None:
        """Delete an image that was saved since the start; raises ConfigError for a token that was never given."""
        path = self._saved.pop(token, None)
        if path is None:
            raise ConfigError("this image was not saved here, or is already removed.")
        path.unlink(missing_ok=True)

    def evaluate(self, reader: Reader) -> dict[str, Any]:
        """Evaluate the folder as `run` does, write its reports, and return the figures.

        The shares are None where no image could be scored.
        """
        evaluation = evaluate_task(reader_task(load_dataset(self.folder), reader))
        write_reports(evaluation, self.reports)
        shares = (evaluation.accuracy, *evaluation.accuracy_interval) if evaluation.scored else (None,) * 3
        counts = {"correct": evaluation.counts[Outcome.CORRECT], "scored": evaluation.scored}
        return counts | dict(zip(("accuracy", "low", "high"), shares, strict=True))


def _check_names(labels: Sequence[str]) -> None:
    for label in labels:
        if not _FOLDER_NAME.fullmatch(label):
            raise ConfigError(
                f"--collect saves into a folder for each class, and the class name {label!r} cannot be a folder's. "
                "Name the classes with --classes in letters and digits."
            )


def _check_no_label_file(folder: Path) -> None:
    for name in LABEL_FILES:
        if (folder / name).exists():
            raise DatasetError(
                f"{folder / name} would hide what is collected: images without a row in it have no label. "
                "Collect into another folder."
            )


def _visible(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if not name.startswith(".")] if folder.is_dir() else []


def _suffix(data: bytes) -> str:
    """Return the suffix of an image that can be decoded, by its content."""
    if is_heic(data):
        return ".heic"
    with Image.open(io.BytesIO(data)) as image:
        kind = (image.format or "").lower()
    return ".jpg" if kind in ("jpeg", "mpo") else f".{kind}"  # MPO: a JPEG with a second one behind it, as phones write


def _write(path: Path, data: bytes) -> None:
    """Write a new file whole or not at all."""
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
            f"cannot save into {path.parent}: {error.strerror or error}. Check that you may write there, and its space."
        ) from error
