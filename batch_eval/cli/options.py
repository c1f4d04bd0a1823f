"""Options that several commands share, each in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(help="The folder of images.", show_default=False)]
Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        help="A saved model: .keras, .h5, .hdf5, .onnx, .tflite or a SavedModel folder. "
        "Default: the model that ships with batch_eval.",
        show_default=False,
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="A label file (CSV, TSV or JSON lines). Default: labels.csv, labels.tsv, metadata.csv or metadata.jsonl "
        "in the folder, else class folders, else file names.",
        show_default=False,
    ),
]
PathColumn = Annotated[
    str | None, typer.Option(help="The label file's column with the file names.", show_default=False)
]
LabelColumn = Annotated[str | None, typer.Option(help="The label file's column with the labels.", show_default=False)]
LabelPattern = Annotated[
    str | None,
    typer.Option(
        help="Read labels from file names with this regular expression; its group `label` is the label.",
        show_default=False,
    ),
]
Preprocess = Annotated[
    str,
    typer.Option(
        "--preprocess",
        "-p",
        help="How images are made to look like MNIST: photo (robust), mnist (the plain recipe), simple (resize and "
        "invert) or none (only resize).",
    ),
]
Skip = Annotated[
    list[str] | None, typer.Option(help="Switch off this step of the preprocessing; repeatable.", show_default=False)
]
Classes = Annotated[
    str | None,
    typer.Option(
        help="The model's class names in the order of its outputs, separated by commas. Default: 0,1,…,9.",
        show_default=False,
    ),
]
InputRange = Annotated[
    str, typer.Option(help="The values the model expects: 0..1, 0..255, -1..1, or auto (its first layers tell).")
]
TrustModel = Annotated[
    bool,
    typer.Option(
        "--trust-model", help="Open models that are programs: SavedModel folders and Lambda layers can run any code."
    ),
]
Verify = Annotated[
    bool,
    typer.Option("--verify", help="Also run the model with TensorFlow, which is slow, and fail where the two differ."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The folder for the reports. Default: reports/FOLDER.", show_default=False),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Threads. Default: one a core.", show_default=False)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Write the reports and print nothing.")]


def class_names(classes: str | None) -> tuple[str, ...] | None:
    """Return the names given with ``--classes``."""
    return tuple(name.strip() for name in classes.split(",")) if classes else None
