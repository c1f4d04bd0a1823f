"""The column of a table whose cells name images: found by what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from batch_eval.dataset.labels.matching import How, ImageNames
from batch_eval.dataset.labels.spelling import number_of
from batch_eval.dataset.labels.tables import Table
from batch_eval.dataset.labels.words import LABEL_WORDS, PATH_WORDS
from batch_eval.dataset.names import is_image
from batch_eval.errors import DatasetError

SAMPLE = 500
"""Rows by which the column is chosen. All rows are matched afterwards."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A column that names images. ``rank`` grows with what speaks for it."""

    position: int
    rank: tuple[int, ...]
    images: list[int]
    is_name: bool


def image_column(table: Table, images: ImageNames, base: str, wanted: str | None) -> int:
    """Return the column that names most images, or the one that ``wanted`` names.

    Raises DatasetError if two columns name different images equally well.
    """
    if wanted:
        return table.find(wanted, "--path-column")
    # A sample is enough to choose a column. If no row of it has its image, all rows are tried.
    step = max(1, len(table.rows) // SAMPLE)
    for rows in [table.rows[::step], table.rows][: 1 + (step > 1)]:
        sample = replace(table, rows=rows)
        files = [position for position in range(table.width) if _names_files(sample.column(position))]
        others = [position for position in range(table.width) if position not in files]
        # Names of files say most. If they are names of other images, numbers beside them only count rows.
        for positions, numbers in ((files, True), (others, not files)):
            found = [each for each in _candidates(sample, positions, images, base) if numbers or each.is_name]
            ranked = sorted(found, key=lambda each: each.rank, reverse=True)
            if ranked:
                _check_one(table, ranked)
                return ranked[0].position
    return _likeliest(table)


def _names_files(cells: Sequence[str]) -> bool:
    """Whether most cells end as names of images do."""
    return 2 * sum(map(is_image, cells)) > len(cells)


def _candidates(table: Table, positions: Sequence[int], images: ImageNames, base: str) -> Iterator[_Candidate]:
    """Yield the columns that name images, with what speaks for each."""
    for position in positions:
        cells = table.column(position)
        match = images.match(cells, base)
        if table.is_index(position) or not match.found:
            continue
        title = table.title(position)
        is_name = any(number_of(cell) is None for cell in cells)
        # What says most comes first: more images beat more rows, and rows beat the column's name.
        rank = (
            not LABEL_WORDS & title,
            match.how is not How.NUMBER,
            len({image for image in match.images if image >= 0}),
            match.found,
            match.found - len(match.loose),
            bool(PATH_WORDS & title),
            is_name,
        )
        yield _Candidate(position, tuple(map(int, rank)), match.images, is_name)


def _check_one(table: Table, ranked: Sequence[_Candidate]) -> None:
    """Raise DatasetError if the two best columns name different images equally well."""
    rivals = [each for each in ranked if each.rank == ranked[0].rank and each.images != ranked[0].images]
    if rivals:
        names = [table.quoted(each.position) for each in (ranked[0], rivals[0])]
        raise DatasetError(
            f"{table.name} names images in two columns, {names[0]} and {names[1]}, and not the same ones. "
            "Name the right one with --path-column."
        )


def _likeliest(table: Table) -> int:
    """Return the column that is meant to name images, for a message."""
    for position in range(table.width):
        if any(map(is_image, table.column(position)[:SAMPLE])):
            return position
    named = (position for position in range(table.width) if PATH_WORDS & table.title(position))
    return next(named, 0)
