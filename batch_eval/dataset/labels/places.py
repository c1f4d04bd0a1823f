"""Labels in the paths of images: class folders at any level, and digits in file names.

Each level of folders, and each place of a number in the names, is a place where labels may stand. A place counts where
it holds classes. Two places that disagree about the same images are both returned, so that nobody guesses.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import DIGITS, Classes, Spelling, spell
from batch_eval.dataset.labels.words import SPLIT_WORDS, folded
from batch_eval.dataset.names import natural_key
from batch_eval.wording import printable

_MOST_NAMED = 12
_NO_CLASSES = frozenset({"data", "images", "image", "imgs", "img", *SPLIT_WORDS})
"""Folders that split or hold data sets: their names are never classes."""

_MOST_OFFERED = 2

_NUMBERS = re.compile(r"[0-9]+")
# a number ends where no letter or digit follows, so that 20240101 and 7th are no labels
_NAMED = re.compile(r"(?:^|[^a-z])(?:digit|label|class|target|truth)[ _=-]?([0-9]+)(?![a-z0-9])", re.IGNORECASE)
_LEADING = re.compile(r"^([0-9]+)(?![a-z0-9])", re.IGNORECASE)
# any of both in many names at once, which is faster than one by one
_ANY_DIGIT = re.compile(f"{_NAMED.pattern}|^[0-9](?![a-z0-9])", re.IGNORECASE | re.MULTILINE)
_SINGLE = re.compile(r"(?<![a-z0-9])([0-9])(?![a-z0-9])", re.IGNORECASE)
_WORD = re.compile(r"^([^\W\d_]+)(?![^\W_])")
# an unpadded number of a few digits; longer ones are dates and times
_COUNTER = re.compile(r"[1-9][0-9]{1,4}")
# what systems add to the name of a second file: "7 (2)", "7 - Copy", "7 copy"
_COPY = re.compile(r"(?: \(\d+\)| - copy| copy(?: \d+)?)+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Places:
    """What the paths give: labels of folders, labels of names, and numbers that may be labels but were not taken.

    ``are_offered`` says that the folders' names hold such numbers.
    """

    folders: tuple[Reading, ...] = ()
    names: tuple[Reading, ...] = ()
    offers: tuple[str, ...] = ()
    are_offered: bool = False


def label_by_places(images: Sequence[str], classes: Classes, offset: int | None) -> Places:
    """Return the labels that stand in the images' paths; more than one of a kind where they disagree."""
    folders, offers = _by_folders(images, classes, offset)
    names, weak = _by_names(images, classes, within_classes=bool(folders))
    return Places(tuple(folders), tuple(names), (*offers, *weak), bool(offers))


def _by_folders(images: Sequence[str], classes: Classes, offset: int | None) -> tuple[list[Reading], list[str]]:
    """Return the labels of class folders: the class is a folder's name, never its position."""
    folder_of = [path.rpartition("/")[0] for path in images]
    distinct = list(dict.fromkeys(folder_of))
    parts = {folder: folder.split("/") if folder else [] for folder in distinct}
    spelled = [
        spell(sorted({names[level] for names in parts.values() if len(names) > level}), classes, offset)
        for level in range(max(map(len, parts.values()), default=0))
    ]
    offers = [f"The folders {each.offer}" for each in spelled if each.offer]
    levels = [level for level, each in enumerate(spelled) if any(name in classes for name in each.names.values())]
    if not levels:
        return _other_folders(folder_of, parts), offers
    by_folder = {folder: _classes_above(names, levels, spelled, classes) for folder, names in parts.items()}
    if all(len(set(found.values())) < 2 for found in by_folder.values()):
        truth = {folder: _nearest(parts[folder], found, levels, spelled) for folder, found in by_folder.items()}
        notes = tuple(dict.fromkeys(note for level in levels for note in spelled[level].notes))
        return [_folder_reading([truth[folder] for folder in folder_of], "", _own_folder_option(), notes)], offers
    readings = []
    for level in levels:
        names = spelled[level].names
        truths = [names[parts[f][level]] if level < len(parts[f]) else None for f in folder_of]
        option = f"--label-pattern '^{'[^/]+/' * level}(?P<label>[^/]+)/'"
        readings.append(_folder_reading(truths, f", level {level + 1}", option, spelled[level].notes))
    return readings, offers


