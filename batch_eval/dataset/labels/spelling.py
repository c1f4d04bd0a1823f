"""Which class a label means, however it is written: ``07``, ``7.0``, ``[7]``, ``seven``, ``class_7``, ``７``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from batch_eval.dataset.labels.words import (
    LABEL_WORDS,
    MISSING,
    OTHER_WORDS,
    PERHAPS_LABEL_WORDS,
    digits_in_words,
    folded,
    words,
)
from batch_eval.wording import printable

DIGITS = tuple("0123456789")

_HIGHEST = 10**9
"""Numbers above it count or date something."""
_PAIRS = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»", "[": "]", "(": ")", "{": "}"}
# tensor(7), np.int64(7), array([7], dtype=uint8), b'7'
_CALL = re.compile(r"(?:\w+\.)*(?:tensor|array|u?int\d*|float\d*|str_?)\((.*?)(?:,\s*\w+=.*)?\)", re.IGNORECASE)
# {"x": 1, "rectanglelabels": ["7"]}, as annotation programs write a box into a cell
_ANNOTATED = re.compile(r'"(?:\w*labels|choices|label|class)"\s*:\s*(?:\[\s*)?"([^"]*)"(?:\s*\])?')
_PREFIXED = re.compile(r"[bu](?=['\"])")
_NUMBER = re.compile(r"\d+(?:[.,]\d*)?(?:e[+-]?\d{1,3})?|-\d+", re.IGNORECASE)
_MARK = re.compile(r"[01](?:\.0*)?")
_ONE_HOT = re.compile(rf"{_MARK.pattern}(?:[,;\s]+{_MARK.pattern}){{{len(DIGITS) - 1}}}")
_NAMED = 3
"""Labels that a note shows as examples."""


class Classes:
    """A model's class names, found by text or by number."""

    def __init__(self, names: Iterable[str] = DIGITS) -> None:
        self.names = tuple(names)
        self.are_digits = set(self.names) == set(DIGITS)
        self._by_text = {_plain(name): name for name in self.names}
        self._by_value: dict[int, str] = {}
        # A number that two names share, as 7 and seven do, tells neither.
        values = [(value_of(name), name) for name in self.names]
        for value, name in values:
            if value is not None and sum(other == value for other, _ in values) == 1:
                self._by_value[value] = name

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def named(self, text: str) -> str | None:
        """Return the class of this name, without regard to case and Unicode form."""
        return text if text in self.names else self._by_text.get(_plain(text))

    def of_value(self, value: int) -> str | None:
        """Return the class whose name is this number, in digits or as a word."""
        return self._by_value.get(value)


@dataclass(frozen=True, slots=True)
class Spelling:
    """What each text of some labels means: a class, another name, or None for no label.

    ``notes`` say what was read loosely. ``offer`` describes numbers that may be the labels and were not taken.
    """

    names: dict[str, str | None]
    notes: tuple[str, ...] = ()
    offer: str = ""


def spell(texts: Iterable[str], classes: Classes, offset: int | None = None) -> Spelling:
    """Return what the labels of one place mean, such as a column or a level of folders.

    They are read together. A number within a name counts only if the names differ by nothing else. If labels are 1 to
    10, the last is the digit 0. ``offset`` is added to every number.
    """
    names: dict[str, str | None] = {}
    values: dict[str, int] = {}
    others: list[str] = []
    plain = {text: unwrapped(text) for text in dict.fromkeys(texts)}
    in_words = digits_in_words(map(folded, plain.values()))
    for text, label in plain.items():
        # With an offset, 7 is not the class named 7.
        named = None if offset else classes.named(label)
        number = number_of(label)
        value = in_words.get(folded(label), _marked(label)) if number is None else number
        if named is not None:
            names[text] = named
        if value is not None:
            values[text] = value
        elif not label or folded(label) in MISSING:
            names.setdefault(text, None)
        elif named is None:
            others.append(text)
    notes = []
    # SVHN has no label 0: the digit is 10 there.
    if _ten_is_zero(set(values.values()), classes, offset):
        values = {text: value % 10 for text, value in values.items()}
        notes.append(
            "The labels are 1 to 10: 10 is read as the digit 0, as in SVHN. "
            "If each is one too high instead, say --label-offset -1."
        )
    for text, value in values.items():
        names.setdefault(text, _name(value, classes, offset))
    within, offer = _numbers_within(others, classes, offset)
    names |= within
    if within:
        shown = ", ".join(f"{printable(text)} as {names[text]}" for text in list(within)[:_NAMED])
        notes.append(f"Labels are read by the number in them: {shown}{', …' if len(within) > _NAMED else ''}.")
    if not any(names.get(text) in classes for text in plain):
        offer = offer or _offer_of_others(values, classes)
    return Spelling({text: names.get(text, printable(plain[text])) for text in plain}, tuple(notes), offer)


def number_of(text: str) -> int | None:
    """Return the whole number that a text is, in any notation. Return None if it is none.

    >>> [number_of(text) for text in ("07", "7.000e+00", "7,0", "٧", "七", "7.5", "7a", "seven")]
    [7, 7, 7, 7, 7, None, None, None]
    """
    if _NUMBER.fullmatch(text):
        try:
            number = Decimal(text.replace(",", "."))
        except InvalidOperation:
            return None
        return int(number) if abs(number) <= _HIGHEST and number == number.to_integral_value() else None
    # Signs of other scripts, 七 or ⑦, have their value in Unicode. 0.5 stands for none.
    sign = unicodedata.numeric(text, 0.5) if len(text) == 1 else 0.5
    return int(sign) if sign.is_integer() and sign <= _HIGHEST else None


