"""Whether a page is small enough to be one file.

One file can be sent and moved without losing its pictures.
"""

from __future__ import annotations

from collections.abc import Iterable

from batch_eval.engines.rows import Picture
from batch_eval.reports.context import ReportContext

ONE_FILE_BYTES = 5_000_000
"""Bytes up to which a page is one file by default. Mail takes it, and a browser opens it at once."""


def fits_one_file(context: ReportContext, pictures: Iterable[Picture], other_bytes: int = 0) -> bool:
    """Whether a page may be one file: the context says so, or its pictures leave room for the rest."""
    if context.self_contained is not None:
        return context.self_contained
    sizes = (len(data or b"") for p in pictures for data in (p.original, p.seen, p.steps))
    return is_small(other_bytes + sum(sizes) * 4 // 3)  # base64 writes four characters for three bytes


def is_small(page: bytes | int) -> bool:
    """Whether a page, or a number of bytes, is at most ``ONE_FILE_BYTES``."""
    return (page if isinstance(page, int) else len(page)) <= ONE_FILE_BYTES
