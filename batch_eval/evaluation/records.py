"""Records and Evaluation: the result that every report is computed from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.engines.rows import Copies, Guess, Picture, Rows, Trial, top_guesses
from batch_eval.evaluation import metrics
from batch_eval.evaluation.calibration import Calibration
from batch_eval.evaluation.explanations import Explained, reasons
from batch_eval.found_convention import FoundConvention
from batch_eval.outcome import OUTCOMES, Outcome
from batch_eval.texts import BLOCK, Coded, Texts
from batch_eval.wording import percent, printable

if TYPE_CHECKING:
    import pandas as pd

    from batch_eval.dataset import Dataset
    from batch_eval.dataset.sample import Samples
    from batch_eval.evaluation.every_row import EveryRow
    from batch_eval.evaluation.sums import Sums


GUESSES = 3
"""Most probable classes listed in a record."""
BLANK = "(blank)"
"""Name of the confusion matrix's last column. No class of a model has this name."""


@dataclass(frozen=True, slots=True)
class Record:
    """One image: its label and the model's reading. ``predicted`` is None without a prediction."""

    id: str
    truth: str | None
    predicted: str | None
    confidence: float
    outcome: Outcome
    reason: str
    guesses: tuple[Guess, ...]

    @property
    def read_as(self) -> str:
        """Predicted class, or ``(blank)``."""
        return BLANK if self.predicted is None else self.predicted

    @property
    def sentence(self) -> str:
        """Label and reading in words: ``label 7, read as 1 (93.0 %)``."""
        if self.predicted is None:
            return f"label {self.truth}, found blank"
        return f"label {self.truth}, read as {self.predicted} ({percent(self.confidence)})"


@dataclass(frozen=True)
class Records:
    """One row for every image file found, as columns of equal length N.

    Columns of texts may be given as any sequences.

    - ``truth``: class names, or None without a label.
    - ``outcome``: (N,) uint8, indices into ``OUTCOMES``.
    - ``probabilities``: (N, C) float32 in 0..1. Rows without a prediction are all zero.
    - ``reasons``: row to the reason of its outcome.
    - ``slices``: slice name to N values.
    - ``flags``: quality flag to (N,) bool.
    - ``pictures``: row to the pictures that reports show, up to a limit.
    - ``scores``: (N,) float32 in 0..1, how much each image looks like one digit; NaN if unknown. None without any.
    - ``sizes``: (N, 2) width and height in pixels; 0 for an unreadable file. None in evaluations of older versions.
    - ``copies``: rows that hold the same picture.
    - ``groups``: rows of similar errors, largest group first. Empty unless errors were grouped.
    """

    ids: Texts
    truth: Coded[str | None]
    outcome: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    reasons: Mapping[int, str] = field(default_factory=dict)
    slices: Mapping[str, Coded[str]] = field(default_factory=dict)
    flags: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    pictures: Mapping[int, Picture] = field(default_factory=dict)
    groups: tuple[tuple[int, ...], ...] = ()
    scores: NDArray[np.float32] | None = None
    sizes: NDArray[np.uint32] | None = None
    copies: tuple[Copies, ...] = ()

    def __post_init__(self) -> None:
        """Turn sequences of texts into columns."""
        slices = {name: Coded.of(values) for name, values in self.slices.items()}
        for name, column in (("ids", Texts.of(self.ids)), ("truth", Coded.of(self.truth)), ("slices", slices)):
            object.__setattr__(self, name, column)

    @classmethod
    def of(cls, dataset: Dataset, rows: Rows) -> Records:
        """Join an engine's results with the dataset's samples."""
        from batch_eval.engines.twins import copies  # late: it imports OpenCV, which reports need not

        found = cls.of_samples(dataset.samples, dataset.slice_names, rows)
        return replace(found, copies=copies(rows.thumbnails, rows.prints))

    @classmethod
    def of_samples(cls, samples: Samples, slice_names: Sequence[str], rows: Rows) -> Records:
        """Join results with samples. Copies of a picture are not looked for."""
        return cls(
            ids=samples.ids,
            truth=samples.truth,
            outcome=rows.outcome,
            probabilities=rows.probabilities,
            reasons=dict(sorted(rows.reasons.items())),  # a batch lists its unreadable files first
            slices=dict(zip(slice_names, samples.slices, strict=True)),
            flags={name: _marked(rows, flagged) for name, flagged in sorted(rows.flags.items())},
            pictures=rows.pictures,
            scores=None if np.isnan(rows.scores).all() else rows.scores,
            sizes=rows.sizes,
        )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def has_prediction(self) -> NDArray[np.bool_]:
        """(N,) bool: the model has read this image."""
        return np.asarray(self.probabilities.any(axis=1))

    @cached_property
    def _top_two(self) -> NDArray[np.int32]:
        """(N, 2) class indices, most probable first. Ties go to the lower class, as in argmax."""
        # Two argmaxes rather than a sort: linear in the number of classes. -1 is below every probability, so the second
        # argmax finds another class. Some rows at a time: they are copied.
        found = np.empty((len(self), 2), np.int32)
        for start in range(0, len(self), BLOCK):
            rest, place = self.probabilities[start : start + BLOCK].copy(), slice(start, start + BLOCK)
            found[place, 0] = rest.argmax(axis=1)
            rest[np.arange(len(rest)), found[place, 0]] = -1
            found[place, 1] = rest.argmax(axis=1)
        return found

    @cached_property
    def predicted(self) -> NDArray[np.int32]:
        """(N,) class index, or -1 without a prediction."""
        return np.where(self.has_prediction, self._top_two[:, 0], np.int32(-1))

    @cached_property
    def runner_up(self) -> NDArray[np.int32]:
        """(N,) class index of the second highest probability, or -1."""
        return np.where(self.has_prediction, self._top_two[:, 1], np.int32(-1))

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """(N,) probability of ``predicted``, 0 without a prediction."""
        return np.asarray(self.probabilities.max(axis=1, initial=0))

    @cached_property
    def margin(self) -> NDArray[np.float32]:
        """(N,) confidence minus the runner-up's probability."""
        second = np.take_along_axis(self.probabilities, self._top_two[:, 1:], axis=1)[:, 0]
        margin: NDArray[np.float32] = self.confidence - second
        return margin

    def rows(self, outcome: Outcome) -> NDArray[np.intp]:
        """Return the indices of the rows with this outcome, in order."""
        return np.flatnonzero(self.outcome == OUTCOMES.index(outcome))


