"""Damage files: bytes, numbers and words are changed as a bad disk, a bad program or an attacker would."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

EXTREMES = (0, 1, 2, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
"""Numbers at which programs fail."""
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e400,
    float("nan"),
    2**31,
    10**30,
    "",
    "\x1b[2J",
    [],
    {},
    [[]],
    "x" * 500,
)
"""Values for a place in JSON."""


def mutated(data: bytes, random: Random) -> bytes:
    """Return a damaged copy. An archive is damaged as a whole or inside a member, where its checksums hold."""
    if data.startswith(b"PK") and random.random() < 0.7:
        return _in_archive(data, random)
    return _damaged(data, random)


def _in_archive(data: bytes, random: Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(sorted(members))
    change = _changed_json if name.endswith(".json") and random.random() < 0.8 else _damaged
    members[name] = change(members[name], random)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return stream.getvalue()


def _changed_json(data: bytes, random: Random) -> bytes:
    """Change one to three values anywhere in a JSON document."""
    content = json.loads(data)
    for _ in range(random.randint(1, 3)):
        places = list(_places(content))
        if not places:
            break
        holder, key = random.choice(places)
        holder[key] = _changed_value(holder[key], random, places)
    return json.dumps(content).encode()


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of every value at any depth."""
    found: list[tuple[Any, Any]] = []
    waiting = [content]
    while waiting:
        item = waiting.pop()
        keys = item.keys() if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ()
        for key in list(keys):
            found.append((item, key))
            waiting.append(item[key])
    return found


def _changed_value(value: Any, random: Random, places: Sequence[tuple[Any, Any]]) -> Any:
    if isinstance(value, int) and random.random() < 0.6:
        return random.choice([value + 1, value - 1, -value, value * 1000, random.choice(EXTREMES)])
    if random.random() < 0.5:
        holder, key = random.choice(places)
        return json.loads(json.dumps(holder[key]))
    return random.choice(VALUES)


def _damaged(data: bytes, random: Random) -> bytes:
    """Apply one to four changes to bytes."""
    content = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if not content:
            break
        random.choice(_CHANGES)(content, random)
    return bytes(content)


def _flip(content: bytearray, random: Random) -> None:
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)


def _byte(content: bytearray, random: Random) -> None:
    content[random.randrange(len(content))] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))


def _number(content: bytearray, random: Random) -> None:
    size = random.choice((2, 4, 8))
    place = random.randrange(len(content)) // size * size
    number = struct.pack("<Q", random.choice(EXTREMES))[:size]
    content[place : place + size] = number[: len(content) - place]


def _header(content: bytearray, random: Random) -> None:
    """Change a byte at the beginning or the end, where formats keep what matters."""
    near = random.randrange(min(512, len(content)))
    content[near if random.random() < 0.5 else -1 - near] = random.randrange(256)


def _cut(content: bytearray, random: Random) -> None:
    del content[random.randrange(len(content)) :]


def _removed(content: bytearray, random: Random) -> None:
    start = random.randrange(len(content))
    del content[start : start + random.choice((1, 2, 4, 16, 256))]


def _copied(content: bytearray, random: Random) -> None:
    start, size = random.randrange(len(content)), random.choice((1, 4, 16, 64, 1024))
    place = random.randrange(len(content))
    content[place:place] = content[start : start + size]


def _zeros(content: bytearray, random: Random) -> None:
    start, size = random.randrange(len(content)), random.choice((4, 64, 4096))
    content[start : start + size] = bytes(len(content[start : start + size]))


_CHANGES: tuple[Callable[[bytearray, Random], None], ...] = (
    *(_flip,) * 3,
    *(_byte,) * 2,
    *(_number,) * 3,
    *(_header,) * 2,
    _cut,
    _removed,
    _copied,
    _zeros,
)
