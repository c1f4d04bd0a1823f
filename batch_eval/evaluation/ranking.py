"""Many models on the same images: which are better, and which cannot be told apart.

It also finds the images that separate them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from batch_eval.engines.rows import Picture
from batch_eval.errors import ModelError
from batch_eval.evaluation import metrics
from batch_eval.evaluation.breakdown import Slices, usable_slices
from batch_eval.evaluation.metrics import SIGNIFICANCE, Tally
from batch_eval.evaluation.paired import PairedCounts, Shared, shared_images
from batch_eval.evaluation.records import Evaluation
from batch_eval.models.facts import ModelFacts
from batch_eval.texts import Coded
from batch_eval.wording import listing, percent, printable

SHOWN = 40
"""Images that reports show of each list.

The lists are the hardest, those that no model read, and those that one alone read.
"""


@dataclass(frozen=True)
class Entry:
    """A model of a ranking: its evaluation, or the ``problem`` that kept it from being evaluated."""

    name: str
    evaluation: Evaluation | None
    facts: ModelFacts | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A model's place. ``rank`` is 1 + the number of models that are significantly better.

    ``tally`` counts the shared images, ``macro_f1`` covers all scored ones. ``twins`` names models of the same file.
    """

    rank: int
    name: str
    tally: Tally
    macro_f1: float
    evaluation: Evaluation
    facts: ModelFacts | None
    twins: tuple[str, ...] = ()

    @property
    def same_file(self) -> str:
        """The note that names the ``twins``; empty if there are none."""
        return f"The same file as {listing(self.twins)}." if self.twins else ""


@dataclass(frozen=True, repr=False)
class Ranking:
    """Models in the order of their ranks; equal ranks by accuracy. Its ``repr`` is one line.

    ``shared`` holds the images that all K models scored. Its rows are in the order of ``places``. ``p_values`` (K, K)
    are those of McNemar's exact test, adjusted with Holm's method for all pairs. They are 1 on the diagonal.
    ``pictures`` holds those of `pictured`, by place.
    """

    places: tuple[Place, ...]
    failed: tuple[Entry, ...]
    shared: Shared
    p_values: NDArray[np.float64]
    pictures: Mapping[int, Picture] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return the best model and how many there are, in one line."""
        best = f": best {self.places[0].name} {percent(self.places[0].tally.share)}" if self.places else ""
        failed = f", {len(self.failed)} not opened" if self.failed else ""
        return printable(f"<Ranking (n = {len(self.shared.ids):,}, models = {len(self.places)}){best}{failed}>")

    @property
    def pictured(self) -> list[int]:
        """Places of the shared images that reports show, each once."""
        alone = [place for place, _ in self.read_by_one[:SHOWN]]
        return list(dict.fromkeys([*self.hard[:SHOWN], *self.unread[:SHOWN], *alone]))

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Notes on the images and labels: those that every evaluation has."""
        lists = [place.evaluation.provenance.notes for place in self.places]
        return tuple(note for note in lists[0] if all(note in others for others in lists[1:]))

    def notes_on(self, place: Place) -> tuple[str, ...]:
        """Return the notes on one model: the models of the same file, then the remarks."""
        return (*([place.same_file] if place.twins else []), *self.remarks_on(place))

    def remarks_on(self, place: Place) -> tuple[str, ...]:
        """Return the notes on one model's evaluation that do not concern all."""
        own = place.evaluation.provenance.notes
        return tuple(note for note in own if len(self.places) > 1 and note not in self.notes)

    @property
    def first(self) -> Evaluation:
        """The evaluation of the model in the first place."""
        return self.places[0].evaluation

    def beaten_by(self, place: int) -> int:
        """Return how many models are significantly worse than the one in a place."""
        correct = np.array([other.tally.hits for other in self.places])
        return int(((self.p_values[place] < SIGNIFICANCE) & (correct < correct[place])).sum())

    @cached_property
    def truths(self) -> Coded[str]:
        """Label of each shared image."""
        labels = self.first.records.truth.at(self.shared.rows[0])
        return Coded(tuple(map(str, labels.values)), labels.codes)

    @cached_property
    def readers(self) -> NDArray[np.intp]:
        """(N,) number of models that read each shared image correctly."""
        return np.asarray(self.shared.hits.sum(axis=0))

    @property
    def unread(self) -> list[int]:
        """Places of the shared images that no model read correctly."""
        return [place for place in self.hard if self.readers[place] == 0]

    @property
    def read_by_one(self) -> list[tuple[int, int]]:
        """Places of the shared images that one model alone read, each with that model's index."""
        if len(self.places) < 3:  # of two models, the comparison shows them
            return []
        found = np.flatnonzero(self.readers == 1)
        return list(zip(found.tolist(), self.shared.hits[:, found].argmax(axis=0).tolist(), strict=True))

    @property
    def hard(self) -> list[int]:
        """Places of the shared images that at least one model misread, hardest first."""
        hard = np.flatnonzero(self.readers < len(self.places))
        order: list[int] = hard[np.argsort(self.readers[hard], kind="stable")].tolist()
        return order

    def read_as(self, model: int, place: int) -> str | None:
        """Return what a model read in a shared image, None where it found no ink."""
        evaluation = self.places[model].evaluation
        predicted = int(evaluation.records.predicted[self.shared.rows[model, place]])
        return evaluation.class_names[predicted] if predicted >= 0 else None

    def by_class(self) -> list[tuple[str, list[Tally]]]:
        """Return each label with the tally of every model, in the order of ``places``."""
        order = {name: i for i, name in enumerate(self.first.class_names)}
        return sorted(self._tallies(self.truths), key=lambda part: order.get(part[0], len(order)))

    @cached_property
    def slices(self) -> Slices:
        """The slices that are shown, and those that are left out."""
        return usable_slices(self.first)

    def by_slice(self) -> list[tuple[str, list[tuple[str, list[Tally]]]]]:
        """Return each slice with its values, and the tally of every model for each."""
        rows = self.shared.rows[0]
        return [
            (name, sorted(self._tallies(values.at(rows))))
            for name, values in self.slices.shown.items()
            if len(values.values) > 1
        ]

    def _tallies(self, values: Coded[str]) -> list[tuple[str, list[Tally]]]:
        each = [metrics.tally_by(values, hits) for hits in self.shared.hits]
        return [(value, [tallies[value] for tallies in each]) for value in values.values]


