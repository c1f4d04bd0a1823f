"""The page's pictures: in files beside it, or inside it as data URIs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from batch_eval.engines.rows import Picture
from batch_eval.publishing import REPORT_FILES

SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
"""Types that are shown, and their endings. SVG or HTML from a stranger's evaluation could run code."""


@dataclass(frozen=True, slots=True)
class Part:
    """Where a picture lies on a sheet. ``sheet`` is its number; the rest is in pixels."""

    sheet: int
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Shown:
    """How the page shows a picture: the URL of its file.

    With a ``part``, it is the URL of a sheet that holds it there.
    """

    url: str
    part: Part | None = None


class Pictures(Protocol):
    """Gives a row's pictures as the page shows them. None means that there is no picture."""

    def original(self, row: int) -> Shown | None:
        """Return the original's thumbnail."""

    def seen(self, row: int) -> Shown | None:
        """Return the model's input."""

    def steps(self, row: int) -> Shown | None:
        """Return the strip of preprocessing steps."""

    def explained(self, row: int, data: bytes) -> Shown | None:
        """Return the picture that explains a misread row, a PNG."""


class FilePictures:
    """Pictures as files in a folder beside the page, for pages with few of them. It keeps those that were asked for."""

    def __init__(self, pictures: Mapping[int, Picture], folder: str = REPORT_FILES) -> None:
        self._pictures = pictures
        self._folder = folder
        self._given: dict[str, bytes] = {}

    def original(self, row: int) -> Shown | None:
        """Return the thumbnail's path relative to the page."""
        picture = self._pictures.get(row)
        if picture is None or picture.mime not in SUFFIXES:
            return None
        return self._give(f"{row}-original.{SUFFIXES[picture.mime]}", picture.original)

    def seen(self, row: int) -> Shown | None:
        """Return the path of the model's input, relative to the page."""
        picture = self._pictures.get(row)
        return self._give(f"{row}-seen.png", picture.seen) if picture else None

    def steps(self, row: int) -> Shown | None:
        """Return the path of the strip of steps, relative to the page."""
        picture = self._pictures.get(row)
        return self._give(f"{row}-steps.jpg", picture.steps) if picture else None

    def explained(self, row: int, data: bytes) -> Shown | None:
        """Return the path of the picture that explains a row, relative to the page."""
        return self._give(f"{row}-explained.png", data)

    def _give(self, name: str, data: bytes | None) -> Shown | None:
        if not data:
            return None
        # By row number, not by image name: names may be too long, clash on Windows, or climb out with `../`.
        path = f"{self._folder}/pictures/{name}"
        self._given[path] = data
        return Shown(path)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the path and bytes of each picture that the page asked for."""
        yield from self._given.items()


class EmbeddedPictures:
    """Pictures as data URIs."""

    def __init__(self, pictures: Mapping[int, Picture]) -> None:
        self._pictures = pictures

    def original(self, row: int) -> Shown | None:
        """Return the thumbnail as a data URI."""
        picture = self._pictures.get(row)
        return _embedded(picture.mime, picture.original) if picture else None

    def seen(self, row: int) -> Shown | None:
        """Return the model's input as a data URI."""
        picture = self._pictures.get(row)
        return _embedded("image/png", picture.seen) if picture else None

    def steps(self, row: int) -> Shown | None:
        """Return the strip of steps as a data URI."""
        picture = self._pictures.get(row)
        return _embedded("image/jpeg", picture.steps) if picture else None

    def explained(self, row: int, data: bytes) -> Shown | None:  # noqa: ARG002 - the same for all pictures
        """Return the picture that explains a row as a data URI."""
        return _embedded("image/png", data)


def _embedded(mime: str, data: bytes | None) -> Shown | None:
    if not data or mime not in SUFFIXES:
        return None
    return Shown(data_uri(mime, data))


def data_uri(mime: str, data: bytes) -> str:
    """Return bytes as a data URI, which holds them in the page itself (RFC 2397)."""
    return f"data:{mime};base64,{b64encode(data).decode('ascii')}"
