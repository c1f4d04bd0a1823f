"""Tables in Parquet files, of the optional package pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ConfigError
from batch_eval.installation import install_command
from batch_eval.texts import Coded, Texts

COMPRESSION = "zstd"


def pyarrow(what: str) -> Any:
    """Return the package pyarrow with its module for Parquet. Raises ConfigError where it is not installed.

    ``what`` says in the message what needs it. Importing it starts threads, after which forking is unsafe.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigError(f"{what} needs pyarrow ({error}). Install it with: {install_command('parquet')}") from error
    return pa


# Arrays are made from buffers: `pyarrow.array` imports pandas where that is installed, which takes half a second.


def numbers(pa: Any, values: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> Any:
    """Return a column of (N,) numbers. Those that are not ``valid``, (N,) bool, are none."""
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [_bits(pa, valid), pa.py_buffer(np.ascontiguousarray(values))])


def flags(pa: Any, values: NDArray[np.bool_]) -> Any:
    """Return a column of (N,) bool."""
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(pa, values)])


def digests(pa: Any, values: NDArray[np.uint8]) -> Any:
    """Return a column of N times as many bytes. ``values`` is (N, bytes)."""
    count, length = values.shape
    return pa.Array.from_buffers(pa.binary(length), count, [None, pa.py_buffer(np.ascontiguousarray(values))])


def files(pa: Any, values: Sequence[bytes | None]) -> Any:
    """Return a column of bytes of any length."""
    lengths = np.fromiter((len(value or b"") for value in values), np.int64, len(values))
    valid = np.fromiter((value is not None for value in values), np.bool_, len(values))
    return _varying(pa, pa.binary(), b"".join(value or b"" for value in values), lengths.cumsum(), valid)


def texts(pa: Any, values: Texts | Coded[Any]) -> Any:
    """Return a column of texts. Those with lone surrogates, which UTF-8 lacks, become a column of bytes."""
    if isinstance(values, Texts):
        data, stops, valid = values.data, values.stops, None
    else:
        encoded = [b"" if value is None else value.encode("utf-8", "surrogatepass") for value in values.values]
        data = b"".join([encoded[code] for code in values.codes.tolist()])
        stops = np.array([*map(len, encoded)], np.int64)[values.codes].cumsum()
        valid = ~values.having([None])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _varying(pa, pa.binary(), data, stops, valid)
    return _varying(pa, pa.string(), data, stops, valid)


def _varying(pa: Any, kind: Any, data: bytes, stops: NDArray[Any], valid: NDArray[np.bool_] | None) -> Any:
    """Return a column of values that follow each other in ``data``."""
    large = len(data) > np.iinfo(np.int32).max
    if large:
        kind = {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}[kind]
    starts = np.zeros(len(stops) + 1, np.int64 if large else np.int32)
    starts[1:] = stops
    return pa.Array.from_buffers(kind, len(stops), [_bits(pa, valid), pa.py_buffer(starts), pa.py_buffer(data)])


def _bits(pa: Any, values: NDArray[np.bool_] | None) -> Any:
    return None if values is None else pa.py_buffer(np.packbits(values, bitorder="little"))


def listed(column: Any) -> list[Any]:
    """Return the values of a column that `texts` made."""
    values = column.to_pylist()
    return [value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value for value in values]
