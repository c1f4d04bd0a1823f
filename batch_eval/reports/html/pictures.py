"""Where the page finds its pictures: in files beside it, or inside it as data URIs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Protocol

from batch_eval.evaluation import Evaluation
from batch_eval.reports.html.assets import FOLDER

_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
"""A saved evaluation may come from anywhere: no other type becomes a file or a data URI."""


class Pictures(Protocol):
    """Gives the addresses of a row's pictures; None where there is none."""

    def original(self, row: int) -> str | None:
        """Return the address of the thumbnail."""

    def seen(self, row: int) -> str | None:
        """Return the address of what the model saw."""

    def steps(self, row: int) -> str | None:
        """Return the address of the strip of preprocessing steps."""


class FilePictures:
    """Pictures as files in the report folder."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._pictures = evaluation.records.pictures

    def original(self, row: int) -> str | None:
        """Return the thumbnail's path relative to the page."""
        picture = self._pictures.get(row)
        if picture is None or not picture.original or picture.mime not in _SUFFIXES:
            return None
        return f"{FOLDER}/pictures/{row}-original.{_SUFFIXES[picture.mime]}"

    def seen(self, row: int) -> str | None:
        """Return the path of what the model saw, relative to the page."""
        picture = self._pictures.get(row)
        return f"{FOLDER}/pictures/{row}-seen.png" if picture and picture.seen else None

    def steps(self, row: int) -> str | None:
        """Return the path of the strip of steps, relative to the page."""
        picture = self._pictures.get(row)
        return f"{FOLDER}/pictures/{row}-steps.jpg" if picture and picture.steps else None

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield every picture with its path."""
        for row, picture in self._pictures.items():
            paths = self.original(row), self.seen(row), self.steps(row)
            for path, data in zip(paths, (picture.original, picture.seen, picture.steps), strict=True):
                if path and data:
                    yield path, data


class EmbeddedPictures:
    """Pictures as data URIs."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._pictures = evaluation.records.pictures

    def original(self, row: int) -> str | None:
        """Return the thumbnail as a data URI."""
        picture = self._pictures.get(row)
        return _data_uri(picture.mime, picture.original) if picture else None

    def seen(self, row: int) -> str | None:
        """Return what the model saw as a data URI."""
        picture = self._pictures.get(row)
        return _data_uri("image/png", picture.seen) if picture else None

    def steps(self, row: int) -> str | None:
        """Return the strip of steps as a data URI."""
        picture = self._pictures.get(row)
        return _data_uri("image/jpeg", picture.steps) if picture else None


def _data_uri(mime: str, data: bytes | None) -> str | None:
    if not data or mime not in _SUFFIXES:
        return None
    return f"data:{mime};base64,{b64encode(data).decode('ascii')}"
