"""Pictures side by side on sheets.

20,000 of them are a hundred files. No browser opens a file for each.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from batch_eval.engines.rows import Picture
from batch_eval.publishing import REPORT_FILES
from batch_eval.reports.html.pictures import SUFFIXES, Part, Shown

SHEET_WIDTH, SHEET_HEIGHT = 1600, 2400
"""Size of a sheet in pixels. A browser decodes a whole one, in 15 MB; it holds 150 thumbnails of photos."""
BORDER = 1
"""Pixels around each picture that repeat its edge.

Browsers blend with what lies beside when they scale.
"""
QUALITY = 80
"""JPEG quality of a sheet. Its pictures were JPEGs before, so a lower one would show."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(slots=True)
class _Shelf:
    """Pictures of one kind, placed from left to right in rows, on one sheet after the other.

    ``suffix`` is `.png` or `.jpg`. ``left`` and ``top`` are where the next picture goes; ``height`` is that of its row.
    """

    suffix: str
    sheets: list[int] = field(default_factory=list)
    left: int = 0
    top: int = 0
    height: int = 0


class SheetPictures:
    """Pictures on sheets in a folder beside the page, in the order in which they are asked for.

    Thumbnails of photos and strips of steps are on JPEG sheets. Small thumbnails and the model's inputs are on PNG
    sheets, which keep every pixel. The page shows parts of them with inline SVG, which needs neither scripts nor
    styles.
    """

    def __init__(self, pictures: Mapping[int, Picture], folder: str = REPORT_FILES) -> None:
        self._pictures = pictures
        self._folder = folder
        self._shelves = {
            "photos": _Shelf(".jpg"),
            "drawings": _Shelf(".png"),
            "seen": _Shelf(".png"),
            "steps": _Shelf(".jpg"),
            "explained": _Shelf(".png"),
        }
        self._names: list[str] = []
        self._contents: list[list[tuple[Part, bytes]]] = []
        self._placed: dict[tuple[int, str], Shown | None] = {}

    def original(self, row: int) -> Shown | None:
        """Return the thumbnail's place on a sheet."""
        picture = self._pictures.get(row)
        if picture is None or picture.mime not in SUFFIXES:
            return None
        return self._place(row, "drawings" if picture.mime == "image/png" else "photos", picture.original)

    def seen(self, row: int) -> Shown | None:
        """Return the place of the model's input on a sheet."""
        picture = self._pictures.get(row)
        return self._place(row, "seen", picture.seen) if picture else None

    def steps(self, row: int) -> Shown | None:
        """Return the place of the strip of steps on a sheet."""
        picture = self._pictures.get(row)
        return self._place(row, "steps", picture.steps) if picture else None

    def explained(self, row: int, data: bytes) -> Shown | None:
        """Return the place of the picture that explains a row on a sheet."""
        return self._place(row, "explained", data)

    @property
    def sheets(self) -> list[str]:
        """The URL of each sheet."""
        return [self._url(sheet) for sheet in range(len(self._names))]

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the path and content of each sheet."""
        for sheet, contents in enumerate(self._contents):
            yield self._url(sheet), _drawn(contents, self._names[sheet].rpartition(".")[2])

    def _place(self, row: int, kind: str, data: bytes | None) -> Shown | None:
        # The page may ask for a picture several times: in a group, among the most confident, in the gallery's data.
        if (row, kind) not in self._placed:
            size = image_size(data) if data else None
            self._placed[row, kind] = self._put(kind, data, *size) if data and size else None
        return self._placed[row, kind]

    def _put(self, kind: str, data: bytes, width: int, height: int) -> Shown:
        """Place a picture beside the one before it, on a new row or on a new sheet."""
        # A row is as high as its highest picture. No picture is moved later, as the page gets its place at once.
        shelf = self._shelves[kind]
        wide, high = width + 2 * BORDER, height + 2 * BORDER
        if shelf.left + wide > SHEET_WIDTH and shelf.left:
            shelf.left, shelf.top, shelf.height = 0, shelf.top + shelf.height, 0
        if not shelf.sheets or (shelf.top + high > SHEET_HEIGHT and shelf.top):
            shelf.sheets.append(len(self._names))
            self._names.append(f"{kind}-{len(shelf.sheets)}{shelf.suffix}")
            self._contents.append([])
            shelf.left = shelf.top = shelf.height = 0
        part = Part(shelf.sheets[-1], shelf.left + BORDER, shelf.top + BORDER, width, height)
        self._contents[part.sheet].append((part, data))
        shelf.left += wide
        shelf.height = max(shelf.height, high)
        return Shown(self._url(part.sheet), part)

    def _url(self, sheet: int) -> str:
        return f"{self._folder}/{self._names[sheet]}"


def _size(contents: list[tuple[Part, bytes]]) -> tuple[int, int]:
    """Return the width and height of a sheet, as far as it is filled."""
    right = max(part.left + part.width for part, _ in contents)
    bottom = max(part.top + part.height for part, _ in contents)
    return right + BORDER, bottom + BORDER


def _drawn(contents: list[tuple[Part, bytes]], suffix: str) -> bytes:
    """Return a sheet as an image file."""
    import cv2

    from batch_eval.imaging.files import encode

    width, height = _size(contents)
    sheet = np.zeros((height, width, 3), np.uint8)
    for part, data in contents:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if image is not None and image.shape[:2] == (part.height, part.width):  # else damaged: its place stays black
            left, top = part.left - BORDER, part.top - BORDER
            bordered = cv2.copyMakeBorder(image, *(BORDER,) * 4, cv2.BORDER_REPLICATE)
            sheet[top : top + bordered.shape[0], left : left + bordered.shape[1]] = bordered
    return encode(_grey_if_equal(sheet), f".{suffix}", QUALITY)


def _grey_if_equal(sheet: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W) where all channels are equal: a third of the file."""
    grey = sheet[..., 0]
    return grey if (sheet == grey[..., None]).all() else sheet


def image_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a PNG or JPEG from its header; None for other data."""
    if data.startswith(_PNG_SIGNATURE) and len(data) >= 24:
        # The header's chunk comes right after the signature: 4 bytes of length, 4 of type, then both sides.
        width, height = struct.unpack(">II", data[16:24])
        return _fitting(width, height)
    from batch_eval.imaging.jpeg import header_size  # late: it imports a decoder

    size = header_size(data)
    return _fitting(size[1], size[0]) if size else None


def _fitting(width: int, height: int) -> tuple[int, int] | None:
    """Return the size, or None where the picture is larger than a sheet."""
    fits = 0 < width <= SHEET_WIDTH - 2 * BORDER and 0 < height <= SHEET_HEIGHT - 2 * BORDER
    return (width, height) if fits else None
