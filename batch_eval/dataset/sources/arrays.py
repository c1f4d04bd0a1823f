"""Arrays of images with arrays of labels: NumPy files, MNIST's IDX files, and arrays from Python."""

from __future__ import annotations

import gzip
import io
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.words import part_in, words
from batch_eval.dataset.sources.core import SetFile
from batch_eval.dataset.sources.limits import TIGHTEST, is_bomb
from batch_eval.dataset.splits import SPLIT
from batch_eval.errors import DatasetError
from batch_eval.wording import listing, printable

IDX = (b"\0\0\x08\x01", b"\0\0\x08\x02", b"\0\0\x08\x03", b"\0\0\x08\x04")
"""First bytes of IDX files of unsigned bytes, of one to four dimensions (LeCun, Cortes and Burges, MNIST)."""

_MOST_CLASSES = 100
"""Columns of labels that are one-hot."""
_ROLES = frozenset(
    [
        "x",
        "y",
        "images",
        "image",
        "labels",
        "label",
        "data",
        "target",
        "targets",
        "digits",
        "digit",
        "arr",
        "idx",
        "ubyte",
        "features",
        "pixels",
    ]
)
"""Words in the names of arrays that say what an array holds, not which part of a set."""


@dataclass(frozen=True, slots=True)
class Part:
    """Images of one array, (N, H, W) or (N, H, W, 3) RGB uint8, and their labels as text."""

    name: str
    images: NDArray[np.uint8]
    labels: Sequence[str] | None = None


class Arrays:
    """Images of arrays. The id of each is its array's name with its index, such as ``x_test[7]``."""

    others: Sequence[str] = ()

    def __init__(self, name: str, roots: Sequence[str], parts: Sequence[Part], notes: Sequence[str] = ()) -> None:
        self.name = name
        self.roots = tuple(roots)
        self.notes = tuple(notes)
        self._arrays = {part.name: part.images for part in parts}
        self.images: Sequence[str] = [f"{part.name}[{i}]" for part in parts for i in range(len(part.images))]
        self.labels = _labels_of(name, parts)

    def read(self, file: str) -> NDArray[np.uint8]:
        """Return an image, (H, W) or (H, W, 3) BGR uint8."""
        name, _, index = file[:-1].rpartition("[")
        image = self._arrays[name][int(index)]
        return np.ascontiguousarray(image[..., ::-1]) if image.ndim == 3 else image

    def read_other(self, path: str) -> bytes:
        """Raise KeyError: there are no other files."""
        raise KeyError(path)

    def size(self, file: str) -> int:
        """Return the number of bytes of an image's pixels."""
        return int(self._arrays[file[:-1].rpartition("[")[0]][0].nbytes)


class TableArrays(Arrays):
    """Images of the rows of a table. The id of each is the table's name with its line, such as ``digits.csv:2``."""

    def __init__(self, file: SetFile, part: Part, note: str, *, first_line: int) -> None:
        super().__init__(file.name, [file.root], [part], [note] if note else [])
        self._first_line = first_line
        self._array = part.images
        self.images = [f"{file.name}:{first_line + row}" for row in range(len(part.images))]

    def read(self, file: str) -> NDArray[np.uint8]:
        """Return an image, (H, W) uint8."""
        image: NDArray[np.uint8] = self._array[int(file.rpartition(":")[2]) - self._first_line]
        return image

    def size(self, file: str) -> int:  # noqa: ARG002 - all are of one size
        """Return the number of bytes of an image's pixels."""
        return int(self._array[0].nbytes)


def _labels_of(name: str, parts: Sequence[Part]) -> Reading | None:
    """Return the labels of all parts. If there are several, the part is a slice."""
    if all(part.labels is None for part in parts):
        return None
    truths: list[str | None] = []
    slices = []
    kinds = [part_of(part.name) or part.name for part in parts]
    for part, kind in zip(parts, kinds, strict=True):
        truths += part.labels if part.labels is not None else [None] * len(part.images)
        slices += [(kind,)] * len(part.images)
    several = len(set(kinds)) > 1
    shown = listing([printable(part.name) for part in parts])
    return Reading(
        f"labels in {printable(name)} for {shown}",
        truths,
        slice_names=(SPLIT,) if several else (),
        slices=slices if several else (),
    )


