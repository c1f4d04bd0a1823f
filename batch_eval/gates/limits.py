"""The limits that gates check, and how they are written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches

from batch_eval.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ClassLimit:
    """Minimum accuracy of a class. ``name`` None means every class."""

    name: str | None
    limit: float


@dataclass(frozen=True, slots=True)
class SliceLimit:
    """Minimum accuracy of one value of a slice; ``value`` None means every value."""

    name: str
    value: str | None
    limit: float


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of all gates, as shares in 0..1; None means no gate."""

    fail_under: float | None = None
    fail_under_low: float | None = None
    fail_under_class: tuple[ClassLimit, ...] = ()
    fail_under_slice: tuple[SliceLimit, ...] = ()
    max_unreadable: float | None = None
    max_unlabelled: float | None = None
    max_out_of_range: float | None = None
    max_ece: float | None = None
    max_drop: float | None = None
    fail_if_worse: bool = False

    @property
    def need_baseline(self) -> tuple[str, ...]:
        """The given options that need a baseline."""
        options = {"--max-drop": self.max_drop is not None, "--fail-if-worse": self.fail_if_worse}
        return tuple(option for option, given in options.items() if given)

    def check_baseline(self, given: bool) -> None:
        """Raise ConfigError if a gate needs a baseline and none was given."""
        if self.need_baseline and not given:
            raise ConfigError(
                f"{self.need_baseline[0]} needs something to compare with. "
                "Name the evaluation.json of an earlier run with --baseline."
            )

    def check_names(self, class_names: Collection[str], slices: Mapping[str, Collection[str]]) -> None:
        """Raise ConfigError if a limit names an unknown class, slice or value of a slice."""
        for wanted in self.fail_under_class:
            if wanted.name is not None:
                _check_name("--fail-under-class", "class", wanted.name, class_names)
        for part in self.fail_under_slice:
            _check_name("--fail-under-slice", "slice", part.name, slices)
            if part.value is not None:
                _check_name("--fail-under-slice", f"value of {part.name}", part.value, slices[part.name])


def _check_name(option: str, what: str, name: str, known: Collection[str]) -> None:
    if name in known:
        return
    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    found = ", ".join(map(repr, sorted(set(known)))) or "none"
    raise ConfigError(f"{option} names the {what} {name!r}, which does not exist.{hint} Found: {found}.")


def parse_limits(
    *,
    fail_under: str | None = None,
    fail_under_low: str | None = None,
    fail_under_class: Sequence[str] | None = None,
    fail_under_slice: Sequence[str] | None = None,
    max_unreadable: str | None = None,
    max_unlabelled: str | None = None,
    max_out_of_range: str | None = None,
    max_ece: str | None = None,
    max_drop: str | None = None,
    fail_if_worse: bool = False,
) -> Limits:
    """Parse limits: `0.95` or `95%`, for classes `7=0.9`, for slices `paper=ruled:0.9`.

    Raises ConfigError naming the option whose limit is invalid.
    """
    return Limits(
        _optional("--fail-under", fail_under),
        _optional("--fail-under-low", fail_under_low),
        tuple(_class_limit(text) for text in fail_under_class or ()),
        tuple(_slice_limit(text) for text in fail_under_slice or ()),
        _optional("--max-unreadable", max_unreadable),
        _optional("--max-unlabelled", max_unlabelled),
        _optional("--max-out-of-range", max_out_of_range),
        _optional("--max-ece", max_ece),
        _optional("--max-drop", max_drop),
        fail_if_worse,
    )


def _optional(option: str, text: str | None) -> float | None:
    return None if text is None else parse_share(option, text, text)


def _class_limit(text: str) -> ClassLimit:
    # From the right, as a class may have = in its name.
    name, equals, limit = text.rpartition("=")
    return ClassLimit(name if equals else None, parse_share("--fail-under-class", limit, text))


def _slice_limit(text: str) -> SliceLimit:
    # From the right, as a value may be a time or a path on Windows.
    where, colon, limit = text.rpartition(":")
    name, equals, value = where.partition("=")
    if not colon or not name:
        raise ConfigError(
            f"--fail-under-slice {text} is invalid: write NAME=VALUE:LIMIT, such as paper=ruled:0.9, "
            "or NAME:LIMIT for every value."
        )
    return SliceLimit(name, value if equals else None, parse_share("--fail-under-slice", limit, text))


def parse_share(option: str, limit: str, shown: str) -> float:
    """Parse a share in 0..1, `0.95` or `95%`. The ConfigError names the option and what was ``shown``.

    >>> parse_share("--fail-under", "99.5 %", "99.5 %")
    0.995
    """
    number = limit.strip()
    percent = number.endswith("%")
    try:
        # Decimal, as 99.9 / 100 is 0.9990000000000001 in floating point, which 999 of 1000 would miss.
        value = Decimal(number.removesuffix("%").strip())
        if value.is_nan():
            raise InvalidOperation
    except InvalidOperation:
        raise ConfigError(f"{option} {shown} is invalid: {limit!r} is no number. Write 0.95 or 95%.") from None
    share = value / 100 if percent else value
    if not 0 <= share <= 1:
        hint = f" Did you mean {number}%?" if not percent and 1 < share <= 100 else ""
        raise ConfigError(f"{option} {shown} is invalid: it must lie between 0 and 1, or 0% and 100%.{hint}")
    return float(share)
