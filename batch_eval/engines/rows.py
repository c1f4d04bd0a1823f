"""What an engine returns: one row for every sample, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batch_eval.outcome import OUTCOMES, Outcome

Readings = Mapping[str, NDArray[np.uint8] | None]
"""By recipe, what the model sees of one image, (h, w) or (h, w, 3) uint8.

None for a blank image, and for one that a recipe cannot prepare."""

MAX_PICTURES = 10_000
"""Errors whose pictures are kept for the reports. All others keep their row."""

MAX_SEEN = 1_000
"""First rows of which the model's input is kept whatever the outcome.

So correct images can be looked at too."""

DIGEST = 16
"""Bytes of an image's digest. By it, equal images are told without reading them again."""

MAX_STEPS = 500
"""Images whose strip of steps is kept. `batch-eval preprocess` shows the steps of any other image."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What reports show of one image: encoded files, small enough to keep.

    ``original`` is a PNG or JPEG thumbnail, ``mime`` its type. It is None for an unreadable file. ``seen`` is a PNG of
    what the model saw. ``steps`` is a JPEG of all preprocessing steps side by side.
    """

    original: bytes | None
    seen: bytes | None
    mime: str = "image/png"
    steps: bytes | None = None


class TrialKind(StrEnum):
    """What a trial changes."""

    CONVENTION = "convention"
    RECIPE = "recipe"
    OWN_DIGITS = "own digits"


@dataclass(frozen=True, slots=True)
class Trial:
    """A sample of the images read another way, or the package's own digits."""

    kind: TrialKind
    option: str
    """The options that read so, such as ``--preprocess photo``; empty for the package's own digits."""
    images: int
    right: int
    """Images read right this way."""
    right_now: int
    """Images that the run itself read right."""

    @property
    def share(self) -> float:
        """Share of the images read right this way."""
        return self.right / self.images

    @property
    def share_now(self) -> float:
        """Share of the images that the run itself read right."""
        return self.right_now / self.images


@dataclass(frozen=True, slots=True)
class Copies:
    """Rows that hold the same picture. ``exact`` says that their files are equal."""

    rows: tuple[int, ...]
    exact: bool


class Guess(NamedTuple):
    """A class name, and the probability 0..1 that the model gives it."""

    name: str
    confidence: float


def top_guesses(probabilities: NDArray[np.float32], class_names: Sequence[str], top: int) -> tuple[Guess, ...]:
    """Return the ``top`` classes of (C,) float32 by falling probability.

    Ties go to the lower class.
    """
    order = np.argsort(-probabilities, kind="stable")[:top].tolist()
    return tuple(Guess(class_names[i], float(probabilities[i])) for i in order)


class Rows:
    """The columns of some rows of a run, as in Records. Keys of the mappings count rows from the run's first."""

    def __init__(self, rows: range, classes: int, *, digests: bool = False) -> None:
        self.start = rows.start
        # what no worker reports stays unreadable, so that no file can vanish from the count
        self.outcome = np.full(len(rows), OUTCOMES.index(Outcome.UNREADABLE), np.uint8)
        self.probabilities = np.zeros((len(rows), classes), np.float32)
        self.prints = np.zeros(len(rows), np.uint64)  # fingerprints of the images, by which equal ones are found
        self.sizes = np.zeros((len(rows), 2), np.uint32)  # width and height of each file; 0 if unknown
        self.thumbnails: dict[int, NDArray[np.uint8]] = {}  # by which copies are found
        # (N, 16) digests of the images where they are wanted, else of no row
        self.digests = np.zeros((len(rows) if digests else 0, DIGEST), np.uint8)
        self.frames: dict[int, int] = {}  # pictures in files that hold several
        self.scores = np.full(len(rows), np.nan, np.float32)
        self.reasons: dict[int, str] = {}
        self.flags: dict[str, list[int]] = {}
        self.pictures: dict[int, Picture] = {}
        self.sample: dict[int, Readings] = {}  # what each recipe makes of the sampled images
        # of the sampled images, by recipe, whether the model reads it right; empty until that is asked
        self.hits: dict[int, Mapping[str, bool]] = {}
        self.errors = 0  # pictures with an original

    @property
    def has_all_steps(self) -> bool:
        """Whether steps of as many images are kept as reports show."""
        return self.errors >= MAX_STEPS

    def fail(self, row: int, reason: str) -> None:
        """Record a row as unreadable."""
        self.outcome[row - self.start] = OUTCOMES.index(Outcome.UNREADABLE)
        self.probabilities[row - self.start] = 0
        self.reasons[row] = reason

    def add(self, rows: Rows) -> None:
        """Copy a chunk's rows into these. Chunks come in order, so that the first pictures are kept."""
        place = slice(rows.start - self.start, rows.start - self.start + len(rows.outcome))
        self.outcome[place] = rows.outcome
        self.probabilities[place] = rows.probabilities
        self.prints[place] = rows.prints
        self.sizes[place] = rows.sizes
        self.thumbnails |= rows.thumbnails
        if len(self.digests):
            self.digests[place] = rows.digests
        self.frames |= rows.frames
        self.scores[place] = rows.scores
        self.reasons |= rows.reasons
        self.sample |= rows.sample
        self.hits |= rows.hits
        for flag, flagged in rows.flags.items():
            self.flags.setdefault(flag, []).extend(flagged)
        for row, shown in rows.pictures.items():
            # only pictures with an original count: those of correct images have their own limit, MAX_SEEN
            if shown.original is None:
                self.pictures[row] = shown
            elif self.errors < MAX_PICTURES:
                self.pictures[row] = shown if self.errors < MAX_STEPS else replace(shown, steps=None)
                self.errors += 1