def part_of(name: str) -> str:
    """Return the part of a set that a name speaks of: `train`, `val`, `test`, or nothing."""
    return "test" if "t10k" in name.lower() else part_in(name)  # as MNIST calls its test digits


def pair(arrays: Mapping[str, NDArray[Any]], where: str) -> tuple[list[Part], list[str]]:
    """Return the arrays of images with their labels as parts, and notes on scaled values.

    Labels have as many entries as their images. They share the rest of the name: ``y_test`` with ``x_test``. Raises
    DatasetError if there are no images, or if several arrays could be their labels.
    """
    labels = {name: found for name, array in arrays.items() if (found := as_labels(array)) is not None}
    parts, notes = [], []
    for name, array in arrays.items():
        if name in labels or not _is_images(array):
            continue
        images, note = as_images(array, f"{name} of {where}")
        if "emnist" in f"{name} {where}".lower():
            images = np.ascontiguousarray(images.swapaxes(1, 2))
            notes.append(f"{printable(name)} is turned upright: EMNIST's files hold their images transposed.")
        notes += [note] if note else []
        own = _labels_for(name, len(images), labels, where)
        parts.append(Part(name, images, None if own is None else labels[own]))
    if not parts:
        shapes = ", ".join(f"{printable(name)} {array.dtype}{list(array.shape)}" for name, array in arrays.items())
        raise DatasetError(
            f"{where} holds no images: its arrays are {shapes}. Expected one of shape (N, height, width)."
        )
    return parts, notes


def _labels_for(name: str, count: int, labels: Mapping[str, list[str]], where: str) -> str | None:
    """Return the name of the labels that belong to an array of images."""
    fitting = [other for other, values in labels.items() if len(values) == count]
    # y_test and y_train may be equally long. The rest of the name, "test", tells.
    same = [other for other in fitting if _rest(other) == _rest(name)]
    found = same or fitting
    if len(found) > 1:
        raise DatasetError(
            f"{where} has several arrays that could be the labels of {printable(name)}: {listing(found)}. "
            "Keep one, or name it like the images: x_test, y_test."
        )
    return found[0] if found else None


def _rest(name: str) -> frozenset[str]:
    return frozenset(word for word in words(name) if word not in _ROLES and not word.isdigit())


