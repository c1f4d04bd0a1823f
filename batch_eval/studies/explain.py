"""Why an image was misread: where the evidence lies, and which change helps.

The change is the smallest one after which the model reads right. Only forward passes are needed, so every runtime will
do. The map of evidence is an occlusion map. The image is covered patch by patch. The probability of what was read falls
where its evidence was.
Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.api import evaluation_of, open_task, task_notes
from batch_eval.errors import ConfigError
from batch_eval.evaluation.confusions import errors_by_confidence
from batch_eval.evaluation.explanations import KINDS, WITHOUT, Explained
from batch_eval.imaging.steps import Image
from batch_eval.progress import notebook_progress
from batch_eval.studies.nearest import TrainingDigits, mnist_digits, training_digits
from batch_eval.studies.repairs import BACKGROUND, Repair, repairs
from batch_eval.wording import printable

if TYPE_CHECKING:
    from batch_eval.dataset import LabelOptions, Labels, Place
    from batch_eval.engines.local import Task
    from batch_eval.evaluation import Evaluation
    from batch_eval.imaging import PreprocessingOptions
    from batch_eval.models import Classifier, ModelOptions
    from batch_eval.models.in_memory import KerasModel
    from batch_eval.progress import Progress, ProgressOption

AT_MOST = 50
"""Misread images that are explained by default, the most confident first."""
PATCH = 2
"""Side of a covering patch in pixels, at 28 pixels a side. Chosen with benchmarks/explain.py among 2 to 5 pixels: with
it, erasing decisive patches flips readings most often, compared with random ones."""
DECISIVE = 2
"""Patches that are marked."""
_SHOWN_SIDE = 140


@dataclass(frozen=True, repr=False)
class Explanation:
    """Why one image was misread. Its ``repr`` is one line."""

    id: str
    truth: str
    read_as: str
    confidence: float
    seen: Image
    """(h, w) uint8, what the model saw."""
    evidence: NDArray[np.float32]
    """(h, w) in -1..1: mean fall of the probability of ``read_as`` over the patches that cover the pixel."""
    repair: Repair | None
    """The smallest change that makes the model read the truth; None without one."""
    kinds: tuple[str, ...]
    """All kinds of change, of any size, that do so."""
    nearest: tuple[Image, ...] = ()
    """Two (28, 28) uint8: the training digits nearest to it, of the class read and of the truth. Empty if unknown."""

    @property
    def sentence(self) -> str:
        """Return the reason in words."""
        reason = f"to be read right: {self.repair.words}" if self.repair else WITHOUT
        return f"label {self.truth}, read as {self.read_as}; {reason}"

    def __repr__(self) -> str:
        """Return the image and the reason in one line."""
        return printable(f"<Explanation of {self.id}: {self.sentence}>")


def explain(
    folder: Place,
    model: ModelOptions | str | Path | KerasModel | None = None,
    labels: LabelOptions | str | Path | Labels | None = None,
    preprocess: PreprocessingOptions | str = "photo",
    *,
    at_most: int = AT_MOST,
    jobs: int | None = None,
    progress: ProgressOption = None,
    against: str | Path | None = None,
) -> list[Explanation]:
    """Explain the misread images of a set, the most confident first. Blank images have no reading to explain.

    Arguments are those of `evaluate`; ``at_most`` limits the number. ``against`` is a NumPy file of training
    digits, such as mnist.npz, by default those of the default model.
    Raises ConfigError for a model of colour images, which has no ink that could be changed.
    """
    task = open_task(folder, model, labels, preprocess)
    digits = digits_for(task.classifier, Path(against) if against else None)
    with notebook_progress(progress, len(task.dataset.samples)) as advance:
        return explain_task(task, at_most=at_most, jobs=jobs, progress=advance, digits=digits)


def digits_for(classifier: Classifier, against: Path | None) -> TrainingDigits | None:
    """Return the training digits to compare with: the file's, else those that the default model has seen.

    None for another model, whose training set is unknown. Raises ConfigError for a file without training digits.
    """
    from batch_eval.models.options import DEFAULT_MODEL

    if against:
        return training_digits(against)
    return mnist_digits() if classifier.sha256 == sha256(DEFAULT_MODEL.read_bytes()).hexdigest() else None


def explain_task(
    task: Task,
    *,
    at_most: int = AT_MOST,
    jobs: int | None = None,
    progress: Progress | None = None,
    digits: TrainingDigits | None = None,
) -> list[Explanation]:
    """Explain the misread images of an opened task, as `explain` does."""
    from batch_eval.engines import local

    check_explainable(task.classifier)
    evaluation = evaluation_of(task, local.run(task, jobs=jobs, progress=progress), task_notes(task), None)
    rows = [row for row in errors_by_confidence(evaluation).tolist() if evaluation.records.has_prediction[row]]
    found = []
    for row in rows[:at_most]:
        record = evaluation.record(row)
        prepared = task.read(task.dataset.samples[row]).prepared
        seen = np.asarray(prepared.image, np.uint8)
        found.append(explain_image(task.classifier, seen, record.id, str(record.truth), digits))
    return found


def check_explainable(classifier: Classifier) -> None:
    """Raise ConfigError for a model whose readings cannot be explained."""
    if classifier.channels != 1:
        raise ConfigError(
            f"{classifier.name} takes colour images. Only readings of grey images can be explained, as their ink is "
            "known."
        )


def check_same_model(classifier: Classifier, evaluation: Evaluation) -> None:
    """Raise ConfigError for another model than an evaluation's, and for another convention or other classes."""
    p = evaluation.provenance
    if classifier.sha256 != p.model_sha256:
        raise ConfigError(
            f"the evaluation was made with {p.model}, but the model given is {classifier.name} or another version. "
            "Explanations need the same file: give it with --model."
        )
    same = p.convention is None or p.convention.values == classifier.found.values
    if not same or classifier.class_names != evaluation.class_names:
        raise ConfigError(
            f"{classifier.name} was opened another way than for the evaluation. Give the options of that run that say "
            "how it was trained: --input-range, --ink, --transposed, --classes and --only."
        )


