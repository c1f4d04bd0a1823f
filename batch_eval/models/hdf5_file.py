"""Read an HDF5 file as Keras writes it, in plain Python and from memory.

HDF5 is a file system in a file. Its library follows links to any other file of the machine, fills what was never
stored, and on some damaged files loops for ever or crashes. Keras uses little of the format: groups, arrays in one
piece, and attributes of text. Only that is read here, and every offset and size is checked.

The format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html. A file begins with a superblock,
which has the address of the root group. Every group and dataset is an object header: a list of messages. A group's
message leads to a B-tree of symbol tables with the members' names and addresses; a dataset's messages give its shape,
its type and the address of its numbers.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ModelError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_OBJECTS = 50_000
"""Groups, datasets and attributes that a file may have."""
_MAX_DEPTH = 32
"""Levels of groups."""
_MAX_TEXT = 16 << 20
"""Most bytes of text in all attributes. The config of a model is one of them."""
_MAX_RANK = 32
"""Axes of an array: the most that HDF5 allows."""
_UNDEFINED = 2**64 - 1
"""The address of what was never stored."""

_DATASPACE, _DATATYPE, _EXTERNAL, _LAYOUT, _FILTERS, _ATTRIBUTE = 1, 3, 7, 8, 11, 12
_CONTINUATION, _SYMBOL_TABLE, _ATTRIBUTE_INFO, _LINK_INFO, _LINK = 16, 17, 21, 2, 6
_SHARED = 2
"""Flag of a message that is stored elsewhere."""
_SOFT_LINK = 2
"""Type of a symbol table's entry that names a path."""
_INTEGERS = {1: "i1", 2: "i2", 4: "i4", 8: "i8"}
# size -> bits: offset, precision, exponent's place and size, mantissa's place and size, and the exponent's bias
_FLOATS = {2: (0, 16, 10, 5, 0, 10, 15), 4: (0, 32, 23, 8, 0, 23, 127), 8: (0, 64, 52, 11, 0, 52, 1023)}


Attributes = dict[str, str | list[str]]
"""Attributes of text, one value or a list. Others are there as empty lists."""


class DamagedError(ValueError):
    """The file breaks the rules of its format."""


class OtherLayoutError(Exception):
    """The file is written in a way that is not read here, though HDF5 allows it."""


