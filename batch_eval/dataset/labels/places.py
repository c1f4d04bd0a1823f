"""Labels in the paths of images: class folders at any level, and digits in file names.

Labels may stand at each level of folders, and at each number in the names. A place counts if it holds classes. Two
places that disagree about the same images are both returned, so that nobody guesses.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import DIGITS, Classes, Spelling, spell, unwrapped, value_of
from batch_eval.dataset.labels.words import (
    LABEL_WORDS,
    NAMING,
    PERHAPS_LABEL_WORDS,
    SPLIT_WORDS,
    digits_in_words,
    folded,
    words,
)
from batch_eval.dataset.names import natural_key
from batch_eval.wording import printable

FEWEST, WITH_GAPS, COUNTED = 3, 5, 0.7
"""Fewest numbers of a run, and of one with gaps, and the share of it that must be there. Chosen by judgement."""
_MOST_NAMED = 12
_MOST_WORDS = 1000
"""Different words at the start of names that may be classes."""
_NO_CLASSES = frozenset({"data", "images", "image", "imgs", "img", *SPLIT_WORDS})
"""Folders that split or hold data sets: their names are never classes."""

_SAYING = LABEL_WORDS | PERHAPS_LABEL_WORDS
_MOST_OFFERED = 2

_NUMBERS = re.compile(r"[0-9]+")
# a number ends where no letter or digit follows, so that 20240101 and 7th are no labels
_NAMED = re.compile(rf"(?:^|[\W\d_])(?:{'|'.join(NAMING)})[ _=-]?([0-9]+)(?![a-z0-9])", re.IGNORECASE)
_LEADING = re.compile(r"^([0-9]+)(?![a-z0-9])", re.IGNORECASE)
# What either needs, in many names of small letters at once. That is faster than one by one.
_ANY_DIGIT = re.compile(f"(?:{'|'.join(NAMING)})[ _=-]?[0-9]|^[0-9](?![a-z0-9])", re.MULTILINE)
_SINGLE = re.compile(r"(?<![a-z0-9])([0-9])(?![a-z0-9])", re.IGNORECASE)
_WORD = re.compile(r"^([^\W\d_]+)(?![^\W_])")
# an unpadded number of a few digits; longer ones are dates and times
_COUNTER = re.compile(r"[1-9][0-9]{1,4}")
# what systems add to the name of a second file: "7 (2)", "7 - Copy", "7 copy"
_COPY = re.compile(r"^copy of | ?\(\d+\)$| - (?:copy|kopie|copia|copie|복사본)| copy(?: \d+)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Places:
    """What the paths give: labels of folders, labels of names, and numbers that may be labels.

    ``are_offered`` says that the folders' names hold such numbers.
    """

    folders: tuple[Reading, ...] = ()
    names: tuple[Reading, ...] = ()
    offers: tuple[str, ...] = ()
    are_offered: bool = False


def label_by_places(images: Sequence[str], classes: Classes, offset: int | None) -> Places:
    """Return the labels that stand in the images' paths. Where they disagree, there are several of a kind."""
    folders, offers = _by_folders(images, classes, offset)
    are_classes = any(truth in classes for each in folders for truth in each.truths)
    names, weak = _by_names(images, classes, within_numbers=are_classes and not _say_digits(images))
    return Places(tuple(folders), tuple(names), tuple(dict.fromkeys((*offers, *weak))), bool(offers))


def _say_digits(images: Sequence[str]) -> bool:
    """Whether folders say in words that they hold digits. Bare numbers may be writers as well: `3/7.png`."""
    names = {name for folder in {path.rpartition("/")[0] for path in images} for name in folder.split("/")}
    return any(_SAYING & set(parts) or digits_in_words(parts) for parts in map(words, names))


