"""Labels from Python: a list in the order of the images, or a mapping by name."""

from __future__ import annotations

from collections.abc import Mapping

from batch_eval.dataset.labels.files import LabelFile, label_by_content
from batch_eval.dataset.labels.json_tables import text_of
from batch_eval.dataset.labels.matching import ImageNames
from batch_eval.dataset.labels.named import NamedFiles
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import Classes, spell
from batch_eval.dataset.labels.tables import Table
from batch_eval.dataset.options import LabelOptions
from batch_eval.errors import DatasetError

_NAME = "labels"


def label_by_values(
    values: Mapping[str, object] | tuple[object, ...], source: NamedFiles, classes: Classes, options: LabelOptions
) -> Reading:
    """Return the labels that Python gives. Raises DatasetError if they do not fit the images."""
    if isinstance(values, Mapping):
        # A mapping finds its images as a table with the columns image and label does.
        rows = [(entry, [str(name), _text(value)]) for entry, (name, value) in enumerate(values.items(), 1)]
        images = ImageNames(source.images, source.roots)
        file = LabelFile(_NAME, source.roots[0], b"", chosen=True)
        return label_by_content(file, Table(_NAME, ("image", "label"), rows, entry="entry"), images, classes, options)
    if len(values) != len(source.images):
        raise DatasetError(f"There are {len(values)} labels for {len(source.images)} images. Give one for each.")
    texts = list(map(_text, values))
    spelling = spell(texts, classes, options.offset)
    return Reading("labels given in order", [spelling.names[text] for text in texts], notes=spelling.notes)


def _text(value: object) -> str:
    """Return a value as a label file would hold it. `str` writes numbers of NumPy and tensors."""
    return text_of(value) if isinstance(value, str | int | float | None) else str(value)