def explained(
    evaluation: Evaluation,
    classifier: Classifier,
    at_most: int = AT_MOST,
    *,
    digits: TrainingDigits | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Return an evaluation with the explanations of its most confident errors.

    It needs no images: an evaluation keeps what the model saw of its first 10,000 errors. Each picture ends with the
    nearest of the training ``digits``, if given.
    """
    found: list[Explained] = []
    for row in errors_by_confidence(evaluation).tolist():
        picture = evaluation.records.pictures.get(row)
        if len(found) < at_most and evaluation.records.has_prediction[row] and picture and picture.seen:
            found.append(_explained(classifier, evaluation, row, picture.seen, digits))
            if progress:
                progress(1)
    return replace(evaluation, explanations=tuple(found))


def _explained(
    classifier: Classifier, evaluation: Evaluation, row: int, data: bytes, digits: TrainingDigits | None
) -> Explained:
    from batch_eval.imaging.files import encode

    record = evaluation.record(row)
    seen = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)
    found = explain_image(classifier, seen, record.id, str(record.truth), digits)
    return Explained(row, found.repair.words if found.repair else "", found.kinds, encode(drawn(found)))


def explain_image(
    classifier: Classifier, seen: Image, id_: str, truth: str, digits: TrainingDigits | None = None
) -> Explanation:
    """Explain how a model reads (h, w) uint8 with bright ink on dark. ``truth`` is one of its classes."""
    # One batch holds all the model must read: the image itself, then the covered images, then the repaired ones.
    tried, covers = repairs(seen), patches(seen)
    covered = [_covered(seen, cover) for cover in covers]
    outputs = classifier.predict(np.stack([seen, *covered, *(repair.image for repair in tried)]))
    first, of_covers, of_repairs = outputs[0], outputs[1 : 1 + len(covers)], outputs[1 + len(covers) :]
    read, target = int(first.argmax()), classifier.class_names.index(truth)
    right = [i for i, k in enumerate(of_repairs.argmax(axis=1).tolist()) if k == target]
    # of the smallest changes, the one after which the model is most certain
    read_as = classifier.class_names[read]
    nearest = [digits.nearest(seen, name) for name in (read_as, truth)] if digits else []
    best = min(right, key=lambda i: (tried[i].level, -float(of_repairs[i, target])), default=None)
    return Explanation(
        id=id_,
        truth=truth,
        read_as=read_as,
        confidence=float(first[read]),
        seen=seen,
        evidence=_evidence(seen, covers, first[read] - of_covers[:, read]),
        repair=None if best is None else tried[best],
        kinds=tuple(kind for kind in KINDS if any(tried[i].kind == kind for i in right)),
        nearest=tuple(digit for digit in nearest if digit is not None),
    )


Cover = tuple[slice, slice]
"""Rows and columns of a patch."""


def patches(seen: Image) -> list[Cover]:
    """Return the patches that hold ink, each half overlapping the next."""
    side = max(1, round(PATCH * max(seen.shape) / 28))
    step = max(1, side // 2)
    every = (
        (slice(y, y + side), slice(x, x + side))
        for y in range(0, seen.shape[0] - side + 1, step)
        for x in range(0, seen.shape[1] - side + 1, step)
    )
    return [cover for cover in every if (seen[cover] >= BACKGROUND).any()]


def _covered(seen: Image, cover: Cover) -> Image:
    """Return the image without the ink in a patch."""
    changed = seen.copy()
    changed[cover] = 0
    return changed


def _evidence(seen: Image, covers: Sequence[Cover], falls: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean fall of the patches over each pixel; 0 without a patch."""
    total, count = np.zeros(seen.shape, np.float32), np.zeros(seen.shape, np.float32)
    for cover, fall in zip(covers, falls.tolist(), strict=True):
        total[cover] += fall
        count[cover] += 1
    return np.asarray(total / np.maximum(count, 1), np.float32)


def decisive(explanation: Explanation) -> list[Cover]:
    """Return the patches with most evidence, which do not overlap."""
    found: list[Cover] = []
    left = explanation.evidence.copy()
    covers = patches(explanation.seen)
    while covers and len(found) < DECISIVE:
        best = max(covers, key=lambda cover: float(left[cover].mean()))
        found.append(best)
        covers = [cover for cover in covers if not _overlap(cover, best)]
    return found


def _overlap(one: Cover, other: Cover) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))