def value_of(text: str) -> int | None:
    """Return the whole number that a text is, in any notation or as the word for a digit.

    >>> [value_of(text) for text in ("7.0", "sieben", "Três", "seventh")]
    [7, 7, 3, None]
    """
    number = number_of(text)
    word = folded(text)
    return digits_in_words([word]).get(word) if number is None else number


def _marked(text: str) -> int | None:
    """Return the digit that ten marks stand for: ``0, 0, 0, 0, 0, 0, 0, 1, 0, 0`` is 7."""
    if not _ONE_HOT.fullmatch(text):
        return None
    marks = [mark[0] for mark in _MARK.findall(text)]
    return marks.index("1") if marks.count("1") == 1 else None


def unwrapped(text: str) -> str:
    """Return a label without quotes, brackets and the names of types around it.

    >>> [unwrapped(text) for text in ('"7"', "[7]", " tensor(7) ", "np.int64(7)", "array([7], dtype=uint8)")]
    ['7', '7', '7', '7', '7']
    """
    text = unicodedata.normalize("NFC", text).strip()
    annotated = _ANNOTATED.findall(text) if text[:1] in ("{", "[") else []
    if len(annotated) == 1:
        return str(annotated[0]).strip()
    # From the outside in, until nothing is left to take off: tensor(["7"]).
    while True:
        inner = _PREFIXED.sub("", text, count=1)
        call = _CALL.fullmatch(inner)
        if call:
            inner = call[1]
        elif len(inner) > 1 and _PAIRS.get(inner[0]) == inner[-1]:
            inner = inner[1:-1]
        if inner == text:
            return text
        text = inner.strip()


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).casefold())


def _ten_is_zero(values: set[int], classes: Classes, offset: int | None) -> bool:
    """Whether numbers are digits as SVHN writes them: 1 to 10, all of them, and no 0."""
    return offset is None and classes.are_digits and values == set(range(1, 11))


def _name(value: int, classes: Classes, offset: int | None) -> str:
    """Return the class of a number, or the number itself where there is none."""
    value += offset or 0
    return classes.of_value(value) or str(value)


def _numbers_within(texts: Sequence[str], classes: Classes, offset: int | None) -> tuple[dict[str, str | None], str]:
    """Return the classes of names that differ by one number alone, or what could be it.

    ``class_7``: the other words must be words for labels. ``7 - sete``: or the same number. ``n0`` to ``n9``: or all
    ten digits must be there. ``Sample008`` may count from 0 or from 1, and is only offered.
    """
    groups: dict[tuple[str, ...], dict[str, int]] = {}
    for text in texts:
        parts = words(unwrapped(text))
        if parts == [folded(unwrapped(text))]:  # nothing but a word, which was looked up among the others
            continue
        values = {value for part in parts if (value := value_of(part)) is not None}
        if len(values) == 1 and sum(number_of(part) is not None for part in parts) <= 1:
            rest = tuple(part for part in parts if value_of(part) is None)
            groups.setdefault(rest, {})[text] = values.pop()
    # Different words beside ten different digits are names of the digits in some language.
    together = {text: value for group in groups.values() for text, value in group.items()}
    if len(together) == len(DIGITS) and _are_all_digits(together, classes):  # 0_sıfır to 9_dokuz
        return {text: _name(value, classes, offset) for text, value in together.items()}, ""
    found: dict[str, str | None] = {}
    offer = ""
    # Names with the same other words are one group: class_0 to class_9, writer1 to writer5.
    for rest, group in groups.items():
        if not any(classes.of_value(value + (offset or 0)) for value in group.values()):
            offer = offer or _offer_of_others(group, classes)
            continue
        known = not rest or any(word in LABEL_WORDS | PERHAPS_LABEL_WORDS for word in rest)
        certain = known and not _ten_is_zero(set(group.values()), classes, offset)
        if offset is not None or certain or _are_all_digits(group, classes):
            found |= {text: _name(value, classes, offset) for text, value in group.items()}
        elif len(group) > 1:
            offer = offer or _offer(group)
    return found, offer


def _are_all_digits(values: dict[str, int], classes: Classes) -> bool:
    """Whether names hold all of 0 to 9, and no word for something else, such as `writer3`."""
    other = any(OTHER_WORDS & set(words(text)) for text in values)
    return classes.are_digits and not other and set(values.values()) == set(range(len(DIGITS)))


def _offer_of_others(group: dict[str, int], classes: Classes) -> str:
    """Describe numbers beyond the classes that could be the classes: NIST's folders 30 to 39."""
    first, last = (choose(group, key=group.__getitem__, default="") for choose in (min, max))
    if not classes.are_digits or not group or not 0 < group[last] - group[first] < len(DIGITS):
        return ""
    means = f"If {printable(first)} means 0, say --label-offset {-group[first]}"
    return f"{printable(first)} to {printable(last)} are beyond the digits. {means}"


def _offer(group: dict[str, int]) -> str:
    """Describe names whose number may be the label, and the options that say so."""
    first, last = min(group, key=group.__getitem__), max(group, key=group.__getitem__)
    low = group[first]
    return (
        f"{printable(first)} to {printable(last)} differ by a number. If it is the label, say --label-offset 0; "
        f"if {printable(first)} means {low - 1}, say --label-offset -1"
    )
