"""Plots for papers: confusion matrices, reliability, coverage and first digits as PNG, SVG and PDF, by matplotlib."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Any

from batch_eval.errors import ConfigError
from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.breakdown import calibration, calibration_error
from batch_eval.evaluation.confusions import predicted_columns
from batch_eval.installation import install_command
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.html.charts import coverage_curve
from batch_eval.wording import one_line, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "plot"
WIDTH = 3.5
"""Width and height in inches. It is the column width of a two-column paper."""
DPI = 300
# Any, as matplotlib types its settings by name. SVG text stays text, so papers can change its font. The hash salt makes
# ids the same in every run. Class names may hold $, which would start a formula.
# PDF fonts of type 42 can be searched, which publishers require; type 3 cannot.
_STYLE: Any = {
    "font.size": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "batch_eval",
    "pdf.fonttype": 42,
    "text.parse_math": False,
}
_UNDATED: Any = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Metadata that keeps the date out, so that the same evaluation gives the same file."""
NAME_CHARACTERS, UNREDUCED = 32, 16
"""Length of a class name, and how many characters have letters of full size.

Longer ones left no room for the matrix: matplotlib warned and drew over its edge.
"""
TITLE_CHARACTERS = 40
"""Length of the line above a digit."""
GRID = 3
"""Rows and columns of the grid of first digits."""
_BLUE = "#0a58a8"


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - plots no gates
    """Return all plots side by side as one SVG."""
    plots = _plots(evaluation)
    with _matplotlib():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH * max(1, len(plots)), WIDTH), layout="constrained")
        for place, draw in enumerate(plots.values(), start=1):
            draw(evaluation, figure.add_subplot(1, len(plots), place))
        return _saved(figure, "svg")


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:  # noqa: ARG001
    """Yield each plot as PNG, SVG and PDF. Without predictions there is no reliability and no coverage plot."""
    for name, draw in _plots(evaluation).items():
        with _matplotlib():
            from matplotlib.figure import Figure

            figure = Figure(figsize=(WIDTH, WIDTH), layout="constrained")
            draw(evaluation, figure.add_subplot())
            # Saved before the first is yielded: the caller must not run under these settings of matplotlib.
            images = [(kind, _saved(figure, kind)) for kind in ("png", "svg", "pdf")]
        for kind, data in images:
            yield f"{name}.{kind}", data


@contextmanager
def _matplotlib() -> Iterator[None]:
    """Set the plots' style. Raises ConfigError where matplotlib is not installed."""
    try:
        from matplotlib import rc_context
    except ImportError as error:
        raise ConfigError(
            f"the format plots needs matplotlib ({error}). Install it with: {install_command('plots')}"
        ) from error
    with rc_context(_STYLE), warnings.catch_warnings():
        # A font may lack the script of a class name. The PNG then shows boxes; the SVG keeps the text.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def _saved(figure: Figure, kind: str) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, dpi=DPI, metadata=_UNDATED.get(kind))
    return buffer.getvalue()


def _plots(evaluation: Evaluation) -> dict[str, Callable[[Evaluation, Axes], None]]:
    if not evaluation.scored:
        return {}
    found: dict[str, Callable[[Evaluation, Axes], None]] = {
        "confusion_matrix": _confusion,
        "confusion_matrix_normalised": _normalised,
    }
    if any(b.tally.n for b in calibration(evaluation)):
        found |= {"reliability": _reliability, "coverage": _coverage}
    if _first_seen(evaluation):
        found["first_digits"] = _first_digits
    return found


