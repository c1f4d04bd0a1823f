"""Labels from class folders: ``photos/7/img.png`` reads 7."""

from collections.abc import Sequence

from batch_eval.dataset.labelling import DIGITS, Labelling
from batch_eval.dataset.names import natural_key
from batch_eval.wording import printable

# folders that split or hold data sets: their names are never classes
_SPLITS = "train training test testing val valid validation dev eval data images image imgs img"
_NO_CLASSES = frozenset(_SPLITS.split())
_MOST_NAMED = 12


def label_by_folder(images: Sequence[str]) -> Labelling | None:
    """Return labels from the images' folders, or None where the folders are no classes.

    The class is a folder's name, never its position. When all images lie at one depth, their own folders
    are the classes if one of them is a digit, or if there are at least two and none has a split's name such as
    ``train``. Otherwise the nearest folder that is named by a single digit counts.
    """
    folders = [path.rpartition("/")[0] for path in images]
    distinct = set(folders)
    names = {folder: _own_name(folder) for folder in distinct}
    if not _are_classes(distinct, set(names.values())):
        names = {folder: _nearest_digit(folder) for folder in distinct}
    truths = [names[folder] for folder in folders]
    classes = sorted({printable(truth) for truth in truths if truth is not None}, key=natural_key)
    if not classes:
        return None
    return Labelling(f"class folders ({_counted(classes)})", truths)


def _own_name(folder: str) -> str | None:
    """Return the last part of a path, or None for the root."""
    return printable(folder.rpartition("/")[2]) or None


def _nearest_digit(folder: str) -> str | None:
    """Return the last part of a path that is a single digit."""
    return next((part for part in reversed(folder.split("/")) if part in DIGITS), None)


def _are_classes(folders: set[str], names: set[str | None]) -> bool:
    """Whether the images' own folders are the classes."""
    if None in names or len({folder.count("/") for folder in folders}) > 1:
        return False
    if names & DIGITS:
        return True
    return len(names) > 1 and not any(name.lower() in _NO_CLASSES for name in names if name)


def _counted(classes: list[str]) -> str:
    """Return ``10 classes``, with the names where these are not simply the ten digits."""
    count = f"{len(classes)} class{'es' if len(classes) > 1 else ''}"
    more = ", …" if len(classes) > _MOST_NAMED else ""
    return count if set(classes) == DIGITS else f"{count}: {', '.join(classes[:_MOST_NAMED])}{more}"
