"""Which rows make a part, and which parts a shard has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from batch_eval.errors import ConfigError

MOST_ROWS = 8192
"""Rows of a part, at most. A run that is killed loses one part."""
LEAST_ROWS = 16
"""Rows of a part, at least. Batches are padded to 32 images; smaller parts waste inference."""
WANTED = 64
"""Parts of a set that is large enough, so that as many machines can share it."""

WHOLE_UP_TO = 1_000_000
"""Images up to which `merge` takes every row into memory, by default."""


def rows_per_part(rows: int) -> int:
    """Return the rows of each part of a set. They depend on the set alone, so that all machines agree."""
    return min(max(-(-rows // WANTED), LEAST_ROWS), MOST_ROWS)


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts of a set of ``rows`` images. Each has ``part_rows``, the last one the rest."""

    rows: int
    part_rows: int

    @property
    def parts(self) -> int:
        """Number of parts."""
        return -(-self.rows // self.part_rows)

    def part(self, number: int) -> range:
        """Return the rows of a part."""
        return range(number * self.part_rows, min((number + 1) * self.part_rows, self.rows))

    def shard(self, shard: Shard) -> range:
        """Return the parts of a shard: neighbours, and as many as any other shard has, or one more."""
        return range((shard.number - 1) * self.parts // shard.count, shard.number * self.parts // shard.count)


@dataclass(frozen=True, slots=True)
class Shard:
    """The share of one machine, such as the third of sixteen. Shards count from 1."""

    number: int = 1
    count: int = 1


ALL = Shard()
"""The whole set."""


def parse_shard(text: str) -> Shard:
    """Return the shard of a text such as ``3/16``. Raises ConfigError."""
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    if not found:
        raise ConfigError(f"--shard {text} is invalid. Expected a number and a count, such as 3/16.")
    number, count = map(int, found.groups())
    if not 1 <= number <= count:
        raise ConfigError(
            f"--shard {text} is invalid: shards count from 1, here 1/{count} to {count}/{count}. "
            f"To an index that counts from 0, add one: --shard $((INDEX + 1))/{count}."
        )
    return Shard(number, count)
