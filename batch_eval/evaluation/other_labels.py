"""Other labels that agree with what the model read.

They are shifted, renamed, another number of the file name, or another folder. Nothing is read again. Each candidate
gives every image another label, and the predictions are compared with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from batch_eval.dataset.labels.spelling import Classes, spell
from batch_eval.evaluation.records import Evaluation
from batch_eval.wording import DIGIT_WORDS, printable

MOST_NUMBERS = 4
"""Numbers of a file name that are tried as labels."""
MOST_LEVELS = 4
"""Levels of folders that are tried as labels."""
_WHOLE = re.compile("-?[0-9]{1,9}")
RENAMED = 3
"""Classes that must have another name before labels count as renamed."""


@dataclass(frozen=True, slots=True)
class OtherLabels:
    """A way to label the images, and how often the model's predictions agree with it."""

    agree: int
    images: int
    sentence: str
    """What the labels are instead, and what to do, without the figures."""

    @property
    def share(self) -> float:
        """Share of the images whose prediction agrees."""
        return self.agree / self.images


@dataclass(frozen=True, slots=True)
class _Read:
    """The images that have a label and a prediction."""

    ids: tuple[str, ...]
    truths: tuple[str, ...]
    predicted: tuple[str, ...]

    def labelled(self, labels: Sequence[str | None], sentence: str) -> OtherLabels:
        """Compare other labels with the predictions; None agrees with none."""
        agree = sum(label == read for label, read in zip(labels, self.predicted, strict=True))
        return OtherLabels(agree, len(self.ids), sentence)


def other_labels(evaluation: Evaluation) -> list[OtherLabels]:
    """Return the other ways to label the images, the simplest first."""
    read = _read(evaluation)
    if not read.ids:
        return []
    classes = Classes(evaluation.class_names)
    places = [*_numbers(read, classes), *_levels(read, classes)]
    # The order decides: the diagnosis takes the first that agrees nearly as often as the best.
    return [*_shifts(read), *_alphabetical(read), *places, *_renamed(read, evaluation)]


def _read(evaluation: Evaluation) -> _Read:
    r = evaluation.records
    rows = r.has_prediction & ~r.truth.having([None])
    predicted = [evaluation.class_names[k] for k in r.predicted[rows].tolist()]
    return _Read(tuple(r.ids.kept(rows)), tuple(map(str, r.truth[rows])), tuple(predicted))


def _shifts(read: _Read) -> Iterator[OtherLabels]:
    """Yield labels that are numbers, one more or one less. Each comes also with 9 and 0 as neighbours."""
    numbers = [int(truth) if _WHOLE.fullmatch(truth) else None for truth in read.truths]
    for step, example in ((-1, 1), (1, 0)):
        shifted = f"the label {step:+d}: the labels are shifted by one, {example} stands for {example + step}"
        plain = [None if number is None else str(number + step) for number in numbers]
        yield read.labelled(plain, f"{shifted}. Say `--label-offset {step}`")
        # Of labels 1 to 10, the 10 was read as the digit 0. One less than it must be 9.
        ring = [None if number is None else str((number + step) % 10) for number in numbers]
        between = "1 to 10" if step < 0 else "0 to 9"
        yield read.labelled(ring, f"{shifted}. Say `--label-offset {step}` if they run from {between}")


def _alphabetical(read: _Read) -> Iterator[OtherLabels]:
    """Yield labels turned from places in the alphabetical order to digits, and back."""
    # The words sorted are eight, five, four, …: place 0 is digit 8, place 1 is digit 5.
    digits = {str(place): str(DIGIT_WORDS.index(word)) for place, word in enumerate(sorted(DIGIT_WORDS))}
    places = {digit: place for place, digit in digits.items()}
    order = "in the alphabetical order eight, five, four, nine, …, in which Keras numbers folders"
    yield read.labelled(
        [digits.get(truth) for truth in read.truths],
        f"the labels as places {order}: 0 stands for eight. Write the digits into the labels",
    )
    yield read.labelled(
        [places.get(truth) for truth in read.truths],
        f"the places of the labels {order}: the model's classes are sorted so. Name them with "
        f"`--classes {','.join(digits.values())}`",
    )


def _renamed(read: _Read, evaluation: Evaluation) -> Iterator[OtherLabels]:
    """Yield the labels with their classes renamed one to one, as their images are mostly read."""
    pairs = Counter(zip(read.truths, read.predicted, strict=True))
    names: dict[str, str] = {}
    # The most frequent pair of label and reading comes first. A later pair cannot use either name again.
    for (truth, predicted), _ in pairs.most_common():
        if truth not in names and predicted not in names.values():
            names[truth] = predicted
    moved = {truth: name for truth, name in names.items() if truth != name}
    if len(moved) < RENAMED:
        return
    shown = ", ".join(f"{printable(truth)} is {printable(name)}" for truth, name in sorted(moved.items()))
    yield read.labelled(
        [names.get(truth) for truth in read.truths],
        f"the labels under other names ({shown}). {_order(names, evaluation)}",
    )


def _order(names: Mapping[str, str], evaluation: Evaluation) -> str:
    """Return how to name the classes so that labels and predictions mean the same."""
    labels = {name: truth for truth, name in names.items()}
    order = [labels.get(name) for name in evaluation.class_names]
    if None in order:
        return "Rename the labels so"
    return f"Rename the labels so, or give `--classes {printable(','.join(map(str, order)))}`"


def _numbers(read: _Read, classes: Classes) -> Iterator[OtherLabels]:
    """Yield each number of the file names as the label."""
    for place in range(MOST_NUMBERS):
        # For place 1, img_12_7.png gives 7: one number is skipped.
        pattern = f"^[^0-9]*{'[0-9]+[^0-9]+' * place}(?P<label>[0-9]+)"
        yield _matched(read, classes, pattern, f"{_ORDINALS[place]} number in the file names")


def _levels(read: _Read, classes: Classes) -> Iterator[OtherLabels]:
    """Yield the folder of each level as the label, from the outermost."""
    for level in range(MOST_LEVELS):
        pattern = rf"^{'[^/]+/' * level}(?P<label>[^/]+)/"
        yield _matched(read, classes, pattern, f"{_ORDINALS[level]} level of folders")


_ORDINALS = ("the first", "the second", "the third", "the fourth")


def _matched(read: _Read, classes: Classes, pattern: str, what: str) -> OtherLabels:
    """Return the labels that ``--label-pattern`` would read."""
    find = re.compile(pattern).search
    # As --label-pattern does: a pattern with a / sees the path, any other only the file name.
    names = read.ids if "/" in pattern else [path.rpartition("/")[2] for path in read.ids]
    texts = [found["label"] if (found := find(name)) else "" for name in names]
    meant = spell(sorted(set(texts)), classes).names
    labels = [meant[text] for text in texts]
    return read.labelled(labels, f"{what}. Read the labels there with `--label-pattern '{pattern}'`")