@dataclass(frozen=True)
class Dataset:
    """An array in the file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    numbers: memoryview
    attributes: Attributes

    @property
    def nbytes(self) -> int:
        """The size of the array in bytes."""
        return len(self.numbers)

    def read(self) -> NDArray[Any]:
        """Return the array; it is not a copy, and cannot be changed."""
        return np.frombuffer(self.numbers, self.dtype).reshape(self.shape)


@dataclass(frozen=True)
class Group:
    """A folder of groups and datasets."""

    members: dict[str, Group | Dataset] = field(default_factory=dict)
    attributes: Attributes = field(default_factory=dict)

    def find(self, path: str) -> Group | Dataset | None:
        """Return the member at a path such as ``layers/dense/vars``; None if there is none."""
        item: Group | Dataset | None = self
        for part in path.split("/"):
            item = item.members.get(part) if isinstance(item, Group) else None
        return item


def numbers_in(items: Iterable[Group | Dataset | None]) -> int:
    """Return how many numbers the datasets at and below some items hold. Each counts once, as links may repeat it."""
    waiting, seen, total = list(items), set[int](), 0
    while waiting:
        item = waiting.pop()
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Group):
            waiting.extend(item.members.values())
        else:
            total += prod(item.shape)
    return total


def read_hdf5(data: bytes | memoryview) -> Group:
    """Return the root group of an HDF5 file.

    Raises:
        DamagedError: The file breaks the rules of the format.
        OtherLayoutError: It uses a part of HDF5 that Keras does not.
        ModelError: It refers to other files, or is followed by something else.

    """
    return _Reader(memoryview(data)).root()


class _Reader:
    """The parser; ``_objects`` holds what was read, by address: two links may lead to one object."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._objects: dict[int, Group | Dataset | None] = {}
        self._count, self._text = 0, 0

    def root(self) -> Group:
        """Read the superblock, and from the root group all that it leads to."""
        version = self._bytes(8, 1)[0]
        if version > 1:
            raise OtherLayoutError(f"superblock of version {version}")
        sizes = self._bytes(13, 2).tolist()
        if sizes != [8, 8]:
            raise OtherLayoutError(f"offsets and lengths of {sizes} bytes")
        # version 1 has four bytes more: the size of another kind of tree
        base, _, end, _, _, root = self._numbers("<6Q", 24 + 4 * version)
        if base != 0:
            raise DamagedError("it is not at the beginning of the file")
        if end > len(self._data):
            raise DamagedError(f"it is cut off: {len(self._data):,} of {end:,} bytes are there")
        # Other programs may look for another model behind the end, or for a zip archive inside.
        if end < len(self._data) or zipfile.is_zipfile(io.BytesIO(self._data)):
            raise ModelError(
                "The file is two files in one: something else follows the HDF5 file. Programs differ in which of the "
                "two they read, so it is never opened. Save the model again."
            )
        found = self._object(root, 0)
        if not isinstance(found, Group):
            raise DamagedError("its root is no group")
        return found

    def _object(self, address: int, depth: int) -> Group | Dataset:
        """Return the group or dataset at an address."""
        if address not in self._objects:
            self._objects[address] = None
            self._objects[address] = self._parse(address, depth)
        found = self._objects[address]
        if found is None:
            raise DamagedError("a group contains itself")
        return found

    def _parse(self, address: int, depth: int) -> Group | Dataset:
        if depth > _MAX_DEPTH:
            raise DamagedError("its groups are nested too deeply")
        messages: dict[int, memoryview] = {}
        attributes: Attributes = {}
        for kind, content in self._messages(address):
            if kind == _ATTRIBUTE:
                self._counted()
                name, values = self._attribute(content)
                attributes[name] = values
            else:
                messages.setdefault(kind, content)
        for kind, name in ((_LINK_INFO, "links"), (_LINK, "links"), (_ATTRIBUTE_INFO, "attributes")):
            if kind in messages:
                raise OtherLayoutError(f"newer {name}")
        if _SYMBOL_TABLE in messages:
            return Group(self._members(messages[_SYMBOL_TABLE], depth), attributes)
        return self._dataset(messages, attributes)

    def _messages(self, address: int) -> Iterator[tuple[int, memoryview]]:
        """Yield (type, content) of the messages in an object header."""
        if bytes(self._bytes(address, 4)) == b"OHDR":
            raise OtherLayoutError("object header of version 2")
        version, _, count, _, size = self._numbers("<BBHII", address)
        if version != 1:
            raise DamagedError(f"object header of version {version}")
        blocks = [(address + 16, size)]
        for start, length in blocks:
            block, position = self._bytes(start, length), 0
            while position + 8 <= length and count:
                kind, size, flags = struct.unpack_from("<HHB", block, position)
                content = block[position + 8 : position + 8 + size]
                if len(content) < size:
                    raise DamagedError("a message is cut off")
                position, count = position + 8 + size, count - 1
                if flags & _SHARED:
                    raise OtherLayoutError("shared message")
                if kind == _CONTINUATION:
                    self._counted()
                    blocks.append(_unpack("<QQ", content))
                else:
                    yield kind, content

    def _members(self, message: memoryview, depth: int) -> dict[str, Group | Dataset]:
        """Return the members of a group by name."""
        tree, heap = _unpack("<QQ", message)
        signature, size, _, names = self._numbers("<4s4xQQQ", heap)
        if signature != b"HEAP":
            raise DamagedError("a group has no names")
        names = self._bytes(names, size)
        members: dict[str, Group | Dataset] = {}
        for offset, address, kind in self._entries(tree, _MAX_DEPTH):
            name = _until_zero(names[offset:])
            if kind == _SOFT_LINK:
                raise ModelError(f"The weights contain a soft or external link ({name}); such a model is never opened.")
            if name in members or name in ("", ".", "..") or "/" in name:
                raise DamagedError(f"a member has the name {name!r}")
            members[name] = self._object(address, depth + 1)
        return members

    def _entries(self, node: int, levels: int) -> Iterator[tuple[int, int, int]]:
        """Yield (name's offset, address, type) of each entry below a node of a group's B-tree."""
        self._counted()
        signature, kind, level, used = self._numbers("<4sBBH", node)
        if signature != b"TREE" or kind != 0 or level >= levels:
            raise DamagedError("a group has no list of members")
        # keys, which are not needed, stand before, between and after the addresses
        children = self._numbers(f"<{2 * used + 1}Q", node + 24)[1::2]
        for child in children:
            if level:
                yield from self._entries(child, level)
                continue
            self._counted()
            signature, count = self._numbers("<4s2xH", child)
            if signature != b"SNOD":
                raise DamagedError("a group has no table of members")
            for i in range(count):
                self._counted()
                yield self._numbers("<QQI", child + 8 + 40 * i)

    def _dataset(self, messages: dict[int, memoryview], attributes: Attributes) -> Dataset:
        if not {_DATASPACE, _DATATYPE, _LAYOUT} <= messages.keys():
            raise DamagedError("an object is neither group nor dataset")
        if _EXTERNAL in messages:
            raise ModelError("A weight is stored in another file; such a model is never opened.")
        if _FILTERS in messages:
            raise OtherLayoutError("compressed dataset")
        shape, dtype = _shape(messages[_DATASPACE]), _dtype(messages[_DATATYPE])
        if dtype is None:
            raise OtherLayoutError("dataset of an unusual type")
        numbers, size = self._stored(messages[_LAYOUT]), prod(shape) * dtype.itemsize
        if len(numbers) < size:
            raise ModelError(
                f"A weight declares {size:,} bytes, but the file holds {len(numbers):,} of them. Save the model again."
            )
        return Dataset(shape, dtype, numbers[:size], attributes)

    def _stored(self, layout: memoryview) -> memoryview:
        """Return the bytes of a dataset."""
        version, kind = _unpack("<BB", layout)
        if version != 3 or kind > 1:
            raise OtherLayoutError(f"dataset layout {kind} of version {version}")
        if kind == 0:  # compact: the numbers are in the message itself
            (size,) = _unpack("<2xH", layout)
            return layout[4 : 4 + size]
        address, size = _unpack("<2xQQ", layout)
        return self._bytes(address, size) if address != _UNDEFINED else self._data[:0]

    def _attribute(self, message: memoryview) -> tuple[str, str | list[str]]:
        """Return the name and the value of an attribute."""
        version, flags, name_size, type_size, space_size = _unpack("<BBHHH", message)
        if version not in (1, 2, 3) or (version > 1 and flags):
            raise OtherLayoutError(f"attribute of version {version}")
        # version 1 pads each part to a multiple of eight bytes; version 3 adds the encoding of the name
        position, parts = 8 + (version == 3), []
        for size in (name_size, type_size, space_size):
            parts.append(message[position : position + size])
            position += -(-size // 8) * 8 if version == 1 else size
        name, datatype, shape = parts[0], parts[1], _shape(parts[2])
        values = list(self._texts(datatype, prod(shape), message[position:]))
        return _until_zero(name), values[0] if values and not shape else values

    def _texts(self, datatype: memoryview, count: int, content: memoryview) -> Iterator[str]:
        """Yield the values of an attribute of text."""
        (kind, bits, _, _, size) = _unpack("<BBBBI", datatype)
        is_fixed, is_variable = kind & 15 == 3, kind & 15 == 9 and bits & 15 == 1
        if not is_fixed and not is_variable:
            return
        if size * count > len(content):
            raise DamagedError("an attribute is cut off")
        for i in range(count):
            value = content[i * size : (i + 1) * size]
            if is_variable:
                length, heap, index = _unpack("<IQI", value)
                value = self._heap_object(heap, index)[:length] if length else value[:0]
            self._text += len(value)
            if self._text > _MAX_TEXT:
                raise DamagedError("its attributes are too large")
            yield _until_zero(value)

    def _heap_object(self, heap: int, index: int) -> memoryview:
        """Return an object of a global heap, where texts of any length are stored."""
        signature, size = self._numbers("<4s4xQ", heap)
        content, position = self._bytes(heap, size), 16
        if signature != b"GCOL":
            raise DamagedError("a text is missing")
        while position + 16 <= size:
            self._counted()
            number, length = struct.unpack_from("<H6xQ", content, position)
            if number == index:
                return content[position + 16 : position + 16 + length]
            if number == 0:  # the free space at the end
                break
            position += 16 + -(-length // 8) * 8
        raise DamagedError("a text is missing")

    def _counted(self) -> None:
        """Count a step, of which a damaged file must not make too many."""
        self._count += 1
        if self._count > _MAX_OBJECTS:
            raise DamagedError("it has too many parts")

    def _bytes(self, address: int, size: int) -> memoryview:
        """Return bytes of the file."""
        if address + size > len(self._data):
            raise DamagedError("an address is beyond its end")
        return self._data[address : address + size]

    def _numbers(self, layout: str, address: int) -> tuple[Any, ...]:
        """Return numbers at an address, in the notation of ``struct``."""
        return struct.unpack(layout, self._bytes(address, struct.calcsize(layout)))


def _unpack(layout: str, content: memoryview) -> tuple[Any, ...]:
    """Return the numbers at the beginning of a message."""
    if len(content) < struct.calcsize(layout):
        raise DamagedError("a message is cut off")
    return struct.unpack_from(layout, content)


def _until_zero(content: memoryview) -> str:
    return bytes(content).partition(b"\0")[0].decode("utf-8", "replace")


def _shape(message: memoryview) -> tuple[int, ...]:
    """Return the shape in a dataspace message; that of a scalar is ()."""
    version, rank = _unpack("<BB", message)
    kind = message[3] if version == 2 else 1
    if version not in (1, 2) or rank > _MAX_RANK or kind > 1:
        raise OtherLayoutError(f"dataspace {kind} of version {version}")
    return _unpack(f"<{8 if version == 1 else 4}x{rank}Q", message)


def _dtype(message: memoryview) -> np.dtype[Any] | None:
    """Return NumPy's type for a datatype message: an integer or a float of IEEE; None for others."""
    kind, bits, _, _, size = _unpack("<BBBBI", message)
    order = ">" if bits & 1 else "<"
    if kind & 15 == 0 and size in _INTEGERS and _unpack("<8xHH", message) == (0, 8 * size):
        code = _INTEGERS[size]
        return np.dtype(order + (code if bits & 8 else code.replace("i", "u")))
    if kind & 15 == 1 and not bits & 64 and size in _FLOATS and _unpack("<8xHHBBBBI", message) == _FLOATS[size]:
        return np.dtype(f"{order}f{size}")
    return None
