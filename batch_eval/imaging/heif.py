"""The container of HEIC and AVIF: which pictures it holds, how large they are, and whether all their bytes are there.

Sources: ISO/IEC 14496-12 (boxes), ISO/IEC 23008-12 (pictures in them), AV1 Bitstream & Decoding Process Specification.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.limits import check_memory
from batch_eval.imaging.tails import MIN_ZEROS, cut_short, trailing_zeros

MAX_BOXES = 20_000
"""Boxes, and pieces of pictures, that are looked at. A photo of 200 megapixels has about 800 tiles."""
_CODED = (b"av01", b"hvc1")
_SEQUENCE_HEADER = 1  # type of an OBU, the unit of AV1 data
_HEADER_BYTES = 128  # of a picture, that hold its size
# a pixel, beside the planes, and more with alpha; measured with Pillow 13.0 and pillow-heif 1.8
_BYTES = {"AVIF": 8, "HEIC": 4}
_ALPHA_BYTES = {"AVIF": 1, "HEIC": 2}
_FILE, _IDAT = 0, 1  # where an item's bytes lie: in the file, or in a box of the header


@dataclass(slots=True)
class Picture:
    """A coded picture: a whole image, a tile, a thumbnail or an alpha plane.

    ``width`` and ``height`` are those that the container states, 0 if it does not. ``planes`` is the bytes a pixel of
    brightness and colour. ``auxiliary`` says that it is an alpha plane or a map of depth. ``pieces`` are where its
    bytes lie in the file.
    """

    kind: bytes = b""
    width: int = 0
    height: int = 0
    planes: float = 0
    auxiliary: bool = False
    pieces: list[slice] = field(default_factory=list)


def check_container(data: bytes, kind: str) -> None:
    """Raise UnreadableImageError if a picture is not as large as stated, or its last bytes are zeros.

    Args:
        data: The file's bytes.
        kind: ``AVIF`` or ``HEIC``, for the message.

    """
    for picture in pictures(data):
        if not picture.pieces:
            continue
        first, last = picture.pieces[0], picture.pieces[-1]
        if data.endswith(bytes(MIN_ZEROS), last.start, last.stop):
            raise cut_short(kind, trailing_zeros(data[last]))
        start = data[first.start : min(first.stop, first.start + _HEADER_BYTES)]
        size = _coded_size(start) if picture.kind == b"av01" else None
        stated = picture.width, picture.height
        if size and any(stated) and size != stated:
            raise UnreadableImageError(
                f"{kind} data is damaged: its header says {stated[0]:,} x {stated[1]:,} pixels, "
                f"its picture has {size[0]:,} x {size[1]:,}"
            )


def check_heif_memory(data: bytes, width: int, height: int, *, kind: str) -> None:
    """Raise UnreadableImageError if decoding takes too much memory. Width and height are in pixels."""
    found = pictures(data)
    planes = max((picture.planes for picture in found), default=0) or 1.5
    alpha = any(picture.auxiliary for picture in found)
    check_memory(width, height, _BYTES[kind] + planes * (1 + alpha) + alpha * _ALPHA_BYTES[kind], data)


def pictures(data: bytes) -> list[Picture]:
    """Return the coded pictures of a file; none where its header is damaged, as its decoder will say."""
    try:
        meta = next((content for name, content in _boxes(data, slice(0, len(data))) if name == b"meta"), None)
        return _pictures(data, slice(meta.start + 4, meta.stop)) if meta else []
    except (struct.error, IndexError):
        return []


def _boxes(data: bytes, within: slice) -> Iterator[tuple[bytes, slice]]:
    """Yield name and content of each box."""
    # a box: 4 bytes length, 4 bytes name, the content; length 1: 8 bytes of length follow, 0: to the end
    position = within.start
    for _ in range(MAX_BOXES):
        if position + 8 > within.stop:
            return
        length, name = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = min(position + length if length else within.stop, within.stop)
        if end < start:
            return
        yield name, slice(start, end)
        position = end


def _pictures(data: bytes, meta: slice) -> list[Picture]:
    boxes = dict(_boxes(data, meta))
    found = {item: Picture(kind) for item, kind in _kinds(data, boxes.get(b"iinf")) if kind in _CODED}
    for item, piece in _pieces(data, boxes.get(b"iloc"), boxes.get(b"idat")):
        if item in found:
            found[item].pieces.append(piece)
    properties = dict(_boxes(data, boxes[b"iprp"])) if b"iprp" in boxes else {}
    if b"ipco" in properties and b"ipma" in properties:
        known = list(_boxes(data, properties[b"ipco"]))
        for item, index in _associations(data, properties[b"ipma"]):
            if item in found and 0 < index <= len(known):
                _describe(found[item], *known[index - 1], data)
    return list(found.values())


def _describe(picture: Picture, name: bytes, content: slice, data: bytes) -> None:
    """Enter one property of a picture."""
    if name == b"ispe":
        picture.width, picture.height = struct.unpack_from(">II", data, content.start + 4)
    elif name == b"auxC":
        picture.auxiliary = True
    elif name == b"av1C":
        # bit 6: more than 8 bits a sample, 4: grey, 3 and 2: colour at half the width and height
        flags = data[content.start + 2]
        share = 0 if flags & 16 else 2 / (1 + (flags >> 3 & 1)) / (1 + (flags >> 2 & 1))
        picture.planes = (1 + share) * (1 + (flags >> 6 & 1))
    elif name == b"hvcC":
        share = (0, 0.5, 1, 2)[data[content.start + 16] & 3]
        picture.planes = (1 + share) * (1 + bool(data[content.start + 17] & 7))


def _kinds(data: bytes, box: slice | None) -> Iterator[tuple[int, bytes]]:
    """Yield number and kind of each item in the box ``iinf``."""
    if box is None:
        return
    entries = slice(box.start + (8 if data[box.start] else 6), box.stop)
    for _, entry in _boxes(data, entries):
        version = data[entry.start]
        form = ">I2x4s" if version >= 3 else ">H2x4s"
        item, kind = struct.unpack_from(form, data, entry.start + 4)
        yield item, kind


def _pieces(data: bytes, box: slice | None, idat: slice | None) -> Iterator[tuple[int, slice]]:
    """Yield number of an item and place of each piece of its bytes, from the box ``iloc``."""
    if box is None:
        return
    numbers = _Numbers(data, box.start)
    version = numbers.read(1)
    numbers.read(3)
    sizes, more = numbers.read(1), numbers.read(1)
    offset, length, base, index = sizes >> 4, sizes & 15, more >> 4, more & 15 if version else 0
    wide = 4 if version == 2 else 2
    left = MAX_BOXES
    for _ in range(min(numbers.read(wide), MAX_BOXES)):
        item = numbers.read(wide)
        method = numbers.read(2) & 15 if version else _FILE
        numbers.read(2)
        start = numbers.read(base) + (idat.start if method == _IDAT and idat else 0)
        count = numbers.read(2)
        left -= count
        if left < 0:
            return
        for _ in range(count):
            numbers.read(index)
            place = start + numbers.read(offset)
            size = numbers.read(length)
            if method in (_FILE, _IDAT):
                yield item, slice(place, place + size if size else len(data))


def _associations(data: bytes, box: slice) -> Iterator[tuple[int, int]]:
    """Yield number of an item and of a property of it, counted from 1, from the box ``ipma``."""
    numbers = _Numbers(data, box.start)
    version, flags = numbers.read(1), numbers.read(3)
    for _ in range(min(numbers.read(4), MAX_BOXES)):
        item = numbers.read(4 if version else 2)
        for _ in range(numbers.read(1)):
            # the highest bit says that a reader must know the property
            yield item, numbers.read(2) & 0x7FFF if flags & 1 else numbers.read(1) & 0x7F


class _Numbers:
    """Reads big-endian numbers one after the other; raises IndexError at the end of the data."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    def read(self, size: int) -> int:
        """Return the next number, of ``size`` bytes."""
        end = self._position + size
        if end > len(self._data):
            raise IndexError(end)
        number = int.from_bytes(self._data[self._position : end])
        self._position = end
        return number