def drawn(explanation: Explanation) -> Image:
    """Return the pictures side by side, in BGR.

    They are what the model saw, its evidence in red, the changed image, and the nearest training digits.
    """
    side = _SHOWN_SIDE
    seen = cv2.cvtColor(explanation.seen, cv2.COLOR_GRAY2BGR)
    # only evidence for the reading is shown; 1e-6 avoids a division by zero where there is none
    strength = np.clip(explanation.evidence / max(float(explanation.evidence.max()), 1e-6), 0, 1)[..., None]
    shaded = seen * (1 - 0.7 * strength) + np.array([40, 40, 255]) * 0.7 * strength
    changed = explanation.repair.image if explanation.repair else np.zeros_like(explanation.seen)
    panels = [seen, shaded.astype(np.uint8), cv2.cvtColor(changed, cv2.COLOR_GRAY2BGR)]
    panels += [cv2.cvtColor(digit, cv2.COLOR_GRAY2BGR) for digit in explanation.nearest]
    shown = [cv2.resize(panel, (side, side), interpolation=cv2.INTER_NEAREST) for panel in panels]
    # lines are drawn after enlarging, so that they are thinner than a pixel of the model's
    scale = side / max(explanation.seen.shape)
    for rows, columns in decisive(explanation):
        corners = [(round(columns.start * scale), round(rows.start * scale))]
        corners.append((round(columns.stop * scale) - 1, round(rows.stop * scale) - 1))
        cv2.rectangle(shown[1], corners[0], corners[1], (255, 255, 255), 1)
    if explanation.repair and explanation.repair.place:
        x, y = (round((value + 0.5) * scale) for value in explanation.repair.place)
        cv2.circle(shown[2], (x, y), round(4 * scale), (0, 200, 255), 1)
    gap = np.full((side, 4, 3), 255, np.uint8)
    return np.asarray(np.hstack([panel for one in shown for panel in (one, gap)][:-1]), np.uint8)


def picture_files(explanations: Iterable[Explanation]) -> Iterable[tuple[str, str, bytes]]:
    """Yield each picture as the publisher takes it: ``1.png`` for the first explanation."""
    from batch_eval.imaging.files import encode

    for number, explanation in enumerate(explanations, start=1):
        yield "picture", f"{number}.png", encode(drawn(explanation))
