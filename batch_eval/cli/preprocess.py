"""batch-eval preprocess: what a model sees of an image, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batch_eval.cli import options
from batch_eval.cli.grouping import grouped
from batch_eval.errors import ExitCode


@grouped
def preprocess(
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The folder for the pictures: NAME.png and NAME-steps.png.")
    ] = Path("preprocessed"),
    *,
    preparing: options.PreprocessingFlags,
) -> None:
    """Write what the model sees of each image, and a strip of all steps.

    **Example**

    `batch-eval preprocess photos/IMG_2041.jpg --out steps`
    """
    from batch_eval.cli.console import say, tell
    from batch_eval.imaging import preprocessor
    from batch_eval.imaging.step_pictures import StepPictures
    from batch_eval.publishing import publish

    pictures = StepPictures(images, preprocessor(preparing.options()), out)
    for path in publish(out, pictures.files(), say=None):
        tell(str(path))
    for path, reason in pictures.unreadable:
        say(f"{path}: {reason}")
    if pictures.unreadable:
        raise typer.Exit(ExitCode.USER_ERROR)
