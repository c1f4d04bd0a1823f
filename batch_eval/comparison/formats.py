"""The formats of a comparison: text, JSON, Markdown and HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from batch_eval.comparison.wording import basis, read_as, verdict
from batch_eval.errors import ConfigError
from batch_eval.output import COMPARISON_FILES
from batch_eval.paired import Change, Comparison, Part
from batch_eval.reports.wording import points, points_range

# History of `format`:
#   1  the first
FORMAT = 1
SCHEMA = Path(__file__).with_name("files") / "comparison.schema.json"
_FILES = Path(__file__).with_name("files")
_PAGE = "comparison.html.jinja"
_FILTERS: Mapping[str, Callable[..., str]] = {
    "points": points,
    "points_range": points_range,
    "read_as": read_as,
    "verdict": verdict,
}
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
    from batch_eval.reports.html.pictures import EmbeddedPictures

    pictures = [EmbeddedPictures(evaluation) for evaluation in comparison.evaluations]
    return _render(_PAGE, comparison, SHOWN["html"], style=_style(), style_url=None, pictures=pictures)


def html_files(comparison: Comparison) -> Iterator[tuple[str, bytes]]:
    """Yield the page, and its style sheet and pictures in a folder beside it."""
    from batch_eval.reports.html.pictures import FilePictures

    style_url = f"{COMPARISON_FILES}/comparison.css"
    pictures = [
        FilePictures(evaluation, f"{COMPARISON_FILES}/{i}") for i, evaluation in enumerate(comparison.evaluations)
    ]
    page = _render(_PAGE, comparison, SHOWN["html"], style_url=style_url, pictures=pictures)
    yield "comparison.html", page
    yield style_url, _style().encode()
    for some in pictures:
        yield from some.files()


def _style() -> str:
    from batch_eval.reports.html.assets import SOURCES

    return "".join(path.read_text("utf-8") for path in (SOURCES / "report.css", _FILES / "compare.css"))


def _render(template: str, comparison: Comparison, shown: int, **more: Any) -> bytes:
    from batch_eval.reports.templating import fill

    return fill(_FILES, template, _FILTERS, comparison=comparison, shown=shown, basis=basis(comparison), **more)


_DOCUMENTS: Mapping[str, tuple[str, Callable[[Comparison], bytes]]] = {
    "text": ("comparison.txt", text_document),
    "json": ("comparison.json", json_document),
    "markdown": ("comparison.md", markdown_document),
    "html": ("comparison.html", html_document),
}
FORMATS = tuple(_DOCUMENTS)


def document(comparison: Comparison, name: str) -> bytes:
    """Return a format as one document; raises ConfigError for a name that is none."""
    check_format(name)
    return _DOCUMENTS[name][1](comparison)


def files(comparison: Comparison, name: str, *, self_contained: bool = False) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of each file of a format; raises ConfigError for a name that is none.

    The page is one file if it is to be ``self_contained``.
    """
    check_format(name)
    if name == "html" and not self_contained:
        yield from html_files(comparison)
    else:
        yield _DOCUMENTS[name][0], document(comparison, name)


def check_format(name: str) -> None:
    """Raise ConfigError for a name that is no format."""
    if name not in _DOCUMENTS:
        raise ConfigError(f"there is no comparison format {name!r}. Must be one of {', '.join(FORMATS)}.")
