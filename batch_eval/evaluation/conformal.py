"""Split conformal prediction: sets of classes that hold the truth with a chosen probability.

A model's confidence says little about how often it is right. A conformal set does, whatever the model. The images must
be like those that it was calibrated with. Then the true class is missing from at most ``alpha`` of the sets. An image
that the model is sure of gets a set of one class. One that people would dispute gets two.

Sources: V. Vovk, A. Gammerman and G. Shafer, Algorithmic learning in a random world (2005); A. Angelopoulos and
S. Bates, A gentle introduction to conformal prediction and distribution-free uncertainty quantification (2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from batch_eval.errors import ConfigError
from batch_eval.evaluation.calibration import Calibration
from batch_eval.evaluation.records import Evaluation
from batch_eval.wording import percent, printable


def calibrate(evaluation: Evaluation, alpha: float) -> Calibration:
    """Find the threshold on the labelled images of an evaluation that the model read.

    The nonconformity of an image is 1 minus the probability of its true class. The threshold lies at their
    ⌈(n + 1)(1 - alpha)⌉-th smallest. Raises ConfigError for an ``alpha`` that is not between 0 and 1, and where there
    are too few images for it.

    >>> from types import SimpleNamespace as Fake
    >>> import numpy as np
    >>> found = Fake(records=Fake(probabilities=np.float32([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])),
    ...              truth_index=np.array([0, 0, 1]), scored_rows=np.array([0, 1, 2]), provenance=Fake(folder="photos"))
    >>> round(calibrate(found, 0.5).threshold, 3)
    0.7
    """
    if not 0 < alpha < 1:
        raise ConfigError(f"--alpha {alpha:g} is out of range. Must be between 0 and 1, such as 0.05.")
    probabilities = evaluation.records.probabilities[evaluation.scored_rows]
    truth = evaluation.truth_index[evaluation.scored_rows]
    # A blank image has no probability of its true class.
    read = probabilities.any(axis=1)
    # Falling probability is rising nonconformity: the k-th smallest nonconformity stands in the k-th place.
    of_truth = np.sort(probabilities[read, truth[read]])[::-1]
    rank = math.ceil((len(of_truth) + 1) * (1 - alpha))
    # The rank is at most n where alpha is at least 1 / (n + 1). So an alpha of 0.05 takes 19 images.
    if rank > len(of_truth):
        raise ConfigError(
            f"--alpha {alpha:g} needs at least {math.ceil(1 / alpha) - 1:,} labelled images to calibrate with. "
            f"{evaluation.provenance.folder} has {len(of_truth):,} that were read: give more, or a larger --alpha."
        )
    return Calibration(alpha, float(of_truth[rank - 1]), len(of_truth), evaluation.provenance.folder)


def check_fits(calibrating: Evaluation, model_sha256: str, preprocess_sha256: str) -> None:
    """Raise ConfigError if an evaluation is of another model, or was prepared in another way."""
    if calibrating.sums is not None:
        raise ConfigError(
            "--calibration is of a large set, of which only a sample of errors is in memory. A few thousand images are "
            "enough to calibrate: evaluate some."
        )
    # The threshold is a probability. Another model, or other inputs, would have led to another one.
    p = calibrating.provenance
    if p.model_sha256 != model_sha256:
        raise ConfigError(f"--calibration is of another model, {p.model}. Evaluate its images with this model first.")
    if p.preprocess_sha256 != preprocess_sha256:
        raise ConfigError(
            f"--calibration was prepared by other settings or an older revision of {p.preprocess}, so that its "
            "probabilities do not count here. Evaluate its images again first."
        )


@dataclass(frozen=True)
class SetFigures:
    """Figures of the sets of the images that the model read.

    ``singles`` counts those of one class, ``empty`` those of none. ``labelled`` images have a label that is one of the
    classes. Of these, ``covered`` have a set that holds it.
    """

    images: int
    singles: int
    empty: int
    covered: int
    labelled: int
    mean_size: float

    @property
    def several(self) -> int:
        """Sets of two classes or more."""
        return self.images - self.singles - self.empty

    @property
    def coverage(self) -> float:
        """Covered / labelled; NaN where nothing is labelled."""
        return self.covered / self.labelled if self.labelled else math.nan


def set_figures(evaluation: Evaluation, calibration: Calibration) -> SetFigures:
    """Return the figures of the sets that a calibration makes of an evaluation."""
    read = evaluation.records.has_prediction
    chosen = calibration.sets(evaluation.records.probabilities)
    size = chosen.sum(axis=1)
    truth = evaluation.truth_index
    # No set can hold a label that is no class. Such images do not count against the coverage.
    labelled = np.flatnonzero(read & (truth >= 0))
    return SetFigures(
        images=int(read.sum()),
        singles=int((size[read] == 1).sum()),
        empty=int((size[read] == 0).sum()),
        covered=int(chosen[labelled, truth[labelled]].sum()),
        labelled=len(labelled),
        mean_size=float(size[read].mean()) if read.any() else math.nan,
    )


def sets_line(evaluation: Evaluation, calibration: Calibration) -> str:
    """Return a sentence on the sets: their sizes, and how many hold the truth."""
    found = set_figures(evaluation, calibration)
    line = (
        f"Conformal sets at alpha {calibration.alpha:g}, calibrated on {calibration.images:,} images of "
        f"{printable(calibration.source)}: {found.singles:,} of {found.images:,} images have a set of one class, "
        f"{found.several:,} of several, {found.empty:,} of none."
    )
    if found.labelled:
        line += f" {percent(found.coverage, 2)} of {found.labelled:,} sets hold the label."
    return line