def as_labels(array: NDArray[Any]) -> list[str] | None:
    """Return labels as text: of numbers or text (N,) or (N, 1), or one-hot (N, C). Return None for anything else."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and 1 < array.shape[1] <= _MOST_CLASSES and len(array) and _is_one_hot(array):
        array = array.argmax(axis=1)
    if array.ndim != 1:
        return None
    if array.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in array.tolist()]
    return [str(value) for value in array.tolist()] if array.dtype.kind in "iufbU" else None


def _is_one_hot(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "iufb" and bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())


def _is_images(array: NDArray[Any]) -> bool:
    if array.dtype.kind not in "iufb" or not array.size:
        return False
    return array.ndim in (3, 4) or (array.ndim == 2 and side_of(array.shape[1]) > 0)


def side_of(pixels: int) -> int:
    """Return the side of a square image of so many pixels. Return 0 if it is no square, or smaller than 8 × 8."""
    side = int(pixels**0.5 + 0.5)
    return side if side * side == pixels and side >= 8 else 0


def as_images(array: NDArray[Any], where: str) -> tuple[NDArray[np.uint8], str]:
    """Return images as uint8, 0 to 255, (N, H, W) or (N, H, W, 3), and a note if values were scaled.

    Args:
        array: (N, H, W), (N, H, W, 1 or 3), (N, 1 or 3, H, W) or (N, H·W), of numbers 0 to 255, 0 to 1, -1 to 1, or
            0 to 16 as scikit-learn's digits of 8 × 8 pixels have.
        where: What errors call the array.

    """
    shaped = _shaped(array, where)
    low, high = float(shaped.min()), float(shaped.max())
    if not np.isfinite([low, high]).all():
        raise DatasetError(f"{where} holds values that are no numbers (NaN or infinite). Replace them.")
    # The range of values tells their scale. Bytes of 0 and 1 alone are a mask, scaled like floats.
    if shaped.dtype == np.uint8 and high > 1:
        scale, offset = 1.0, 0.0
    elif low < 0:
        scale, offset = 127.5, 1.0
    else:
        scale, offset = (255.0 if high <= 1 else 255 / 16 if high <= 16 and shaped.shape[1] == 8 else 1.0), 0.0
    if (low + offset) * scale < 0 or (high + offset) * scale >= 255.5:
        raise DatasetError(f"{where} holds values from {low:g} to {high:g}. Expected 0 to 255, 0 to 1, or -1 to 1.")
    if scale == 1:
        return np.ascontiguousarray(np.rint(shaped).astype(np.uint8) if shaped.dtype != np.uint8 else shaped), ""
    scaled = np.rint((shaped.astype(np.float32) + np.float32(offset)) * np.float32(scale)).astype(np.uint8)
    return scaled, f"The values of {where}, {low:g} to {high:g}, are scaled to 0 to 255."


def _shaped(array: NDArray[Any], where: str) -> NDArray[Any]:
    """Return images with their channels last, and without a single channel."""
    if array.ndim == 2 and side_of(array.shape[1]):
        side = side_of(array.shape[1])
        return array.reshape(len(array), side, side)
    if array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        # Channels first, as PyTorch has them.
        array = array.transpose(0, 2, 3, 1)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 3):
        return array
    raise DatasetError(
        f"{where} has the shape {array.shape}. "
        "Expected (N, height, width), (N, height, width, 1 or 3), or flat squares."
    )


def numpy_arrays(raw: bytes, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of an `.npz` or `.npy` file; nothing pickled is opened.

    Raises DatasetError for a damaged file, and for one that claims more bytes than images can have.
    """
    try:
        loaded = np.load(io.BytesIO(raw), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {name: loaded}
        # Each array is unpacked when it is asked for, so that this comes before any.
        claimed = sum(member.file_size for member in loaded.zip.infolist())
        if is_bomb(len(raw), claimed):
            raise DatasetError(_bomb(name, claimed))
        return {key: loaded[key] for key in loaded.files}
    except (OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile, MemoryError) as error:
        raise DatasetError(f"{name} is no readable NumPy file: {error}. Save it again with numpy.savez.") from error


def _bomb(name: str, claimed: int) -> str:
    return f"{name} claims {claimed:,} bytes, more than {TIGHTEST} times its size. No set of images does."


def idx_array(raw: bytes, name: str) -> NDArray[np.uint8]:
    """Return the array of an IDX file of unsigned bytes, which may be packed with gzip.

    Two zero bytes, the type and the number of dimensions come first. Then come the dimensions as big-endian 32-bit
    numbers, and the values. Source: Y. LeCun, C. Cortes and C. Burges, the MNIST database.

    Raises DatasetError if the length is not what the dimensions say.
    """
    packed = raw.startswith(b"\x1f\x8b")
    try:
        with gzip.open(io.BytesIO(raw)) if packed else io.BytesIO(raw) as file:
            dimensions = file.read(4)[3]
            shape = [int.from_bytes(file.read(4), "big") for _ in range(dimensions)]
            claimed = math.prod(shape)
            if packed and is_bomb(len(raw), claimed):
                raise DatasetError(
                    f"{name} claims {claimed:,} bytes, more than {TIGHTEST} times its size; it is not read."
                )
            # One byte more shows a file that is too long.
            values = file.read(claimed + 1)
    except (OSError, EOFError, IndexError, zlib.error) as error:
        raise DatasetError(f"{name} is damaged: {error}. Copy or download it again.") from error
    if len(values) != claimed:
        held = "more" if len(values) > claimed else f"{len(values):,}"
        raise DatasetError(
            f"{name} says that it holds {' × '.join(map(str, shape))} bytes, but holds {held}. "
            "Copy or download it again."
        )
    return np.frombuffer(values, np.uint8).reshape(shape)
