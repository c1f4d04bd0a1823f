"""Columns of texts that take little memory: all in one buffer, or each different one once.

A list holds a text of 20 letters in 77 bytes, and the reference to it in 8. `Texts` takes 24 bytes for it, and `Coded`
one byte where at most 256 texts are different. They are sequences, and make the texts when they are asked for.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import compress, islice
from operator import eq
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

BLOCK = 10_000
"""Texts that are made at a time."""
T = TypeVar("T", bound=Hashable)


class Texts(Sequence[str]):
    """(N,) texts, mostly different ones: ``data`` holds all as UTF-8, ``stops`` (N,) where each ends."""

    __slots__ = ("data", "stops")

    def __init__(self, data: bytes, stops: NDArray[Any]) -> None:
        self.data = data
        self.stops = stops

    @classmethod
    def of(cls, values: Iterable[str]) -> Texts:
        """Return texts as a column. Raises TypeError for anything else."""
        return values if isinstance(values, cls) else cls.joined(map(cls._block, blocks(values)))

    @classmethod
    def joined(cls, columns: Iterable[Texts]) -> Texts:
        """Return the texts of several columns as one."""
        data, stops = bytearray(), [np.zeros(0, np.uint8)]
        for column in columns:
            start = len(data)
            data += column.data
            ends = column.stops.astype(np.int64) + start
            stops.append(ends.astype(np.min_scalar_type(len(data))))
        kind = np.min_scalar_type(len(data))
        return cls(bytes(data), np.concatenate([some.astype(kind, copy=False) for some in stops]))

    @classmethod
    def _block(cls, values: Sequence[str]) -> Texts:
        # lone surrogates stand for bytes of file names that are not UTF-8
        encoded = [str.encode(value, "utf-8", "surrogatepass") for value in values]
        return cls(b"".join(encoded), np.fromiter(map(len, encoded), np.int64, len(encoded)).cumsum())

    def __len__(self) -> int:
        return len(self.stops)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), BLOCK):
            yield from self._some(start, min(start + BLOCK, len(self)))

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice | NDArray[np.intp]) -> list[str]: ...
    def __getitem__(self, place: int | slice | NDArray[np.intp]) -> str | list[str]:
        """Return a text, or a list of those of several rows."""
        if isinstance(place, np.ndarray):
            if len(place) and (np.diff(place) == 1).all():
                return self._some(int(place[0]), int(place[-1]) + 1)
            return [self[row] for row in place.tolist()]
        if not isinstance(place, slice):
            row = range(len(self))[place]
            return self._some(row, row + 1)[0]
        start, stop, step = place.indices(len(self))
        return self._some(start, stop) if step == 1 else [self[row] for row in range(start, stop, step)]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Texts):
            return self.data == other.data and np.array_equal(self.stops, other.stops)
        return isinstance(other, Sequence) and len(other) == len(self) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # equal to lists, as which it cannot be hashed

    def __repr__(self) -> str:
        return f"Texts.of({list(self)!r})"

    def are_different(self) -> bool:
        """Whether no text is there twice."""
        # hashes take a tenth of the memory of the texts; texts are compared where two have the same
        hashes = np.fromiter(map(hash, self), np.int64, len(self))
        order = np.argsort(hashes, kind="stable")
        twice = hashes[order[1:]] == hashes[order[:-1]]
        rows = np.unique([order[1:][twice], order[:-1][twice]]).tolist()
        return len({self[row] for row in rows}) == len(rows)

    def kept(self, chosen: NDArray[np.bool_]) -> Texts:
        """Return the texts of the rows in a mask, (N,) bool."""
        return self if chosen.all() else Texts.of(compress(self, chosen.tolist()))

    def _some(self, start: int, stop: int) -> list[str]:
        if start >= stop:
            return []
        first = int(self.stops[start - 1]) if start else 0
        stops = (self.stops[start:stop].astype(np.int64) - first).tolist()
        data = self.data[first : first + stops[-1]]
        cuts = zip([0, *stops], stops, strict=False)
        if data.isascii():
            text = data.decode("ascii")
            return [text[a:b] for a, b in cuts]
        return [data[a:b].decode("utf-8", "surrogatepass") for a, b in cuts]


class Coded(Sequence[T]):
    """(N,) values of which few are different.

    ``values`` holds each once, ``codes`` (N,) the place of a row's value among them.
    """

    __slots__ = ("codes", "values")

    def __init__(self, values: Sequence[T], codes: NDArray[Any]) -> None:
        self.values = tuple(values)
        self.codes = codes

    @classmethod
    def of(cls, values: Iterable[T]) -> Coded[T]:
        """Return values as a column. Those that are different stand in the order in which they first occur."""
        return values if isinstance(values, cls) else cls.joined(map(cls._block, blocks(values)))

    @classmethod
    def joined(cls, columns: Iterable[Coded[T]]) -> Coded[T]:
        """Return the values of several columns as one."""
        places: dict[T, int] = {}
        codes: list[NDArray[Any]] = [np.zeros(0, np.uint8)]
        for column in columns:
            own = np.array([places.setdefault(value, len(places)) for value in column.values], np.int64)
            codes.append(own.astype(np.min_scalar_type(max(len(places) - 1, 0)))[column.codes])
        kind = np.min_scalar_type(max(len(places) - 1, 0))
        return cls(tuple(places), np.concatenate([some.astype(kind, copy=False) for some in codes]))

    @classmethod
    def _block(cls, values: Sequence[T]) -> Coded[T]:
        places: dict[T, int] = {}
        codes = [places.setdefault(value, len(places)) for value in values]
        return cls(tuple(places), np.array(codes, np.intp))

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[T]:
        for start in range(0, len(self), BLOCK):
            yield from self[start : start + BLOCK]

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice | NDArray[Any]) -> list[T]: ...
    def __getitem__(self, place: int | slice | NDArray[Any]) -> T | list[T]:
        """Return a row's value, or a list of those of several rows."""
        values = self.values
        if isinstance(place, slice | np.ndarray):
            return [values[code] for code in self.codes[place].tolist()]
        return values[int(self.codes[place])]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(other) == len(self) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # equal to lists, as which it cannot be hashed

    def __repr__(self) -> str:
        return f"Coded.of({list(self)!r})"

    def at(self, rows: NDArray[Any]) -> Coded[T]:
        """Return the values of some rows, in the order in which they first occur there."""
        codes = self.codes[rows]
        order = _first_places(codes, len(self.values))
        place = np.zeros(len(self.values), self.codes.dtype)
        place[order] = np.arange(len(order))
        return Coded([self.values[code] for code in order.tolist()], place[codes])

    def counts(self) -> dict[T, int]:
        """Return the number of rows with each value."""
        return dict(zip(self.values, np.bincount(self.codes, minlength=len(self.values)).tolist(), strict=True))

    def having(self, values: Iterable[T]) -> NDArray[np.bool_]:
        """Return (N,) bool: the rows with one of these values."""
        wanted = frozenset(values)
        return np.asarray(np.array([value in wanted for value in self.values], np.bool_)[self.codes])


def _first_places(codes: NDArray[Any], count: int) -> NDArray[np.intp]:
    """Return the different codes in the order in which they first occur."""
    first = np.full(count, len(codes))
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # of equal codes the one that is assigned last counts
    order = np.argsort(first, kind="stable")
    return order[: np.count_nonzero(first < len(codes))]


def blocks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield some values at a time."""
    every = iter(values)
    while some := list(islice(every, BLOCK)):
        yield some