def _classes_above(
    names: Sequence[str], levels: Sequence[int], spelled: Sequence[Spelling], classes: Classes
) -> dict[int, str]:
    """Return the classes among a folder's names, by their level."""
    found = {level: spelled[level].names[names[level]] for level in levels if level < len(names)}
    return {level: name for level, name in found.items() if name is not None and name in classes}


def _nearest(
    names: Sequence[str], found: Mapping[int, str], levels: Sequence[int], spelled: Sequence[Spelling]
) -> str | None:
    """Return the class above an image, or the name at the level of classes that is none of them."""
    if found:
        return next(iter(found.values()))
    level = max((level for level in levels if level < len(names)), default=None)
    return None if level is None else spelled[level].names[names[level]]


def _own_folder_option() -> str:
    return "--label-pattern '(?P<label>[^/]+)/[^/]+$'"


def _other_folders(folder_of: Sequence[str], parts: Mapping[str, Sequence[str]]) -> list[Reading]:
    """Return folders of one depth as labels though none is a class of the model, so that this can be said."""
    names = {folder: printable(each[-1]) if each else None for folder, each in parts.items()}
    distinct = set(names.values())
    if None in distinct or len({len(each) for each in parts.values()}) > 1 or len(distinct) < 2:
        return []
    if any(name and folded(name) in _NO_CLASSES for name in distinct):
        return []
    return [_folder_reading([names[folder] for folder in folder_of], "", _own_folder_option(), ())]


def _folder_reading(truths: list[str | None], level: str, option: str, notes: tuple[str, ...]) -> Reading:
    found = sorted({truth for truth in truths if truth is not None}, key=natural_key)
    count = f"{len(found)} class{'es' if len(found) > 1 else ''}"
    if set(found) != set(DIGITS):
        count += f": {', '.join(found[:_MOST_NAMED])}{', …' if len(found) > _MOST_NAMED else ''}"
    return Reading(f"class folders{level} ({count})", truths, option, notes=notes)


def _by_names(images: Sequence[str], classes: Classes, *, within_classes: bool) -> tuple[list[Reading], list[str]]:
    """Return the labels of file names, and what else their numbers may mean.

    A label is a single digit right after the word digit, label, class, target or truth, or else at the name's start.
    Where a number at that place is 10 or higher it counts the images, and no name is read that way. Numbers that are
    each there once and follow one another count too; only 0 to 9, each once, may be the digits themselves.
    """
    folders = [path.rpartition("/")[0] for path in images]
    stems = [_stem(path) for path in images]
    words = _class_words(stems, classes)
    if words:
        option = "--label-pattern '^(?P<label>[^\\W\\d_]+)'"
        return [Reading("file names (a class at the start, as in seven_a.png)", words, option)], []
    if not _ANY_DIGIT.search("\n".join(stems)):
        return [], _offered(stems)
    named, leading = _single_digits(_NAMED, stems), _single_digits(_LEADING, stems)
    digits = [after_word or first for after_word, first in zip(named, leading, strict=True)]
    if not any(digits):
        return [], _offered(stems)
    truths = [digit and (classes.of_value(int(digit)) or digit) for digit in digits]
    option = "--label-pattern '(?P<label>[0-9])'"
    source = "file names (a digit at the start, as in 7_a.png, or after a word, as in digit7-3.png)"
    groups = _grouped(folders, digits)
    together = [sorted(int(digit) for digit in digits if digit is not None)]
    if (_count(groups) or _count(together)) and (len(images) > 1 or within_classes):
        if not _each_digit_once(groups):
            return [], ["The numbers in the file names only count the images. If they are the labels, say " + option]
        note = (
            "The file names are the digits 0 to 9, each once, and are taken for the labels. "
            "If they only count the images, list the labels in a file."
        )
        return [Reading(source, truths, option, notes=(note,), weak=not within_classes)], []
    readings = [Reading(source, truths, option)]
    if not any(named):
        readings += _other_digits(folders, stems, digits, classes)
    return readings, []