@dataclass(frozen=True)
class Provenance:
    """What produced an evaluation: folder, labels, model, preprocessing, version and time.

    ``notes`` are remarks on the run, ``missing`` the label rows without an image file.
    """

    folder: str
    label_source: str
    labels_sha256: str
    model: str
    model_sha256: str
    preprocess: str
    preprocess_sha256: str
    version: str
    created: str
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    convention: FoundConvention | None = None
    """How images were given to the model, and how that was found. None in evaluations of older versions."""
    path: str = ""
    """The folder's path from the root of its repository, or as it was given. Empty in evaluations of older versions."""

    def file_path(self, id_: str) -> str:
        """Return where code hosts find an image: its path from the root of the repository."""
        place = self.path or self.folder
        return id_ if place == "." else f"{place}/{id_}"


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The finished result: one record for each image, and its provenance. Every figure derives from these.

    A notebook shows it as a table; its ``repr`` is one line.
    """

    class_names: tuple[str, ...]
    records: Records
    provenance: Provenance
    trials: tuple[Trial, ...] = ()
    """What a sample of the images reads like in other ways. Empty where nothing was tried."""
    calibration: Calibration | None = None
    """What makes the probabilities into conformal sets, where that is wanted."""
    explanations: tuple[Explained, ...] = ()
    """Why the most confident errors were misread, where that is wanted."""
    sums: Sums | None = None
    """Of a large set: what the figures follow from. ``records`` are then a sample of what is not correct."""
    every_row: EveryRow | None = None
    """Of a large set: where all its rows are."""

    def __post_init__(self) -> None:
        """Check that the six outcomes add up to the number of files found."""
        if self.sums is None and self.files != len(self.records):
            raise AssertionError(f"the outcomes {self.counts} do not add up to {len(self.records)} files")

    def __repr__(self) -> str:
        """Return one line: the accuracy with its interval, and what was evaluated on what."""
        p = self.provenance
        low, high = self.accuracy_interval
        figure = f"{percent(self.accuracy)} of {self.scored:,}, {percent(low)} to {percent(high)}"
        return printable(f"<Evaluation of {p.model} on {p.folder}: {figure if self.scored else 'nothing scored'}>")

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the accuracy, the classes and the worst confusions."""
        return str(above("reports.notebook", "fragment")(self))

    @property
    def error_reasons(self) -> list[str]:
        """How many of the explained errors go away with each kind of change, a sentence each."""
        return reasons([one.kinds for one in self.explanations], self.counts[Outcome.WRONG])

    @property
    def errors(self) -> tuple[Record, ...]:
        """The misread and blank images, most confident first."""
        return tuple(map(self.record, above("evaluation.confusions", "errors_by_confidence")(self).tolist()))

    def report(self, folder: str | Path, formats: Sequence[str] = ("html",)) -> list[Path]:
        """Write reports into a folder; return the paths of the files on its top level.

        ``formats`` are names as for ``--format``, such as ``html``, ``csv``, ``latex``. An HTML report of at most 5 MB
        is one file. Raises ReportError when the folder cannot be written, ConfigError for an unknown format.
        """
        context = above("reports.context", "ReportContext")(self_contained=None)
        written: list[Path] = above("reports.writing", "write_reports")(self, Path(folder), formats, context=context)
        return written

    def compare(self, other: Evaluation) -> Any:
        """Return the `Comparison` with another evaluation of the same images: what the other fixed and broke.

        Raises ConfigError when they share no image.
        """
        names = [self.provenance.model, other.provenance.model]
        if names[0] == names[1]:
            names = ["first", "second"]
        return above("evaluation.paired", "compare")([self, other], names)

    @cached_property
    def counts(self) -> dict[Outcome, int]:
        """Number of files for each of the six outcomes."""
        if self.sums is not None:
            return dict(zip(OUTCOMES, self.sums.outcomes, strict=True))
        tally = np.bincount(self.records.outcome, minlength=len(OUTCOMES))
        return {outcome: int(tally[i]) for i, outcome in enumerate(OUTCOMES)}

    @property
    def files(self) -> int:
        """Number of files found."""
        return sum(self.counts.values())

    @property
    def error_count(self) -> int:
        """Number of wrong and blank images."""
        return self.counts[Outcome.WRONG] + self.counts[Outcome.BLANK]

    @property
    def slice_values(self) -> Mapping[str, Collection[str]]:
        """The values of each slice. None are known of a slice with too many for the sums."""
        if self.sums is not None:
            return {name: tuple(counts or ()) for name, counts in self.sums.slices.items()}
        return self.records.slices

    def files_by_label(self) -> Counter[str]:
        """Return the number of files with each label."""
        if self.sums is not None:
            return Counter({truth: n for truth, (n,) in self.sums.truths.items()})
        return Counter({truth: n for truth, n in self.records.truth.counts().items() if truth is not None})

    def files_by_value(self, slice_: str) -> Counter[str]:
        """Return the number of files with each value of a slice, without those with neither label nor value."""
        if self.sums is not None:
            counts = self.sums.slices[slice_] or {}
            return Counter({value: files for value, (_, _, files) in counts.items() if files})
        r = self.records
        counted = ~(r.slices[slice_].having([""]) & r.truth.having(["", None]))
        return Counter(r.slices[slice_].at(np.flatnonzero(counted)).counts())

    @cached_property
    def scored(self) -> int:
        """Denominator of the accuracy: correct + wrong + blank."""
        return sum(n for outcome, n in self.counts.items() if outcome.scored)

    def record(self, row: int) -> Record:
        """Return one row, with the ``GUESSES`` most probable classes."""
        r = self.records
        predicted = int(r.predicted[row])
        return Record(
            id=r.ids[row],
            truth=r.truth[row],
            predicted=self.class_names[predicted] if predicted >= 0 else None,
            confidence=float(r.confidence[row]),
            outcome=OUTCOMES[r.outcome[row]],
            reason=r.reasons.get(row, ""),
            guesses=top_guesses(r.probabilities[row], self.class_names, GUESSES) if predicted >= 0 else (),
        )

    @property
    def accuracy(self) -> float:
        """Correct / (correct + wrong + blank); NaN when nothing was scored."""
        return metrics.ratio(self.counts[Outcome.CORRECT], self.scored)

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the accuracy."""
        return metrics.wilson_interval(self.counts[Outcome.CORRECT], self.scored)

    @cached_property
    def scored_rows(self) -> NDArray[np.intp]:
        """(scored,) rows that count in the accuracy, in order."""
        return np.flatnonzero(np.isin(self.records.outcome, [i for i, o in enumerate(OUTCOMES) if o.scored]))

    @cached_property
    def truth_index(self) -> NDArray[np.int32]:
        """(N,) class index of the truth, or -1 where the model has no such class."""
        position: dict[str | None, int] = {name: i for i, name in enumerate(self.class_names)}
        truth = self.records.truth
        return np.asarray(np.array([position.get(value, -1) for value in truth.values], np.int32)[truth.codes])

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """(C, C + 1) counts, truth by predicted; the last column counts blank images."""
        if self.sums is not None:
            return np.array(self.sums.confusion, np.int64).reshape(len(self.class_names), -1)
        blank = self.records.outcome == OUTCOMES.index(Outcome.BLANK)
        columns = len(self.class_names) + 1
        predicted = np.where(blank, columns - 1, self.records.predicted)
        # Each image is numbered by its cell in the flattened matrix, so one bincount fills the matrix.
        cells = self.truth_index[self.scored_rows] * columns + predicted[self.scored_rows]
        flat = np.bincount(cells, minlength=len(self.class_names) * columns)
        return flat.reshape(len(self.class_names), columns).astype(np.int64)

    @cached_property
    def per_class(self) -> tuple[metrics.ClassScores, ...]:
        """Precision, recall, F1 and support of each class, in the order of ``class_names``."""
        return metrics.class_scores(self.confusion)

    @property
    def macro_f1(self) -> float:
        """Unweighted mean F1 of the classes that occur as truth or prediction."""
        return metrics.macro_f1(self.per_class)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row for every image file, with the columns of ``predictions.csv``."""
        import pandas as pd

        columns = self.columns()
        # As objects: pandas' own string type cannot hold file names that are not valid Unicode.
        series = [pd.Series(values, dtype=_dtype(values)) for values in columns.values()]
        frame = pd.DataFrame(dict(enumerate(series)))
        frame.columns = pd.Index(list(columns), dtype=object)
        return frame

    def columns(self, rows: NDArray[np.intp] | None = None) -> dict[str, list[Any]]:
        """Return the per-sample table by column: id, truth, predicted, …, slices, flags.

        ``rows`` are those to take, by default all.
        """
        rows = np.arange(len(self.records)) if rows is None else rows
        r = self.records
        # Without a prediction the index is -1, which picks the None at the end.
        names: tuple[str | None, ...] = (*self.class_names, None)
        outcomes = [outcome.value for outcome in OUTCOMES]
        table: dict[str, list[Any]] = {
            "id": r.ids[rows],
            "truth": r.truth[rows],
            "predicted": [names[i] for i in r.predicted[rows].tolist()],
            "confidence": r.confidence[rows].tolist(),
            "margin": r.margin[rows].tolist(),
            "runner_up": [names[i] for i in r.runner_up[rows].tolist()],
            **(
                {}
                if r.scores is None
                else {"digit_score": [None if isnan(score) else score for score in r.scores[rows].tolist()]}
            ),
            **({} if self.calibration is None else {"set": self._sets(self.calibration, r.probabilities[rows])}),
            "outcome": [outcomes[i] for i in r.outcome[rows].tolist()],
            "reason": [r.reasons.get(i, "") for i in rows.tolist()],
        }
        for name, values in r.slices.items():
            table[free_name(name, "slice_", table)] = values[rows]
        for name, flag in r.flags.items():
            table[free_name(f"flag_{name}", "flag_", table)] = flag[rows].tolist()
        return table

    def _sets(self, calibration: Calibration, probabilities: NDArray[np.float32]) -> list[str]:
        """Return the classes of each image's set, separated by spaces, the most probable first."""
        chosen = calibration.sets(probabilities)
        order = np.argsort(-probabilities, axis=1, kind="stable")
        return [
            " ".join(self.class_names[k] for k in ranked if own[k])
            for ranked, own in zip(order.tolist(), chosen.tolist(), strict=True)
        ]


def _marked(rows: Rows, flagged: Sequence[int]) -> NDArray[np.bool_]:
    """Return (N,) bool: which of the rows are flagged, by their numbers in the run."""
    return np.isin(np.arange(rows.start, rows.start + len(rows.outcome)), flagged)


def above(module: str, name: str) -> Any:
    """Return what a room above this one offers. The methods that call it are short for functions that stand there."""
    # By name, as an import statement would turn the order of the rooms round.
    return getattr(import_module(f"batch_eval.{module}"), name)


def free_name(name: str, prefix: str, taken: Container[str]) -> str:
    """Return the name, with the prefix repeated until it is not taken."""
    # A slice may be named as a column is: `truth` becomes `slice_truth`.
    while name in taken:
        name = prefix + name
    return name


def _dtype(values: list[Any]) -> type:
    """Return the dtype of a column in pandas."""
    return type(values[0]) if values and isinstance(values[0], float | bool) else object
