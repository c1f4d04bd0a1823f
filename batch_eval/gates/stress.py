"""The gate of a stress test: a least accuracy at a level of a distortion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batch_eval.distortions.distortion import Setting
from batch_eval.distortions.suites import Suite
from batch_eval.errors import ConfigError
from batch_eval.evaluation.stress import StressTest, find_points
from batch_eval.gates.checks import GateResult, at_least
from batch_eval.gates.limits import parse_share

OPTION = "--fail-under-stress"


@dataclass(frozen=True, slots=True)
class StressLimit:
    """Minimum accuracy, a share in 0..1, at a level of a distortion."""

    setting: Setting
    limit: float


def parse_stress_limits(texts: Sequence[str], suite: Suite) -> tuple[StressLimit, ...]:
    """Parse limits such as `blur@4=90%`. Of two limits at one level, the last one counts.

    Raises ConfigError for a limit that is invalid, and for a distortion or a level that the suite lacks.
    """
    limits = [_parsed(text, suite) for text in texts]
    return tuple({str(one.setting): one for one in limits}.values())


def _parsed(text: str, suite: Suite) -> StressLimit:
    where, equals, limit = text.rpartition("=")
    name, at, level = where.partition("@")
    if not equals or not at:
        raise ConfigError(f"{OPTION} {text} is invalid: write DISTORTION@LEVEL=SHARE, such as blur@4=90%.")
    try:
        distortion = suite.find(name)
    except ConfigError as error:
        raise ConfigError(f"{OPTION} {text} is invalid: {error}") from None
    levels = {f"{one:g}": one for one in distortion.levels}
    if level not in levels:
        raise ConfigError(
            f"{OPTION} {text} is invalid: {level!r} is no level of {name}. Must be one of {', '.join(levels)} "
            f"({distortion.axis})."
        )
    return StressLimit(Setting(distortion, levels[level]), parse_share(OPTION, limit, text))


def check_stress(test: StressTest, limits: Sequence[StressLimit]) -> tuple[GateResult, ...]:
    """Return the result of each gate."""
    points = find_points(test, [one.setting for one in limits])
    return tuple(
        at_least(
            f"{OPTION.removeprefix('--')} {one.setting}",
            f"Accuracy with {one.setting.distortion.title} ({one.setting.text})",
            point.tally,
            one.limit,
        )
        for one, point in zip(limits, points, strict=True)
    )