def _by_folders(images: Sequence[str], classes: Classes, offset: int | None) -> tuple[list[Reading], list[str]]:
    """Return the labels of class folders: the class is a folder's name, never its position."""
    folder_of = [path.rpartition("/")[0] for path in images]
    distinct = list(dict.fromkeys(folder_of))
    parts = {folder: [_folder_name(each) for each in folder.split("/")] if folder else [] for folder in distinct}
    # A level is read as a whole: 10 is a digit only beside 1 to 9.
    spelled = [
        spell(sorted({names[level] for names in parts.values() if len(names) > level}), classes, offset)
        for level in range(max(map(len, parts.values()), default=0))
    ]
    offers = [f"The folders {each.offer}" for each in spelled if each.offer]
    levels = [level for level, each in enumerate(spelled) if any(name in classes for name in each.names.values())]
    if not levels:
        others = _other_folders(folder_of, parts)
        return others, offers or _dated(each[-1] for each in parts.values() if others)
    # Where every image has one class above it, the level does not matter: 7/a.png and train/7/p1/b.png.
    by_folder = {folder: _classes_above(names, levels, spelled, classes) for folder, names in parts.items()}
    if all(len(set(found.values())) < 2 for found in by_folder.values()):
        truth = {folder: _nearest(parts[folder], found, levels, spelled) for folder, found in by_folder.items()}
        notes = tuple(dict.fromkeys(note for level in levels for note in spelled[level].notes))
        return [_folder_reading([truth[folder] for folder in folder_of], "", _own_folder_option(), notes)], offers
    # Two classes above one image, such as writer 3 and digit 7: each level is a reading of its own.
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
    """Return the class above an image, or the other name at the level of classes."""
    if found:
        return next(iter(found.values()))
    level = max((level for level in levels if level < len(names)), default=None)
    return None if level is None else spelled[level].names[names[level]]


def _own_folder_option() -> str:
    return "--label-pattern '(?P<label>[^/]+)/[^/]+$'"


def _other_folders(folder_of: Sequence[str], parts: Mapping[str, Sequence[str]]) -> list[Reading]:
    """Return folders of one depth as labels, although none is a class. A message says so."""
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


def _folder_name(name: str) -> str:
    """Return a folder's name. Of ``7 (1)``, leave out the mark of a copy, as a digit is left."""
    plain = _original(name) if " " in name else name
    return plain if plain != name and value_of(unwrapped(plain)) is not None else name


def _dated(names: Iterable[str]) -> list[str]:
    """Describe folders that all begin with a digit and hold more numbers: ``7-2024-01-05``."""
    first = [_LEADING.match(name) for name in names]
    digits = {match[1] for match in first if match and len(match[1]) == 1}
    if len(digits) < 2 or not all(match and len(match[1]) == 1 for match in first):
        return []
    pattern = "'^(?:.*/)?(?P<label>[0-9])[^/]*/[^/]+$'"
    return [f"If the digits that the folders begin with are the labels, say --label-pattern {pattern}"]


def _by_names(images: Sequence[str], classes: Classes, *, within_numbers: bool) -> tuple[list[Reading], list[str]]:
    """Return the labels of file names, and what else their numbers may mean.

    A label is a single digit after a word such as `digit` or `label`. Without such a word, it starts the name. A
    number from 10 on in its place counts the images: no name is read so then. Numbers that are each there once count
    too. Only 0 to 9, each once, may be the digits themselves.
    """
    folders = [path.rpartition("/")[0] for path in images]
    stems = [_stem(path) for path in images]
    spoken = _class_words(stems, classes)
    if spoken:
        option = "--label-pattern '^(?P<label>[^\\W\\d_]+)'"
        return [Reading("file names (a class at the start, as in seven_a.png)", spoken, option)], []
    if not _ANY_DIGIT.search("\n".join(stems).lower()):
        return [], _offered(stems)
    # A digit after a word says more than one at the start: 3_digit7.png is a 7.
    named, leading = _single_digits(_NAMED, stems), _single_digits(_LEADING, stems)
    digits = [after_word or first for after_word, first in zip(named, leading, strict=True)]
    if not any(digits):
        return [], _offered(stems)
    truths = [digit and (classes.of_value(int(digit)) or digit) for digit in digits]
    option = "--label-pattern '(?P<label>[0-9])'"
    source = "file names (a digit at the start, as in 7_a.png, or after a word, as in digit7-3.png)"
    # Counting starts anew in each folder, or goes on over all of them.
    groups = _grouped(folders, digits)
    together = [sorted(int(digit) for digit in digits if digit is not None)]
    if (_count(groups) or _count(together) or _count_with_gaps(together[0])) and (len(images) > 1 or within_numbers):
        if not _each_digit_once(groups):
            return [], ["The numbers in the file names only count the images. If they are the labels, say " + option]
        note = (
            "The file names are the digits 0 to 9, each once, and are taken for the labels. "
            "If they only count the images, list the labels in a file."
        )
        return [Reading(source, truths, option, notes=(note,), weak=not within_numbers)], []
    # Without a word before it, a second digit may be the label as well: 3-7.png.
    readings = [Reading(source, truths, option)]
    if not any(named):
        readings += _other_digits(folders, stems, digits, classes)
    return readings, []


