"""JSON of large objects, written in pieces and read entry by entry.

Whole, the values of a million images would take several times the memory of their columns.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.texts import BLOCK, Coded, Texts

_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, eq=False)
class Base64:
    """(N,) uint8 that JSON holds as a text."""

    data: NDArray[np.uint8]


def pieces(value: Any) -> Iterator[bytes]:
    """Yield a value as JSON, in ASCII and without spaces. Columns and integer arrays come some rows at a time."""
    if isinstance(value, Mapping):
        yield from of_entries(value.items())
    elif isinstance(value, Texts | Coded | np.ndarray):
        yield b"["
        for start in range(0, len(value), BLOCK):
            some = value[start : start + BLOCK]
            yield (b"," if start else b"") + _json(some.tolist() if isinstance(some, np.ndarray) else some)[1:-1]
        yield b"]"
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for i, one in enumerate(value):
            yield b"," if i else b"["
            yield from pieces(one)
        yield b"]"
    elif isinstance(value, Base64):
        yield b'"'
        for start in range(0, len(value.data), 3 * BLOCK):  # three bytes make four letters
            yield b64encode(value.data[start : start + 3 * BLOCK].data)
        yield b'"'
    else:
        yield _json(value)


def of_entries(entries_: Iterable[tuple[object, Any]]) -> Iterator[bytes]:
    """Yield a JSON object entry by entry."""
    yield b"{"
    for i, (name, value) in enumerate(entries_):
        yield b"%s%s:" % (b"," if i else b"", _json(str(name)))
        yield from pieces(value)
    yield b"}"


def from_base64(text: str) -> bytearray:
    """Return the bytes that a text holds. Raises ValueError where it holds none."""
    data = bytearray()
    for start in range(0, len(text), 4 * BLOCK):  # whole, they would be in memory three times
        data += b64decode(text[start : start + 4 * BLOCK])
    return data


def _json(value: Any) -> bytes:
    # JSON has no NaN: one that slips through fails here, not in the program that reads the file. Arrays that may hold
    # NaN, such as scores, are stored as bytes.
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def entries(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a JSON object. The next one is decoded when it is asked for.

    Other values have no entries. Raises ValueError where the text is no JSON.
    """
    decode = json.JSONDecoder().raw_decode
    place = _after_space(text, 0)
    if not text.startswith("{", place):
        json.loads(text)
        return
    place = _after_space(text, place + 1)
    more = not text.startswith("}", place)
    while more:
        if not text.startswith('"', place):
            raise JSONDecodeError("Expecting property name enclosed in double quotes", text, place)
        name, place = decode(text, place)
        place = _after_space(text, place)
        if not text.startswith(":", place):
            raise JSONDecodeError("Expecting ':' delimiter", text, place)
        value, place = decode(text, _after_space(text, place + 1))
        yield name, value
        place = _after_space(text, place)
        more = text.startswith(",", place)
        if more:
            place = _after_space(text, place + 1)
    if not text.startswith("}", place):
        raise JSONDecodeError("Expecting ',' delimiter", text, place)
    if _after_space(text, place + 1) < len(text):
        raise JSONDecodeError("Extra data", text, place + 1)


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place
