"""batch-eval predict: read single images."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from batch_eval.cli import options
from batch_eval.errors import ExitCode

if TYPE_CHECKING:
    from batch_eval.prediction import Prediction


def predict(
    images: Annotated[list[str], typer.Argument(help="Image files; - reads one from stdin.", show_default=False)],
    model: options.Model = None,
    network: options.Network = None,
    preprocess: options.Preprocess = "photo",
    skip: options.Skip = None,
    adjust: options.Adjust = None,
    classes: options.Classes = None,
    input_range: options.InputRange = "auto",
    trust_model: options.TrustModel = False,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="How many classes to show of each image.")] = 3,
    format: Annotated[str, typer.Option("--format", "-f", help="text, json or csv.")] = "text",  # noqa: A002 - the option's name
    show: Annotated[
        bool, typer.Option("--show", help="Also show what the model saw: drawn in text, as pixels in JSON.")
    ] = False,
) -> None:
    """Read images: the most probable classes of each, with the model's confidence.

    Images without ink are `blank`; those that cannot be read are named with the reason, and the exit code is then 2.

    **Examples**

    `batch-eval predict photos/IMG_2041.jpg --show`

    `batch-eval predict photos/*.jpg --model mnist.keras --top 5 --format csv > predictions.csv`
    """
    from batch_eval.api import open_with_recipe
    from batch_eval.cli.console import say
    from batch_eval.dataset.names import listing
    from batch_eval.imaging import parse_adjustments
    from batch_eval.prediction import STDIN, Reader
    from batch_eval.prediction.formats import writer

    write = writer(format)
    classifier, recipe = open_with_recipe(
        model,
        preprocess,
        skip or (),
        parse_adjustments(adjust or ()),
        network=network,
        class_names=options.class_names(classes),
        input_range=input_range,
        trust=trust_model,
    )
    for note in classifier.notes:
        say(f"Note: {note}")
    reader = Reader(classifier, recipe)
    unreadable: list[str] = []
    stdin = sys.stdin.buffer.read() if STDIN in images else b""
    for part in write(_noting(unreadable, reader.predictions(images, top, stdin)), reader, show):
        sys.stdout.buffer.write(part.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    if unreadable:
        say(f"{len(unreadable):,} of {len(images):,} images cannot be read: {listing(unreadable)}.")
        raise typer.Exit(ExitCode.USER_ERROR)


def _noting(unreadable: list[str], predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    """Pass predictions on, and note the names of those that have none."""
    for prediction in predictions:
        if prediction.reading is None:
            unreadable.append(prediction.name)
        yield prediction
