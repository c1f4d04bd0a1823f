"""A Keras model file at half its size: weights of fewer bits, compressed."""

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
"""Bits of a weight's fraction that are kept, as many as in float16. The type stays float32."""
WEIGHTS = "model.weights.h5"


def compact_bytes(model: keras.Model) -> bytes:
    """Return a ``.keras`` file of the model, compressed, with weights of ``BITS`` bits."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
    entries[WEIGHTS] = _rounded_file(entries[WEIGHTS])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(entries.items()):
            # A fixed date stands in place of the time of writing.
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def rounded(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights with ``BITS`` bits of fraction; the exponent keeps its range."""
    # frexp gives fractions of 0.5 to 1. Their first bit is always set, so it comes on top of ``BITS``.
    fraction, exponent = np.frexp(weights)
    return np.asarray(np.ldexp(np.rint(fraction * 2 ** (BITS + 1)) / 2 ** (BITS + 1), exponent), np.float32)


def _rounded_file(data: bytes) -> bytes:
    """Return HDF5's bytes with every data set rounded, and without the time of writing.

    HDF5 does not compress them. So the file can be read without HDF5's library.
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
        # visititems leaves out the root itself.
        for key, value in source.attrs.items():
            target.attrs[key] = value
    return out.getvalue()
