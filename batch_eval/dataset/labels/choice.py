"""Choose the reading that labels most images, and refuse if two disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from batch_eval.dataset.labels.gathering import Gathered, merged
from batch_eval.dataset.labels.places import Places
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import Classes
from batch_eval.errors import DatasetError
from batch_eval.wording import listing, printable

RIVAL = 0.5
"""Labels in paths contradict the best reading from this share of its images on. Fewer may carry a number by chance.
A label file counts however few images it names."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The reading that is taken, or None. ``notes`` say what else was there. ``offers`` may hold labels."""

    reading: Reading | None
    notes: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()


def choose(gathered: Gathered, places: Places, images: Sequence[str], classes: Classes) -> Choice:
    """Return the reading that labels most images, a label file before folders before names.

    Raises DatasetError where another one says something else about the same images, and where a file that is meant as
    labels cannot be used and nothing else gives any.
    """
    # Files that label different images are one candidate. Folders and names are one each.
    files = list(merged(gathered.readings, classes))
    # Beside a label file, folders or names that allow several readings are left out.
    paths = [each for kind in (places.folders, places.names) if not files or len(kind) == 1 for each in kind]
    strong = [each for each in (*files, *paths) if not each.weak and labelled(each, classes)]
    weak = [
        each for each in (*files, *places.names) if each.weak and labelled(each, classes) and not places.are_offered
    ]
    # Weak ones, such as 0.png to 9.png, may as well count the images.
    found = strong or weak
    broken = [*gathered.broken, *(_no_class(each) for each in files if not labelled(each, classes))]
    if not found:
        return _without_classes(gathered, places, [*files, *paths])
    # max takes the first of equal ones: a file before folders before names.
    best = max(found, key=lambda each: labelled(each, classes))
    if broken and best in places.names:  # a digit in a name says less than a file that is meant as labels
        raise _broken(broken)
    for other in found:
        enough = other in files or labelled(other, classes) >= RIVAL * labelled(best, classes)
        # Two names may differ and still be no contradiction: only classes of the model count.
        differing = _contradictions(best, other, classes)
        if other is not best and enough and differing:
            raise _two_readings(images, best, other, differing)
    return Choice(_with_slices(best, gathered.slices), tuple(_unused(gathered, broken)))


def _without_classes(gathered: Gathered, places: Places, others: Sequence[Reading]) -> Choice:
    """Return labels that are no classes, to show them, or else what may hold labels."""
    if gathered.broken:
        raise _broken(gathered.broken)
    readings = [each for each in others if any(each.truths)]
    unused = _unused(gathered, ())
    if readings and not places.are_offered:
        return Choice(readings[0], tuple(unused))
    return Choice(None, offers=(*unused, *places.offers, *gathered.offers))


def _no_class(reading: Reading) -> DatasetError:
    """Return the error for a label file of which no label is a class of the model."""
    shown = listing(sorted({truth for truth in reading.truths if truth is not None}))
    return DatasetError(f"No label in {reading.source} is one of the model's classes: {shown}.")


def labelled(reading: Reading, classes: Classes) -> int:
    """Return how many images a reading gives a class of the model."""
    return sum(truth in classes for truth in reading.truths)


def _contradictions(one: Reading, other: Reading, classes: Classes) -> list[int]:
    """Return the images to which two readings give different classes."""
    pairs = enumerate(zip(one.truths, other.truths, strict=True))
    return [i for i, (a, b) in pairs if a != b and a in classes and b in classes]


def _with_slices(reading: Reading, tables: Sequence[Reading]) -> Reading:
    """Return the reading. If it has no slices, it gets those of a table without labels."""
    if reading.slice_names or not tables:
        return reading
    table = tables[0]
    if not table.slice_names:  # a list of the images, of which only what is missing is news
        notes = table.notes if table.missing else ()
        return replace(reading, missing=table.missing, notes=(*reading.notes, *notes))
    source = f"{reading.source}; slices from {table.source}"
    return replace(
        reading,
        source=source,
        slice_names=table.slice_names,
        slices=table.slices,
        missing=table.missing,
        notes=(*reading.notes, *table.notes),
    )


def _unused(gathered: Gathered, broken: Sequence[DatasetError]) -> list[str]:
    """Return what to say of files that were looked at and not used."""
    notes = [f"Not used: {str(error).rstrip('.')}" for error in broken]
    if gathered.unused:
        notes.append(f"Looked at for labels, but not used: {'; '.join(gathered.unused[:3])}{_more(gathered.unused)}")
    return notes


def _more(names: Sequence[str]) -> str:
    return f"; … ({len(names)} in all)" if len(names) > 3 else ""


def _two_readings(images: Sequence[str], one: Reading, other: Reading, differing: Sequence[int]) -> DatasetError:
    """Return the error for two readings that disagree, with both and the options that decide."""
    i = differing[0]
    ways = ((one, "first"), (other, "second"))
    options = ", or ".join(f"{each.option} for the {which}" for each, which in ways if each.option)
    return DatasetError(
        f"Two readings of the labels disagree about {len(differing):,} of {len(images):,} images: is "
        f"{printable(images[i])} {one.truths[i]}, by {one.source}, or {other.truths[i]}, by {other.source}? "
        f"Say {options}."
    )


def _broken(errors: Sequence[DatasetError]) -> DatasetError:
    """Return the error for label files that cannot be used. The first is the likeliest."""
    if len(errors) == 1:
        return errors[0]
    return DatasetError(" ".join(map(str, errors[:3])))


def no_labels(where: str, images: Sequence[str], offers: Sequence[str]) -> str:
    """Return what to say of images without any label, and what could be done."""
    last = printable(images[0].rpartition("/")[2])
    return (
        f"No labels found for the {len(images):,} images in {where} ({listing(images)})."
        f"{''.join(f' {offer}.' for offer in offers)} "
        f"Expected class folders (7/{last}), a label file such as labels.csv in the folder, or file names that start "
        f"with the digit (7_{last}). Or name a label file with --labels, or say with --label-pattern how names hold "
        "the label. To read images without labels, use `batch-eval predict`."
    )