def _coded_size(start: bytes) -> tuple[int, int] | None:
    """Return width and height that the first bytes of AV1 data state, or None where they are not found."""
    position = 0
    while position < len(start):
        kind, extended, sized = start[position] >> 3 & 15, start[position] >> 2 & 1, start[position] >> 1 & 1
        position += 1 + extended
        length, position = _leb128(start, position) if sized else (len(start) - position, position)
        if kind == _SEQUENCE_HEADER:
            return _sequence_size(_Bits(start[position:]))
        position += length
    return None


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, low ones first, and where it ends."""
    number = 0
    for i in range(8):
        byte = data[position + i] if position + i < len(data) else 0
        number |= (byte & 127) << 7 * i
        if not byte & 128:
            return number, position + i + 1
    return number, position + 8


class _Bits:
    """Reads numbers of any count of bits; past the end all are 0."""

    def __init__(self, data: bytes) -> None:
        self._bits, self._left = int.from_bytes(data), 8 * len(data)

    def read(self, count: int) -> int:
        """Return the next number, of ``count`` bits."""
        self._left -= count
        return self._bits >> self._left & (1 << count) - 1 if self._left >= 0 else 0


def _sequence_size(bits: _Bits) -> tuple[int, int]:
    """Return the largest width and height in a sequence header (AV1, section 5.5.1)."""
    bits.read(4)  # profile, still picture
    if bits.read(1):  # the reduced header of a still picture
        bits.read(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = 1 + bits.read(4), 1 + bits.read(4)
    return 1 + bits.read(width_bits), 1 + bits.read(height_bits)


def _skip_operating_points(bits: _Bits) -> None:
    """Read what stands before the size in the header of a sequence."""
    delay_bits = _read_timing(bits) if bits.read(1) else 0
    delay_present = bits.read(1)
    for _ in range(1 + bits.read(5)):
        bits.read(12)
        if bits.read(5) > 7:  # the level; higher ones have a tier
            bits.read(1)
        if delay_bits and bits.read(1):
            bits.read(2 * delay_bits + 1)
        if delay_present and bits.read(1):
            bits.read(4)


def _read_timing(bits: _Bits) -> int:
    """Read the timing and return how many bits a delay has, 0 without a model of the decoder."""
    bits.read(64)
    if bits.read(1):  # equal intervals: an unsigned number in as many bits as zeros precede it
        zeros = 0
        while zeros < 32 and not bits.read(1):
            zeros += 1
        bits.read(zeros)
    if not bits.read(1):
        return 0
    delay_bits = 1 + bits.read(5)
    bits.read(42)
    return delay_bits