def _confusion(evaluation: Evaluation, axes: Axes, *, normalised: bool = False) -> None:
    """Draw the confusion matrix, each cell shaded by its share of the row.

    A cell holds its count, or the share where ``normalised``.
    """
    # The blank column is left out where it is all 0. clip(1) keeps classes without images from dividing by 0.
    counts = evaluation.confusion
    used = len(predicted_columns(evaluation)) - (not counts[:, -1].any())
    counts = counts[:, :used]
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    # Points: 80 over the number of classes keeps counts from touching.
    size = min(8.0, 80 / len(counts))
    for (t, p), count in zip(((t, p) for t in range(len(counts)) for p in range(used)), counts.flat, strict=True):
        if count:
            cell = f"{shares[t, p]:.2f}" if normalised else f"{count}"
            axes.text(p, t, cell, ha="center", va="center", size=size, color="k" if shares[t, p] < 0.5 else "w")
    labels = [one_line(name, NAME_CHARACTERS) for name in predicted_columns(evaluation)]
    # Long names get smaller letters, so that they take no more room than UNREDUCED of the usual ones.
    fitted = size * min(1.0, UNREDUCED / max(map(len, labels)))
    axes.set_xticks(range(used), labels[:used], size=fitted)
    axes.set_yticks(range(len(counts)), labels[: len(counts)], size=fitted)
    axes.set(xlabel="read as", ylabel="label")


def _normalised(evaluation: Evaluation, axes: Axes) -> None:
    """Draw the confusion matrix as shares of each label's images."""
    _confusion(evaluation, axes, normalised=True)


def _first_seen(evaluation: Evaluation) -> list[int]:
    """Return the first rows with a prediction and the model's input, nine at most."""
    r = evaluation.records
    known = (row for row, shown in sorted(r.pictures.items()) if shown.seen and r.has_prediction[row])
    return list(islice(known, GRID * GRID))


def _first_digits(evaluation: Evaluation, axes: Axes) -> None:
    """Draw what the model saw of the first images, in a grid of 3 × 3.

    Each has its label and the prediction above it.
    """
    import cv2
    import numpy as np

    axes.set_axis_off()
    for place, row in enumerate(_first_seen(evaluation)):
        left, top = place % GRID, place // GRID
        # In shares of the axes: a third for each cell, less a margin. The wider margin, above, is for the title.
        cell = axes.inset_axes((left / GRID + 0.02, 1 - (top + 1) / GRID + 0.01, 1 / GRID - 0.04, 1 / GRID - 0.07))
        cell.set_axis_off()
        seen = evaluation.records.pictures[row].seen or b""
        image = cv2.imdecode(np.frombuffer(seen, np.uint8), cv2.IMREAD_COLOR)
        if image is not None:
            # OpenCV decodes to BGR, matplotlib draws RGB.
            cell.imshow(image[..., ::-1])
        record = evaluation.record(row)
        text = f"{record.truth or '?'}, read as {record.read_as} ({record.confidence:.2f})"
        cell.set_title(
            one_line(text, TITLE_CHARACTERS),
            size=6,
            pad=2,
            color="k" if record.truth == record.predicted else "#b00020",
        )


def _reliability(evaluation: Evaluation, axes: Axes) -> None:
    """Draw the accuracy at each confidence with its 95 % interval. The dashed line is perfect calibration."""
    bins = [b for b in calibration(evaluation) if b.tally.n]
    middles = [(b.low + b.high) / 2 for b in bins]
    shares = [b.tally.share for b in bins]
    # errorbar takes lengths below and above the point, not bounds.
    whiskers = [
        [share - b.tally.interval[0] for share, b in zip(shares, bins, strict=True)],
        [b.tally.interval[1] - share for share, b in zip(shares, bins, strict=True)],
    ]
    axes.bar(middles, shares, width=0.9 * (bins[0].high - bins[0].low), color=_BLUE, alpha=0.6)
    axes.errorbar(middles, shares, yerr=whiskers, fmt="none", ecolor="black", elinewidth=0.8)
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=0.8)
    n = sum(b.tally.n for b in bins)
    axes.set_title(f"expected calibration error {percent(calibration_error(evaluation))}, n = {n:,}", size=8)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))


def _coverage(evaluation: Evaluation, axes: Axes) -> None:
    """Draw the accuracy of the images kept as less confident ones are rejected.

    The band is its 95 % interval.
    """
    points = coverage_curve(evaluation)
    kept = [p.coverage for p in points]
    low, high = zip(*(p.tally.interval for p in points), strict=True)
    axes.fill_between(kept, low, high, color=_BLUE, alpha=0.2, linewidth=0)
    axes.plot(kept, [p.tally.share for p in points], color=_BLUE)
    axes.set(xlabel="images kept", ylabel="accuracy of kept images", xlim=(0, 1))
