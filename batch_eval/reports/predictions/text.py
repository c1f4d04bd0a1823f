"""Text of predictions: one line per image and, if wanted, the model's input drawn with characters."""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.engines.reader import Prediction, Predictions
from batch_eval.imaging.filters import shrink
from batch_eval.imaging.steps import SIDE, Image, grey
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.wording import percent, printable, utf8

TITLE = "text predictions"
SHADES = " .:-=+*#%@"
"""Characters from no ink to full ink. They are ASCII, which every terminal can show."""


def document(predictions: Predictions, context: ReportContext = NO_CONTEXT) -> Iterator[bytes]:
    """Yield each image's line as soon as it is read. With ``context.pixels`` the model's input follows."""
    for prediction in predictions.images:
        yield utf8(f"{printable(prediction.name)}: {_result(prediction)}\n")
        if context.pixels and prediction.seen is not None:
            yield "".join(f"{row}\n" for row in drawn(prediction.seen)).encode("ascii")


def files(predictions: Predictions, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield ``predictions.txt``."""
    yield "predictions.txt", document(predictions, context)


def _result(prediction: Prediction) -> str:
    """Return one image's result in words."""
    if not prediction.guesses:
        return f"{prediction.outcome}, {printable(prediction.reason)}"
    guesses = "   ".join(f"{printable(guess.name)} {percent(guess.confidence)}" for guess in prediction.guesses)
    remarks = [*prediction.flags, *([prediction.reason] if prediction.reason else [])]
    return f"{guesses}   ({printable(', '.join(remarks))})" if remarks else guesses


def drawn(image: Image) -> list[str]:
    """Return an image as rows of characters, at most 28 pixels on its longest side.

    ``image`` is (H, W) or (H, W, 3) BGR uint8. A space stands for 0, `@` for 255.
    """
    # Two characters to a pixel, as they are about twice as high as wide.
    # As int: ten shades times 255 is more than uint8 holds.
    levels = shrink(grey(image), SIDE).astype(int) * len(SHADES) // 256
    return ["".join(2 * SHADES[level] for level in row).rstrip() for row in levels.tolist()]
