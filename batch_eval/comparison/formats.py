"""The formats of a comparison: text, JSON, Markdown and HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from batch_eval.comparison import Change, Comparison, Part
from batch_eval.comparison.wording import basis, p_text, points, points_range, read_as, verdict
from batch_eval.errors import ConfigError
from batch_eval.reports.wording import markdown_text, percent, percent_range, printable, utf8

# History of `format`:
#   1  the first
FORMAT = 1
SCHEMA = Path(__file__).with_name("files") / "comparison.schema.json"
_FILES = Path(__file__).with_name("files")
SHOWN = {"text": 10, "markdown": 50, "html": 300}
"""Images listed of those fixed, and of those broken."""


def json_document(comparison: Comparison) -> bytes:
    """Return every figure, and every image that changed."""
    content = {
        "format": FORMAT,
        "images": len(comparison.shared.ids),
        "relabelled": comparison.shared.relabelled,
        "models": [_model(comparison, i) for i in range(len(comparison.names))],
        "pairs": [_pair(comparison, i) for i in range(1, len(comparison.names))],
    }
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode("ascii")


def _model(comparison: Comparison, i: int) -> dict[str, Any]:
    tally, evaluation = comparison.tallies[i], comparison.evaluations[i]
    return {
        "name": comparison.names[i],
        "model_sha256": evaluation.provenance.model_sha256,
        "preprocess": evaluation.provenance.preprocess,
        "scored": evaluation.scored,
        "accuracy": evaluation.accuracy,
        "shared_correct": tally.hits,
        "shared_accuracy": tally.share,
        "shared_accuracy_low": tally.interval[0],
        "shared_accuracy_high": tally.interval[1],
    }


def _pair(comparison: Comparison, i: int) -> dict[str, Any]:
    pair = comparison.pair(i)
    return {
        "first": comparison.names[0],
        "second": comparison.names[i],
        "fixed": pair.fixed,
        "broke": pair.broke,
        "difference": pair.difference,
        "difference_low": pair.interval[0],
        "difference_high": pair.interval[1],
        "p_value": pair.p_value,
        "parts": [_part(part) for part in comparison.parts(i)],
        "fixed_images": [_change(change) for change in comparison.fixed(i)],
        "broke_images": [_change(change) for change in comparison.broke(i)],
    }


def _part(part: Part) -> dict[str, Any]:
    pair = part.pair
    return {
        "group": part.group,
        "value": part.value,
        "n": pair.n,
        "first_correct": pair.first.hits,
        "second_correct": pair.second.hits,
        "fixed": pair.fixed,
        "broke": pair.broke,
        "difference_low": pair.interval[0],
        "difference_high": pair.interval[1],
    }


def _change(change: Change) -> dict[str, str | None]:
    return {"id": change.id, "truth": change.truth, "first": change.first, "second": change.second}


def text_document(comparison: Comparison) -> bytes:
    """Return the tables as plain text."""
    return _render("comparison.txt.jinja", comparison, SHOWN["text"])


def markdown_document(comparison: Comparison) -> bytes:
    """Return the tables for a pull request."""
    return _render("comparison.md.jinja", comparison, SHOWN["markdown"])


def html_document(comparison: Comparison) -> bytes:
    """Return a page of its own with the pictures of the images that changed; nothing is loaded from elsewhere."""
    from batch_eval.reports.html.assets import SOURCES
    from batch_eval.reports.html.pictures import EmbeddedPictures

    styles = [(folder / name).read_text("utf-8") for folder, name in [(SOURCES, "report.css"), (_FILES, "compare.css")]]
    pictures = [EmbeddedPictures(evaluation) for evaluation in comparison.evaluations]
    return _render("comparison.html.jinja", comparison, SHOWN["html"], style="".join(styles), pictures=pictures)


def _render(template: str, comparison: Comparison, shown: int, **more: Any) -> bytes:
    found = _environment().get_template(template)
    return utf8(found.render(comparison=comparison, shown=shown, basis=basis(comparison), **more))


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(_FILES),
        autoescape=select_autoescape(["html.jinja"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "percent": percent,
        "percent_range": percent_range,
        "points": points,
        "points_range": points_range,
        "p_text": p_text,
        "printable": printable,
        "read_as": read_as,
        "verdict": verdict,
        "count": "{:,}".format,
        "cell": markdown_text,
    }
    return environment


_DOCUMENTS: Mapping[str, tuple[str, Callable[[Comparison], bytes]]] = {
    "text": ("comparison.txt", text_document),
    "json": ("comparison.json", json_document),
    "markdown": ("comparison.md", markdown_document),
    "html": ("comparison.html", html_document),
}
FORMATS = tuple(_DOCUMENTS)


def document(comparison: Comparison, name: str) -> tuple[str, bytes]:
    """Return the file name and the content of a format; raises ConfigError for a name that is none."""
    check_format(name)
    file, write = _DOCUMENTS[name]
    return file, write(comparison)


def check_format(name: str) -> None:
    """Raise ConfigError for a name that is no format."""
    if name not in _DOCUMENTS:
        raise ConfigError(f"there is no comparison format {name!r}. Must be one of {', '.join(FORMATS)}.")
