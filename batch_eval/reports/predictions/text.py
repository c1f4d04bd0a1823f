"""Text of predictions: a line for each image, and what the model saw drawn with characters."""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.engines.reader import Prediction, Predictions
from batch_eval.imaging.filters import shrink
from batch_eval.imaging.steps import SIDE, Image, grey
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.wording import percent, printable, utf8

TITLE = "text predictions"
SHADES = " .:-=+*#%@"
"""Characters from no ink to full ink; ASCII, so that every terminal and every file can hold them."""


def document(predictions: Predictions, context: ReportContext = NO_CONTEXT) -> Iterator[bytes]:
    """Yield a line for each image as soon as it is read, and below it what the model saw where pixels are wanted."""
    for prediction in predictions.images:
        yield utf8(f"{printable(prediction.name)}: {_result(prediction)}\n")
        if context.pixels and prediction.seen is not None:
            yield "".join(f"{row}\n" for row in drawn(prediction.seen)).encode("ascii")


def files(predictions: Predictions, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield ``predictions.txt``."""
    yield "predictions.txt", document(predictions, context)


def _result(prediction: Prediction) -> str:
    """Return one image's result for people."""
    if prediction.reason:
        return f"{prediction.outcome}, {prediction.reason}"
    guesses = "   ".join(f"{printable(guess.name)} {percent(guess.confidence)}" for guess in prediction.guesses)
    return f"{guesses}   ({', '.join(prediction.flags)})" if prediction.flags else guesses


def drawn(image: Image) -> list[str]:
    """Return an image as rows of characters, two to a pixel, at most 28 pixels on its longest side.

    ``image`` is (H, W) or (H, W, 3) BGR uint8; a space stands for 0, `@` for 255.
    """
    levels = shrink(grey(image), SIDE).astype(int) * len(SHADES) // 256
    return ["".join(2 * SHADES[level] for level in row).rstrip() for row in levels.tolist()]
