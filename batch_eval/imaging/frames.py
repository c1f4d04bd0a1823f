"""How many pictures a TIFF or GIF file holds; only the first is decoded."""

from __future__ import annotations

import struct

MULTIPLE = (b"GIF8", b"II*\0", b"MM\0*")
"""First bytes of files that may hold several pictures."""
_MOST = 10_000
"""Pages that are counted at most: a damaged file may lead anywhere."""


def count_frames(data: bytes) -> int:
    """Return the number of pages of a TIFF, or of frames of a GIF; 1 for any other file.

    Nothing is decoded: the pages of a TIFF are a linked list, the frames of a GIF a list of blocks. What lies behind a
    damaged place is not counted. Sources: TIFF 6.0, section 2; GIF89a, section 15.

    Args:
        data: The file's bytes.

    """
    if data.startswith(b"GIF8"):
        return max(1, _gif_frames(data))
    if data.startswith((b"II*\0", b"MM\0*")):
        return max(1, _tiff_pages(data))
    return 1


def _tiff_pages(data: bytes) -> int:
    """Count the directories of a TIFF: each ends with the offset of the next one, the last with 0."""
    order = "<" if data.startswith(b"II") else ">"
    seen: set[int] = set()
    (offset,) = struct.unpack_from(f"{order}I", data, 4) if len(data) >= 8 else (0,)
    while offset and offset not in seen and offset + 2 <= len(data) and len(seen) < _MOST:
        seen.add(offset)
        (entries,) = struct.unpack_from(f"{order}H", data, offset)
        following = offset + 2 + 12 * entries
        if following + 4 > len(data):
            break
        (offset,) = struct.unpack_from(f"{order}I", data, following)
    return len(seen)


def _gif_frames(data: bytes) -> int:
    """Count the image blocks of a GIF."""
    position = 13 + _color_table(data, 10)
    frames = 0
    while position < len(data) and frames < _MOST:
        kind = data[position]
        if kind == 0x2C:  # an image: its place and size, its colours, the least size of a code, its pixels
            frames += 1
            position = _end_of_blocks(data, position + 11 + _color_table(data, position + 9))
        elif kind == 0x21:  # an extension: its kind, its blocks
            position = _end_of_blocks(data, position + 2)
        else:
            break
    return frames


def _color_table(data: bytes, position: int) -> int:
    """Return the length of the colour table that a byte of flags announces."""
    flags = data[position] if position < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_blocks(data: bytes, position: int) -> int:
    """Return where a chain of blocks ends: each begins with its length, the last is empty."""
    while position < len(data) and data[position]:
        position += data[position] + 1
    return position + 1
