"""Labels from the rows of a table whose columns are understood: which row belongs to which image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batch_eval.dataset.labels.columns import Columns
from batch_eval.dataset.labels.encodings import encoding_note, shown
from batch_eval.dataset.labels.matching import AMBIGUOUS, How
from batch_eval.dataset.labels.reading import Reading
from batch_eval.errors import DatasetError
from batch_eval.wording import listing, printable


def by_rows(columns: Columns, count: int) -> Reading:
    """Return the label and the slices of each of ``count`` images.

    Raises DatasetError if two rows give one image different labels, or if all labels are empty.
    """
    table = columns.table
    row_of, repeated = _rows_of_images(columns)
    truths: list[str | None] = [None] * count
    slices = [("",) * len(columns.slices)] * count
    printed = _Printed()
    for image, row in row_of.items():
        cells = table.rows[row][1]
        truths[image] = columns.labels[row]
        slices[image] = tuple([printed[cells[i]] for i in columns.slices])
    if columns.label is not None and not any(truths):
        raise DatasetError(
            f"{table.name} has only empty cells in its column {table.name_of(columns.label)!r}; expected labels there. "
            "Name another column with --label-column."
        )
    return Reading(
        source=columns.source,
        truths=truths,
        option=f"--labels {table.name}",
        slice_names=tuple(map(table.name_of, columns.slices)),
        slices=slices if columns.slices else (),
        missing=tuple(_missing(columns)),
        notes=tuple(_notes(columns, repeated)),
        offer=columns.offer,
    )


class _Printed(dict[str, str]):
    """Texts in printable form. The same few values in many rows take memory once."""

    def __missing__(self, text: str) -> str:
        """Return the printable form of a new text."""
        self[text] = printed = shown(text)
        return printed


def _rows_of_images(columns: Columns) -> tuple[dict[int, int], list[str]]:
    """Return each image's row, and the paths of further rows that say the same."""
    row_of: dict[int, int] = {}
    repeated = []
    for row, image in enumerate(columns.match.images):
        if image < 0:
            continue
        # The first row of an image counts. A later one must say the same.
        first = row_of.setdefault(image, row)
        if first != row:
            if columns.labels[first] != columns.labels[row]:
                raise _two_labels(columns, first, row)
            repeated.append(columns.table.rows[row][1][columns.path])
    return row_of, repeated


def _missing(columns: Columns) -> Iterator[str]:
    """Yield the path of each row that has no image. Of images that were named singly, other rows are no loss."""
    if not columns.match.whole:
        return
    for (line, cells), image in zip(columns.table.rows, columns.match.images, strict=True):
        if image < 0:
            yield shown(cells[columns.path]) or f"(no path in {columns.table.entry} {line})"


def _notes(columns: Columns, repeated: Sequence[str]) -> Iterator[str]:
    """Yield what the user should know about how rows and images were matched."""
    table, match = columns.table, columns.match
    total = len(table.rows)
    paths = table.column(columns.path)
    missing = list(_missing(columns))
    ambiguous = [path for path, image in zip(paths, match.images, strict=True) if image == AMBIGUOUS]
    yield from encoding_note(table.name, table.encoding)
    if missing:
        yield f"{len(missing)} of {total} label rows have no image file: {listing(missing)}."
    if ambiguous:
        yield f"Several images fit one label row, so none was taken: {listing(ambiguous)}."
    if match.loose:
        loose = listing([paths[row] for row in match.loose])
        what = "do not spell their image's path exactly" if match.how is How.PATH else "name their image loosely"
        yield f"{len(match.loose)} of {total} label rows {what} ({match.how.meaning}): {loose}."
    if repeated:
        yield f"Listed more than once with the same label: {listing(repeated)}."
    if columns.by_content and columns.label is not None:
        yield f"The column {table.name_of(columns.label)!r} of {table.name} is taken for the label by its values."
    yield from columns.notes


def _two_labels(columns: Columns, first: int, second: int) -> DatasetError:
    """Return the error for two rows of one image that disagree."""
    table = columns.table
    lines = [table.rows[row][0] for row in (first, second)]
    labels = [columns.labels[row] or "none" for row in (first, second)]
    return DatasetError(
        f"{table.name} gives {printable(table.rows[first][1][columns.path])} two labels: "
        f"{labels[0]} in {table.entry} {lines[0]} and {labels[1]} in {table.entry} {lines[1]}. Delete the wrong one."
    )