def _stem(path: str) -> str:
    """Return a file's name without its suffix and without what marks a copy."""
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    return _original(stem) if " " in stem else stem


def _original(name: str) -> str:
    """Return a name without what marks a copy.

    >>> _original("7 - Copy (2)"), _original("Copy of 7"), _original("7 (1)")
    ('7', '7', '7')
    """
    plain = _COPY.sub("", name).strip()
    return name if plain in ("", name) else _original(plain)


def _class_words(stems: Sequence[str], classes: Classes) -> list[str]:
    """Return the class that each name begins with, or nothing where one of them begins otherwise."""
    first: list[str] = []
    start = _WORD.search(stems[0])
    alone = spell([start[1]], classes).names[start[1]] if start else ""
    if alone is not None and alone not in classes:  # almost always: img, scan, photo
        return []
    for stem in stems:
        match = _WORD.search(stem)
        if match is None:
            return []
        first.append(match[1])
    distinct = sorted(set(first))
    if len(distinct) > _MOST_WORDS:
        return []
    known = spell(distinct, classes).names
    found = [known[word] for word in first]
    return [name for name in found if name is not None] if all(name in classes for name in found) else []


def _single_digits(pattern: re.Pattern[str], stems: Sequence[str]) -> list[str | None]:
    """Return the one number that the pattern finds in each name if it is a digit.

    Return None for all names if one has a counter there. The others count too.
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
    """Yield a second digit of every name (``3-7.png``). It must not count the names with the same first."""
    singles = [_SINGLE.findall(stem) for stem in stems]
    for place in range(1, min(map(len, singles), default=0)):
        found = [each[place] for each in singles]
        groups = _grouped(list(zip(folders, digits, strict=True)), found)
        if not _count(groups) or _each_digit_once(groups):
            truths = [classes.of_value(int(digit)) or digit for digit in found]
            option = f"--label-pattern '^{'[0-9].*?' * place}(?P<label>[0-9])'"
            yield Reading(f"file names (digit number {place + 1})", truths, option)


def _offered(stems: Sequence[str]) -> list[str]:
    """Describe unusual places of names in which all have a digit that does not count."""
    numbers: list[list[str]] = []
    places: set[int] | None = None
    for stem in stems:
        found = _NUMBERS.findall(stem)
        single = {place for place, number in enumerate(found) if len(number) == 1}
        places = single if places is None else places & single
        if not places:  # soon, in most sets
            return []
        numbers.append(found)
    example = max(range(len(stems)), key=lambda i: len(set(numbers[i])))  # where it is clear which one is meant
    offers = []
    for place in sorted(places or ()):
        found = [each[place] for each in numbers]
        if not _count([sorted(map(int, found))]):
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


def _count_with_gaps(group: Sequence[int]) -> bool:
    """Whether numbers count images of which a few were deleted."""
    if len(set(group)) < len(group) or len(group) < FEWEST:
        return False
    run = group[-1] - group[0] + 1
    return len(group) == run or (len(group) >= WITH_GAPS and len(group) >= COUNTED * run)


def _each_digit_once(groups: Sequence[Sequence[int]]) -> bool:
    return all(group == list(range(10)) for group in groups)