def _stem(path: str) -> str:
    """Return a file's name without its suffix and without what marks a copy."""
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    return _COPY.sub("", stem) if " " in stem else stem


def _class_words(stems: Sequence[str], classes: Classes) -> list[str]:
    """Return the class that each name begins with, or nothing where one of them begins otherwise."""
    known: dict[str, str | None] = {}
    found: list[str] = []
    for stem in stems:
        match = _WORD.search(stem)
        if match is None:
            return []
        if match[1] not in known:
            known[match[1]] = spell([match[1]], classes).names[match[1]]
        name = known[match[1]]
        if name is None or name not in classes:
            return []
        found.append(name)
    return found


def _single_digits(pattern: re.Pattern[str], stems: Sequence[str]) -> list[str | None]:
    """Return the one number that the pattern finds in each name if it is a digit.

    Return None for all names where one of them has a counter there: the others count too.
    """
    found: list[str | None] = []
    for stem in stems:
        numbers = set(pattern.findall(stem))
        if any(_COUNTER.fullmatch(number) for number in numbers):
            return [None] * len(stems)
        found.append(numbers.pop() if len(numbers) == 1 and len(min(numbers)) == 1 else None)
    return found


def _other_digits(
    folders: Sequence[str], stems: Sequence[str], digits: Sequence[str | None], classes: Classes
) -> Iterator[Reading]:
    """Yield a second digit of every name, as in ``3-7.png``, where it does not count the names that share the first."""
    singles = [_SINGLE.findall(stem) for stem in stems]
    for place in range(1, min(map(len, singles), default=0)):
        found = [each[place] for each in singles]
        groups = _grouped(list(zip(folders, digits, strict=True)), found)
        if not _count(groups) or _each_digit_once(groups):
            truths = [classes.of_value(int(digit)) or digit for digit in found]
            option = f"--label-pattern '^{'[0-9].*?' * place}(?P<label>[0-9])'"
            yield Reading(f"file names (digit number {place + 1})", truths, option)


def _offered(stems: Sequence[str]) -> list[str]:
    """Describe the places where every name has a digit that does not count: they are no usual ones for labels."""
    numbers = [_NUMBERS.findall(stem) for stem in stems]
    example = max(range(len(stems)), key=lambda i: len(set(numbers[i])))  # where it is clear which one is meant
    offers = []
    for place in range(min(map(len, numbers), default=0)):
        found = [each[place] for each in numbers]
        if all(len(number) == 1 for number in found) and not _count([sorted(map(int, found))]):
            pattern = f"'^{'[^0-9]*[0-9]+' * place}[^0-9]*(?P<label>[0-9])'"
            offers.append(
                f"If the {found[example]} in {printable(stems[example])} is the label, say --label-pattern {pattern}"
            )
    return offers[:_MOST_OFFERED]


def _grouped(keys: Sequence[object], digits: Sequence[str | None]) -> list[list[int]]:
    """Return the digits of the names that share a key, sorted."""
    groups: dict[object, list[int]] = defaultdict(list)
    for key, digit in zip(keys, digits, strict=True):
        if digit is not None:
            groups[key].append(int(digit))
    return [sorted(group) for group in groups.values()]


def _count(groups: Sequence[Sequence[int]]) -> bool:
    """Whether the numbers of every group run from 0 or 1 without a gap, each there once."""
    return all(group in (list(range(len(group))), list(range(1, len(group) + 1))) for group in groups)


def _each_digit_once(groups: Sequence[Sequence[int]]) -> bool:
    return all(group == list(range(10)) for group in groups)