def rank(entries: Sequence[Entry]) -> Ranking:
    """Rank models by their evaluations of the same images.

    Raises ModelError when no model could be evaluated, ConfigError when the evaluations share no image.
    """
    opened = [entry for entry in entries if entry.evaluation is not None]
    failed = tuple(entry for entry in entries if entry.evaluation is None)
    if not opened:
        raise ModelError(_none_opened(failed))
    evaluations = [entry.evaluation for entry in opened if entry.evaluation is not None]
    shared = shared_images(evaluations)
    p_values = _adjusted(shared.hits)
    correct = shared.hits.sum(axis=1)
    # A model is better than another where the pair's difference is significant and in its favour. This does not make a
    # chain: A may be better than C while B can be told from neither. So a rank counts the better models.
    better = (p_values < SIGNIFICANCE) & (correct[:, None] > correct[None, :])
    ranks = 1 + better.sum(axis=0)
    # The name comes last, so that equal models have the same order in every run.
    order = sorted(range(len(opened)), key=lambda i: (ranks[i], -correct[i], opened[i].name))
    places = tuple(
        Place(
            rank=int(ranks[i]),
            name=opened[i].name,
            tally=Tally(int(correct[i]), len(shared.ids)),
            macro_f1=evaluations[i].macro_f1,
            evaluation=evaluations[i],
            facts=opened[i].facts,
            twins=_twins(opened, i),
        )
        for i in order
    )
    ordered = Shared(shared.ids, shared.rows[order], shared.hits[order], shared.relabelled)
    found = Ranking(places, failed, ordered, p_values[np.ix_(order, order)])
    return replace(found, pictures=_kept_pictures(found))


def _kept_pictures(ranking: Ranking) -> dict[int, Picture]:
    """Return the pictures that evaluations kept of the images shown: those of a model that misread it."""
    rows = ranking.shared.rows
    kept = [place.evaluation.records.pictures for place in ranking.places]
    # Several models may have kept a picture, and the last entry of a dict wins. Reversed, that is the best model's.
    return {
        place: pictures[row]
        for place in ranking.pictured
        for pictures, row in zip(reversed(kept), reversed(rows[:, place].tolist()), strict=True)
        if row in pictures
    }


def _adjusted(hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the (K, K) adjusted p-values of (K, N) hits."""
    pairs = list(combinations(range(len(hits)), 2))
    adjusted = metrics.holm([PairedCounts.of(hits[a], hits[b]).p_value for a, b in pairs])
    table = np.ones((len(hits), len(hits)))
    for (a, b), p in zip(pairs, adjusted, strict=True):
        table[a, b] = table[b, a] = p
    return table


def _twins(entries: Sequence[Entry], i: int) -> tuple[str, ...]:
    """Return the names of other models with the same file content and the same preprocessing."""
    own = entries[i].evaluation
    return tuple(
        entry.name
        for k, entry in enumerate(entries)
        if k != i and own and entry.evaluation and _source(entry.evaluation) == _source(own)
    )


def _source(evaluation: Evaluation) -> tuple[str, str]:
    return evaluation.provenance.model_sha256, evaluation.provenance.preprocess_sha256


def _none_opened(failed: Sequence[Entry]) -> str:
    """Return the message for models none of which could be evaluated."""
    reasons = "\n".join(f"  {entry.name}: {entry.problem}" for entry in failed)
    return f"none of the {len(failed)} models could be evaluated:\n{reasons}"
