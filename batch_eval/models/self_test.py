"""Find a model's convention by what it reads.

The model reads the package's own digits under each convention. The one with the lowest log-loss is taken.

Accuracy alone says too little. A network of relu layers without large biases reads digits nearly as well when every
pixel is 255 times as large. But it is wrong with far more confidence.

The conventions race (Maron and Moore, Hoeffding Races, 1993). All read a few digits. Those that are clearly behind
drop out, and the others read more. So most of the computing goes to those that are hard to tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.models.convention import BRIGHT, INKS, Convention
from batch_eval.models.inference import Inference
from batch_eval.models.input_range import RANGES, InputRange
from batch_eval.models.outputs import to_probabilities
from batch_eval.models.own_digits import own_digits

ROUNDS = (5, 10, 20, 40, 80, 160)
"""Digits that each convention has read at the end of each round."""
FINALISTS = 4
"""Conventions that may take part in the last round, the longest."""
PIXELS = 160 * 28 * 28
"""Pixels of all digits that a convention reads. Models of larger inputs read fewer digits, as they are slow."""
SMALLEST = 1e-3
"""Probability below which a digit counts as this: a single confident error must not decide."""
BEHIND = 2.0
"""Standard errors of the difference from which a convention drops out."""
DOUBT = 0.5
"""Nats that are added to the deviation of a digit's difference: few digits tell it badly."""
MARGIN, CONTRAST_MARGIN = 0.03, 0.1
"""Nats that a less usual convention must be ahead, and one that gives more contrast besides. Many networks are less
sure of drawn digits than they could be. So more contrast seems to help. Chosen with benchmarks/conventions.py."""
GOOD_ENOUGH = 0.05
"""Log-loss, on ``ENOUGH`` digits, of which less usual conventions cannot be clearly ahead."""
ENOUGH = 40
HOPELESS_AFTER = 20
"""Digits after which a model stops that reads hardly any, whatever the convention."""
READS = 0.5
"""Share of the digits that a convention must read for the test to count."""


@dataclass(frozen=True)
class Candidate:
    """A convention, and an order of the classes with the output of each digit."""

    convention: Convention
    order: str
    columns: tuple[int, ...] = field(compare=False)
    unusual: tuple[int, ...] = field(compare=False)
    """Sorts candidates, the most usual first."""

    def __str__(self) -> str:
        """Return the convention in words, with the order of the classes where it is unusual."""
        return f"{self.convention}, classes {self.order}" if self.unusual[1] else str(self.convention)


@dataclass(frozen=True)
class TestResult:
    """The convention to use, and what speaks for it."""

    best: Candidate
    rivals: tuple[Candidate, ...]
    """Other candidates that are not clearly behind, the most usual first."""
    right: int
    digits: int

    @property
    def reads(self) -> bool:
        """Whether the model reads digits at all."""
        return self.right >= READS * self.digits


def conventions(channels: int, input_range: InputRange | None = None) -> list[Convention]:
    """Return the conventions that are tested for a model of 1 or 3 channels. If a range is fixed, all have it."""
    ranges = (
        [input_range] if input_range else [known for known in RANGES.values() if known.channels in (None, channels)]
    )
    tested = []
    for known, ink, transposed in product(ranges, INKS, (False, True)):
        plain = ink == BRIGHT and not transposed
        # hardly anyone normalizes inverted digits, and each convention takes time
        if plain or not known.axes or input_range:
            tested.append(Convention(known, ink, transposed))
    return tested


def candidates(fixed: Mapping[str, Any], channels: int, orders: Mapping[str, Sequence[int]]) -> list[Candidate]:
    """Return what to test, the most usual first.

    Args:
        fixed: ``input_range``, ``ink`` and ``transposed``, where an option or the file fixes them.
        channels: Channels of the model's input.
        orders: Name of each possible order of the classes -> the output of each digit.

    """
    names = list(RANGES)
    found = []
    for one, (place, order) in product(conventions(channels, fixed.get("input_range")), enumerate(orders)):
        if fixed.get("ink", one.ink) != one.ink or fixed.get("transposed", one.transposed) != one.transposed:
            continue
        # an unusual order is rarer than a transposed image, that rarer than dark ink, and that than another range
        range_ = names.index(one.input_range.name) if one.input_range.name in names else 0
        parts = (place, int(one.transposed), INKS.index(one.ink), range_)
        found.append(Candidate(one, order, tuple(orders[order]), (sum(map(bool, parts)), *parts)))
    return sorted(found, key=lambda one: one.unusual)


