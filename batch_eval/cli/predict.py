"""batch-eval predict: read single images."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from batch_eval.cli import options
from batch_eval.cli.grouping import grouped
from batch_eval.errors import ExitCode
from batch_eval.reports.registry import Kind, format_names

if TYPE_CHECKING:
    from batch_eval.engines.reader import Prediction


@grouped
def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            help="Image files, or folders, archives and other files that hold sets; - reads an image from stdin.",
            show_default=False,
        ),
    ],
    model: options.Model = None,
    *,
    opening: options.ModelFlags,
    preparing: options.PreprocessingFlags,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="How many classes to show of each image.")] = 3,
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option("--format", "-f", help=f"{', '.join(format_names(Kind.PREDICTION))}.")
    ] = "text",
    show: Annotated[
        bool, typer.Option("--show", help="Also show what the model saw: drawn in text, as pixels in JSON.")
    ] = False,
) -> None:
    """Read images: the most probable classes of each, with the model's confidence.

    Images without ink are `blank`. The exit code is 2 if a file cannot be read.

    **Examples**

    `batch-eval predict photos/IMG_2041.jpg --show`

    `batch-eval predict photos --format csv > predictions.csv`

    `batch-eval predict photos/*.jpg --model mnist.keras --top 5 --format csv > predictions.csv`
    """
    from batch_eval.api import open_reader
    from batch_eval.cli.console import say
    from batch_eval.engines.reader import STDIN, Predictions, named_images
    from batch_eval.publishing import pieces
    from batch_eval.reports.context import ReportContext
    from batch_eval.reports.registry import reporter
    from batch_eval.streams import to_stdout
    from batch_eval.wording import listing

    chosen = reporter(format, Kind.PREDICTION)
    reader = open_reader(opening.options(model), preparing.options())
    for note in reader.classifier.notes:
        say(f"Note: {note}")
    done = _Done()
    # Read stdin once: `predict - -` names it twice.
    stdin = sys.stdin.buffer.read() if STDIN in images else b""
    predictions = Predictions(reader, done.noting(reader.predictions(named_images(images, stdin), top)))
    for part in pieces(chosen.document(predictions, ReportContext(pixels=show))):
        # as text, an image is read when its line is made: `| head` ends the reading, too
        if not to_stdout(part.decode().encode(sys.stdout.encoding or "utf-8", "backslashreplace")):
            break
    if done.unreadable:
        say(f"{len(done.unreadable):,} of {done.count:,} images cannot be read: {listing(done.unreadable)}.")
        raise typer.Exit(ExitCode.USER_ERROR)


@dataclass(slots=True)
class _Done:
    """How many images were read, and the names of those that could not be."""

    count: int = 0
    unreadable: list[str] = field(default_factory=list)

    def noting(self, predictions: Iterable[Prediction]) -> Iterator[Prediction]:
        """Pass predictions on, and count them."""
        for prediction in predictions:
            self.count += 1
            if prediction.reading is None:
                self.unreadable.append(prediction.name)
            yield prediction
