"""The formats of predictions: text, JSON and CSV, and what the model saw drawn with characters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from batch_eval.dataset.names import printable
from batch_eval.errors import ConfigError
from batch_eval.imaging.filters import shrink
from batch_eval.imaging.steps import SIDE, Image, grey
from batch_eval.prediction.reading import Prediction, Reader
from batch_eval.reports.csv_tables import table
from batch_eval.reports.wording import percent

# History of `format`:
#   1  the first
#   2  `adjust`, the numbers of steps that were set
FORMAT = 2
SCHEMA = Path(__file__).with_name("files") / "predictions.schema.json"
SHADES = " .:-=+*#%@"
"""Characters from no ink to full ink; ASCII, so that every terminal and every file can hold them."""


def text_parts(predictions: Iterable[Prediction], reader: Reader, shown: bool) -> Iterator[str]:  # noqa: ARG001 - same in all formats
    """Yield a line for each image as soon as it is read; with ``shown``, what the model saw follows below it."""
    for prediction in predictions:
        yield f"{printable(prediction.name)}: {_said(prediction)}\n"
        if shown and prediction.seen is not None:
            yield "".join(f"{row}\n" for row in drawn(prediction.seen))


def _said(prediction: Prediction) -> str:
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


def json_parts(predictions: Iterable[Prediction], reader: Reader, shown: bool) -> Iterator[str]:
    """Yield one JSON document; with ``shown``, it holds the pixels that the model saw."""
    content = {
        "format": FORMAT,
        "model": reader.classifier.name,
        "model_sha256": reader.classifier.sha256,
        "preprocess": reader.recipe.name,
        "skip": list(reader.recipe.skip),
        "adjust": dict(reader.recipe.adjust),
        "images": [_entry(prediction, shown) for prediction in predictions],
    }
    yield json.dumps(content, indent=2, allow_nan=False) + "\n"


def _entry(prediction: Prediction, shown: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "image": printable(prediction.name),
        "outcome": prediction.outcome,
        "reason": prediction.reason,
        "guesses": [{"class": name, "confidence": round(share, 6)} for name, share in prediction.guesses],
        "flags": list(prediction.flags),
    }
    if shown:
        entry["seen"] = None if prediction.seen is None else prediction.seen.tolist()
    return entry


def csv_parts(predictions: Iterable[Prediction], reader: Reader, shown: bool) -> Iterator[str]:  # noqa: ARG001 - same in all formats
    """Yield one table with a row for each image, and a pair of columns for each rank."""
    rows = list(predictions)
    columns: dict[str, list[Any]] = {
        "image": [printable(row.name) for row in rows],
        "outcome": [row.outcome for row in rows],
    }
    for rank in range(max((len(row.guesses) for row in rows), default=0)):
        number = f"_{rank + 1}" if rank else ""
        guesses = [row.guesses[rank] if rank < len(row.guesses) else None for row in rows]
        columns[f"predicted{number}"] = [guess and guess.name for guess in guesses]
        columns[f"confidence{number}"] = [guess and round(guess.confidence, 6) for guess in guesses]
    columns["reason"] = [row.reason for row in rows]
    columns["flags"] = [" ".join(row.flags) for row in rows]
    yield table(columns).decode()


Writer = Callable[[Iterable[Prediction], Reader, bool], Iterator[str]]
"""Yields predictions as parts of a text; the last argument is whether to show what the model saw."""
FORMATS: Mapping[str, Writer] = {"text": text_parts, "json": json_parts, "csv": csv_parts}


def writer(name: str) -> Writer:
    """Return what writes the named format; raises ConfigError for a name that is none."""
    if name not in FORMATS:
        raise ConfigError(f"there is no format {name!r} of predictions. Must be one of {', '.join(FORMATS)}.")
    return FORMATS[name]
