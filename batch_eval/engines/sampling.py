"""The sample of a run's images that other recipes prepare too.

Reports show the model's accuracy under each recipe. An image is decoded once, as the run's own recipe decodes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np
from numpy.typing import NDArray

from batch_eval.dataset.sample import Samples
from batch_eval.engines.rows import Readings
from batch_eval.errors import UnreadableImageError
from batch_eval.imaging import Prepared, Preprocessor, preprocessor
from batch_eval.imaging.guard import one_image
from batch_eval.imaging.steps import Image
from batch_eval.models import Classifier

SIZE = 80
"""Images of the sample, at most."""
FEWEST = 10
"""Images that a share needs. With fewer, nothing is tried."""
COMPARED = ("photo", "mnist", "simple")
"""Recipes that reports show side by side."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which rows other recipes prepare too, and how."""

    rows: frozenset[int]
    own: Preprocessor
    others: tuple[Preprocessor, ...]

    def readings(self, image: Image, prepared: Prepared) -> Readings:
        """Return what each recipe makes of a decoded image. ``prepared`` is what the run's own recipe made."""
        found: dict[str, NDArray[np.uint8] | None] = {self.own.name: _visible(prepared)}
        # MNIST's own images are no photos: `photo` and `mnist` leave them as they are, and `simple` inverts them
        if any(recipe.passes(image) for recipe in (self.own, *self.others)):
            return found
        for recipe in self.others:
            try:
                found[recipe.name] = _visible(one_image(recipe, image))
            except UnreadableImageError:  # the image is too costly for this recipe, which is no reason to lose the row
                found[recipe.name] = None
        return found


def _visible(prepared: Prepared) -> NDArray[np.uint8] | None:
    return None if prepared.blank else np.asarray(prepared.image, np.uint8)


def sampling(samples: Samples, classifier: Classifier, own: Preprocessor) -> Sampling | None:
    """Return what to sample; None where fewer than ``FEWEST`` images have a label of the model."""
    return sampling_of(sampled_rows(samples, classifier.class_names), classifier, own)


def sampled_rows(samples: Samples, class_names: Sequence[str]) -> tuple[int, ...]:
    """Choose the rows of a sample, of those whose label is a class."""
    names = set(class_names)
    return spread_rows((row, truth) for row, truth in enumerate(samples.truth) if truth in names)


def sampling_of(rows: Sequence[int], classifier: Classifier, own: Preprocessor) -> Sampling | None:
    """Return what to sample of these rows; None where they are fewer than ``FEWEST``."""
    if len(rows) < FEWEST:
        return None
    others = (
        preprocessor(name, size=classifier.size, channels=classifier.channels) for name in COMPARED if name != own.name
    )
    return Sampling(frozenset(rows), own, tuple(others))


def spread_rows(labelled: Iterable[tuple[int, str | None]]) -> tuple[int, ...]:
    """Choose at most ``SIZE`` of these rows with their labels, of all classes alike and spread over each class's."""
    of_class: dict[str | None, list[int]] = defaultdict(list)
    for row, truth in labelled:
        of_class[truth].append(row)
    each = -(-SIZE // max(1, len(of_class)))  # rounded up
    # Every k-th file of a class, then one of each class in turn. So the first images hold many classes too.
    spread = [some[:: max(1, len(some) // each)][:each] for some in of_class.values()]
    turns = chain.from_iterable(zip_longest(*spread))
    return tuple(row for row in turns if row is not None)[:SIZE]
