"""Copy the misread files of a run into folders, `TRUTH/READ-AS/NAME`, with a label file. `run` reads them again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from batch_eval.errors import ReportError, UnreadableImageError
from batch_eval.evaluation import Evaluation, Outcome, Record
from batch_eval.evaluation.confusions import errors
from batch_eval.publishing import Content, check_writable, publish
from batch_eval.wording import printable

if TYPE_CHECKING:
    from batch_eval.dataset import Dataset
    from batch_eval.imaging.steps import Image

LABELS = "labels.csv"
_COLUMNS = ("filename", "label", "read_as")
"""First columns of the label file; the data set's slices follow."""
_FORBIDDEN = re.compile(r'[\\/:*?"<>|]|^\.+$')
"""Characters that some system forbids in a folder's name, and names that mean a folder above."""


def export_errors(evaluation: Evaluation, dataset: Dataset, folder: Path) -> int:
    """Write the misread and blank files, and return how many there are.

    Files are copied byte for byte. Images of arrays become PNG files.
    ``dataset`` is what was evaluated. An earlier export in ``folder`` is replaced as a whole.
    Raises ReportError where the folder holds other files, or cannot be written.
    """
    check_export(folder)
    rows = errors(evaluation).tolist()
    target = Path(folder).absolute()
    publish(target.parent, _contents(evaluation, dataset, rows, target.name), None)
    return len(rows)


def check_export(folder: Path) -> None:
    """Raise ReportError for a folder with other files, or one that cannot be written."""
    check_writable(folder, "--export-errors")
    # An earlier export is known by the first line of its label file.
    labels = folder / LABELS
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if labels.is_file():
        with labels.open("rb") as file:
            if file.readline().startswith(",".join(_COLUMNS).encode()):
                return
    raise ReportError(
        f"{folder} holds files that --export-errors did not write, and it replaces the whole folder. "
        "Name an empty or a new one."
    )


def _contents(
    evaluation: Evaluation, dataset: Dataset, rows: Iterable[int], top: str
) -> Iterator[tuple[str, str, Content]]:
    """Yield each file with its path below the folder ``top``, then the label file."""
    from batch_eval.reports.csv_tables import table

    names: dict[str, int] = {}
    columns: dict[str, list[str]] = {name: [] for name in (*_COLUMNS, *dataset.slice_names)}
    for row in rows:
        sample, record = dataset.samples[row], evaluation.record(row)
        try:
            content = dataset.read(sample)
        except UnreadableImageError as error:
            raise ReportError(f"cannot export {record.id}: {error}. It was there when it was evaluated.") from error
        found = content if isinstance(content, bytes) else _png(content)
        path = _free(_path(record) if found is content else f"{_path(record)}.png", names)
        yield "misread image", f"{top}/{path}", found
        values = (path, str(record.truth), record.read_as, *sample.slices)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    yield "labels of the misread images", f"{top}/{LABELS}", table(columns)


def _png(pixels: Image) -> bytes:
    """Return pixels as a PNG file: sets of numbers hold no files to copy."""
    import cv2

    return cv2.imencode(".png", pixels)[1].tobytes()


def _path(record: Record) -> str:
    """Return `TRUTH/READ-AS/NAME` of an image."""
    read_as = Outcome.BLANK.value if record.predicted is None else record.predicted
    folders = (_FORBIDDEN.sub("_", printable(name)) for name in (str(record.truth), read_as))
    return "/".join([*folders, record.id.rpartition("/")[2]])


def _free(path: str, taken: dict[str, int]) -> str:
    """Return the path, numbered where another image has the same one."""
    # a second `5/3/a.png` becomes `5/3/a (2).png`; the call of itself checks that this one is free, too
    count = taken[path] = taken.get(path, 0) + 1
    if count == 1:
        return path
    stem, dot, suffix = path.rpartition(".")
    return _free(f"{stem} ({count}){dot}{suffix}" if dot and "/" not in suffix else f"{path} ({count})", taken)
