"""Tables in Parquet files, of the optional package pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batch_eval.errors import ConfigError
from batch_eval.installation import install_command

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


def texts(pa: Any, values: Sequence[str | None]) -> Any:
    """Return a column of texts. Those with lone surrogates, which UTF-8 lacks, become a column of bytes."""
    values = list(values)
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        encoded = [None if value is None else value.encode("utf-8", "surrogatepass") for value in values]
        return pa.array(encoded, pa.binary())


def listed(column: Any) -> list[Any]:
    """Return the values of a column that `texts` made."""
    values = column.to_pylist()
    return [value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value for value in values]
