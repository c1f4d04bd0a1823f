"""A Keras model file at half its size: weights of fewer bits, compressed by the archive that they lie in."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

BITS = 10
"""Bits of a weight's fraction that are kept, as in float16, which these are not: any Keras opens the file."""
WEIGHTS = "model.weights.h5"


def compact_bytes(model: keras.Model) -> bytes:
    """Return a ``.keras`` file of the model, its weights rounded to ``BITS`` bits, compressed as ZIP does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
    entries[WEIGHTS] = _rounded_file(entries[WEIGHTS])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(entries.items()):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def rounded(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights with ``BITS`` bits of fraction; the exponent keeps its range."""
    fraction, exponent = np.frexp(weights)
    return np.asarray(np.ldexp(np.rint(fraction * 2 ** (BITS + 1)) / 2 ** (BITS + 1), exponent), np.float32)


def _rounded_file(data: bytes) -> bytes:
    """Return HDF5's bytes with every data set rounded, and without the time of writing.

    They are laid out plainly, not compressed by HDF5, so that the file is read without HDF5's library.
    """
    import h5py

    out = io.BytesIO()
    with h5py.File(io.BytesIO(data)) as source, h5py.File(out, "w") as target:

        def copied(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                values = item[()]
                values = rounded(values) if values.dtype == np.float32 else values
                made = target.create_dataset(name, data=values, track_times=False)
            else:
                made = target.require_group(name)
            for key, value in item.attrs.items():
                made.attrs[key] = value

        source.visititems(copied)
        for key, value in source.attrs.items():
            target.attrs[key] = value
    return out.getvalue()
