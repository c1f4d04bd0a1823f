"""The files of annotation programs: COCO and Label Studio. Read where each image has one digit, else refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batch_eval.dataset.labels.tables import Table
from batch_eval.errors import DatasetError
from batch_eval.wording import listing

_COLUMNS = ("file_name", "label")


def is_coco(value: Any) -> bool:
    """Whether a JSON value is a COCO data set: images, annotations and categories."""
    return isinstance(value, dict) and all(isinstance(value.get(key), list) for key in ("images", "annotations"))


def coco(value: Mapping[str, Any], name: str) -> Table:
    """Return the image and the category's name of each annotation.

    Source: https://cocodataset.org/#format-data. Raises DatasetError for images with several annotations.
    """
    try:
        categories = {each["id"]: str(each["name"]) for each in value.get("categories", [])}
        files = {each["id"]: str(each["file_name"]) for each in value["images"]}
        # An image without annotations stays, without a label.
        labels: dict[Any, list[str]] = {image: [] for image in files}
        for each in value["annotations"]:
            category = each["category_id"]
            labels.setdefault(each["image_id"], []).append(categories.get(category, str(category)))
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{name} is a damaged COCO file: {error!r}. Export it again.") from error
    return _one_each([(files.get(image, str(image)), found) for image, found in labels.items()], name, "COCO")


def is_label_studio(value: Any) -> bool:
    """Whether a JSON value is an export of Label Studio: tasks with data and annotations."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(task, dict) and isinstance(task.get("data"), dict) and "annotations" in task for task in value
        )
    )


def label_studio(tasks: Sequence[Mapping[str, Any]], name: str) -> Table:
    """Return the image and the choice of each task. The model's answers are left out.

    Source: https://labelstud.io/guide/export, JSON. Raises DatasetError for tasks with several different choices.
    """
    pairs = []
    for task in tasks:
        image = next((cell for cell in task["data"].values() if isinstance(cell, str)), "")
        # The same choice twice, by two people for instance, is one label.
        pairs.append((image, list(dict.fromkeys(_choices(task["annotations"])))))
    return _one_each(pairs, name, "Label Studio")


def _choices(value: Any) -> list[str]:
    """Return the choices, numbers and texts that annotations hold, however deep."""
    if isinstance(value, list):
        return [choice for each in value for choice in _choices(each)]
    if not isinstance(value, dict) or value.get("was_cancelled"):
        return []
    found = []
    for key, inner in value.items():
        if key in ("choices", "text", "number", "rectanglelabels", "labels"):
            found += [str(each) for each in (inner if isinstance(inner, list) else [inner])]
        elif key in ("result", "value"):
            found += _choices(inner)
    return found


def _one_each(pairs: Sequence[tuple[str, list[str]]], name: str, program: str) -> Table:
    """Return the table of images with one label. Those without any have an empty one."""
    several = [file for file, labels in pairs if len(labels) > 1]
    if several:
        raise DatasetError(
            f"{name} ({program}) gives {len(several)} of {len(pairs)} images several labels: {listing(several)}. "
            "An image must show one digit: cut the digits out, or list single ones in a CSV file."
        )
    rows = [(entry, [file, *(labels or [""])]) for entry, (file, labels) in enumerate(pairs, 1)]
    if not rows:
        raise DatasetError(f"{name} ({program}) holds no images.")
    return Table(name, _COLUMNS, rows, entry="entry")
