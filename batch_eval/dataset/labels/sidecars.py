"""Labels in a small file beside each image: ``img_1.txt`` with ``7``, YOLO's boxes, LabelMe's JSON, VOC's XML."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import Classes, spell
from batch_eval.dataset.names import suffix
from batch_eval.errors import DatasetError, UnfitFileError
from batch_eval.wording import listing, printable

SUFFIXES = (".txt", ".cls", ".json", ".xml")
LARGEST = 1 << 16
"""Bytes of a file that holds one label. A JSON that describes it has room."""
NAMES = ("classes.txt", "obj.names", "classes.names", "predefined_classes.txt", "data.yaml", "dataset.yaml")
"""Files of class names in the order of YOLO's numbers."""

_PARALLEL = frozenset(
    {"images", "image", "img", "imgs", "labels", "label", "annotations", "annotation", "xml", "txt", ""}
)
"""Folders of images and labels, side by side, as YOLO and Pascal VOC have them."""
_BOX = re.compile(r"\d+(?:\s+-?\d+(?:\.\d+)?(?:e-?\d+)?){4,}", re.IGNORECASE)
_IN_YAML = re.compile(r"^names:\s*(?:\[(.*?)\]|((?:\n\s*(?:-|\d+:)[^\n]*)+))", re.MULTILINE)
_OBJECT = re.compile(r"<object>.*?<name>\s*([^<]*?)\s*</name>", re.DOTALL)  # Pascal VOC
_KEYS = ("label", "class", "cls", "digit", "target")

Read = Callable[[str], bytes]
"""Returns the bytes of a file of the set."""


@dataclass(frozen=True, slots=True)
class Sidecars:
    """Files beside images, by the index of their image. ``others`` belong to none."""

    of_image: Mapping[int, str]
    others: Sequence[str]


def find_sidecars(images: Sequence[str], others: Iterable[str]) -> Sidecars:
    """Part files named as images from others. They may lie in `labels` beside `images`."""
    others = list(others)
    small = [path for path in others if suffix(path) in SUFFIXES]
    if not small:
        return Sidecars({}, others)
    # Of two images with one stem, a.png and a.jpg, the last gets the file.
    by_stem = {_key(path): i for i, path in enumerate(images)}
    of_image: dict[int, str] = {}
    for path in small:
        image = by_stem.get(_key(path))
        if image is not None:
            of_image.setdefault(image, path)
    used = set(of_image.values())
    return Sidecars(of_image, [path for path in others if path not in used])


def _key(path: str) -> str:
    """Return what an image and the file beside it have in common."""
    folder, _, name = path.rpartition("/")
    parts = [part for part in folder.split("/") if part.lower() not in _PARALLEL]
    # Up to the first dot: a.png.txt lies beside a.png as a.txt does.
    stem = name.partition(".")[0] if not name.startswith(".") else name
    return "/".join([*parts, stem])


def label_by_sidecars(
    sidecars: Sidecars, images: Sequence[str], read: Read, classes: Classes, offset: int | None
) -> Reading:
    """Return the labels that lie beside the images.

    Raises DatasetError where one holds several, UnfitFileError where they hold no labels.
    """
    found: dict[int, str] = {}
    several: list[str] = []
    names = _class_names(sidecars.others, read)
    for image, path in sidecars.of_image.items():
        labels = _labels(read(path), names)
        if len(labels) > 1:
            several.append(path)
        elif labels:
            found[image] = labels[0]
    kinds = listing(sorted({f"*{suffix(path)}" for path in sidecars.of_image.values()}))
    if several:
        raise DatasetError(
            f"{len(several)} of {len(sidecars.of_image)} files beside the images ({kinds}) mark several objects: "
            f"{listing(several)}. An image must show one digit: cut the digits out, or list single ones in a CSV file."
        )
    spelling = spell(sorted(set(found.values())), classes, offset)
    if not any(name in classes for name in spelling.names.values()):
        raise UnfitFileError(f"The files beside the images ({kinds}) hold no classes of the model.")
    truths = [spelling.names[found[i]] if i in found else None for i in range(len(images))]
    # boxes that all have the number 0 say where a digit is, and not which
    weak = not names and len(found) > 1 and set(found.values()) == {"0"} and ".txt" in kinds
    return Reading(f"files beside the images ({kinds})", truths, notes=spelling.notes, weak=weak)


def _labels(raw: bytes, names: Mapping[str, str]) -> list[str]:
    """Return the labels that one file holds: of each box, or its only text."""
    text = raw[:LARGEST].decode("utf-8-sig", "replace").strip()
    if text.startswith("{"):
        return _json_labels(text)
    if text.startswith("<"):
        return _OBJECT.findall(text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # A line of YOLO: the number of the class, then at least four of its box.
    if lines and all(_BOX.fullmatch(line) for line in lines):
        numbers = [line.split()[0] for line in lines]
        return [names.get(number, number) for number in numbers]
    return lines


def _json_labels(text: str) -> list[str]:
    """Return the label of a sample's JSON, or those of LabelMe's shapes."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    shapes = value.get("shapes")
    if isinstance(shapes, list):
        return [str(shape["label"]) for shape in shapes if isinstance(shape, dict) and "label" in shape]
    label: Any = next((value[key] for key in _KEYS if key in value), None)
    return [] if label is None else [str(label)]


def _class_names(others: Iterable[str], read: Read) -> dict[str, str]:
    """Return YOLO's class names by their number, where a file lists them."""
    path = next((path for name in NAMES for path in others if path.rpartition("/")[2].lower() == name), None)
    if path is None:
        return {}
    text = read(path)[:LARGEST].decode("utf-8-sig", "replace")
    if suffix(path) == ".yaml":
        # names: [zero, one] in one line, or a line for each with - or 0: before it.
        found = _IN_YAML.search(text)
        listed = (found[1] or found[2] or "").replace("\n", ",").split(",") if found else []
        names = [re.sub(r"^(?:-|\d+:)\s*", "", name.strip()).strip("'\" ") for name in listed if name.strip()]
    else:
        names = [line.strip() for line in text.splitlines() if line.strip()]
    return {str(number): printable(name) for number, name in enumerate(names)}