def race(inference: Inference, kind: str, contenders: Sequence[Candidate]) -> TestResult:
    """Return the candidate under which the model reads the package's own digits best.

    Args:
        inference: The model.
        kind: Kind of its outputs.
        contenders: The candidates, the most usual first.

    """
    most = max(ROUNDS[0], min(ROUNDS[-1], PIXELS // prod(inference.layout.size)))
    scores = _Scores(inference, kind)
    usual = contenders[0]
    scores.read([usual], min(ENOUGH, most))
    if scores.loss(usual) < GOOD_ENOUGH:
        return scores.result(usual, [])
    alive = list(contenders)
    for end in (count for count in ROUNDS if count <= most):
        if end == ROUNDS[-1] and len({one.convention for one in alive}) > FINALISTS:
            break
        scores.read(alive, end)
        best = scores.best(alive)
        alive = [one for one in alive if not _dropped(*scores.difference(one, best), end)]
        hopeless = end >= HOPELESS_AFTER and max(scores.share(one) for one in alive) < READS
        if len(alive) == 1 or hopeless:
            break
    best = scores.best(alive)
    chosen, *rivals = (one for one in alive if one is best or not _ahead(best, one, *scores.difference(one, best)))
    scores.read([chosen], min(ENOUGH, most))  # so that the user sees a figure that says something
    return scores.result(chosen, rivals)


class _Scores:
    """How well a model read the first digits under each candidate."""

    def __init__(self, inference: Inference, kind: str) -> None:
        self._inference, self._kind = inference, kind
        self._losses: dict[Candidate, NDArray[np.float64]] = {}
        self._hits: dict[Candidate, NDArray[np.bool_]] = {}

    def read(self, candidates: Sequence[Candidate], end: int) -> None:
        """Let the candidates read the digits up to ``end`` that they have not read."""
        images, labels = own_digits()
        starts = {one: len(self._losses.get(one, ())) for one in candidates}
        wanted = dict.fromkeys((one.convention, starts[one]) for one in candidates if starts[one] < end)
        if not wanted:
            return
        # all of them in one go: batches are padded, and small ones would waste time
        prepared = [self._inference.prepare(images[start:end], convention) for convention, start in wanted]
        probabilities = to_probabilities(self._inference.run(np.concatenate(prepared)), self._kind)
        parts = np.split(probabilities, np.cumsum([len(part) for part in prepared])[:-1])
        found = dict(zip(wanted, parts, strict=True))
        for one, start in starts.items():
            if start < end:
                self._add(one, found[one.convention, start], np.array(one.columns)[labels[start:end]])

    def _add(self, one: Candidate, probabilities: NDArray[np.float32], truth: NDArray[np.intp]) -> None:
        right = probabilities[np.arange(len(truth)), truth].astype(np.float64)
        losses, hits = -np.log(np.clip(right, SMALLEST, 1)), probabilities.argmax(axis=1) == truth
        self._losses[one] = np.concatenate([self._losses.get(one, np.zeros(0)), losses])
        self._hits[one] = np.concatenate([self._hits.get(one, np.zeros(0, np.bool_)), hits])

    def loss(self, one: Candidate) -> float:
        """Return the mean log-loss in nats."""
        return float(self._losses[one].mean())

    def share(self, one: Candidate) -> float:
        """Return the share of digits that were read right."""
        return float(self._hits[one].mean())

    def best(self, candidates: Sequence[Candidate]) -> Candidate:
        """Return the candidate with the lowest log-loss; of equal ones, the most usual."""
        count = min(len(self._losses[one]) for one in candidates)
        return min(candidates, key=lambda one: (self._losses[one][:count].mean(), one.unusual))

    def difference(self, one: Candidate, best: Candidate) -> tuple[float, float]:
        """Return the mean difference of the log-losses of the same digits, and its standard error."""
        count = min(len(self._losses[one]), len(self._losses[best]))
        difference = self._losses[one][:count] - self._losses[best][:count]
        return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(count))

    def result(self, chosen: Candidate, rivals: Sequence[Candidate]) -> TestResult:
        """Return the result of a race."""
        return TestResult(chosen, tuple(rivals), int(self._hits[chosen].sum()), len(self._hits[chosen]))


def _dropped(mean: float, error: float, count: int) -> bool:
    """Whether a candidate is so far behind that more digits will not change it."""
    return mean > BEHIND * float(np.sqrt(error**2 + DOUBT**2 / count))


def _ahead(best: Candidate, other: Candidate, mean: float, error: float) -> bool:
    """Whether the best candidate is clearly ahead of another one."""
    favoured = best.convention.contrast > other.convention.contrast
    margin = CONTRAST_MARGIN if favoured else MARGIN
    return mean > max(margin if best.unusual > other.unusual else 0, error)
