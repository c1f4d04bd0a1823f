"""HTML of a model: a page with its facts, diagrams, layers, filters and feature maps."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping

from batch_eval.engines.model_view import ModelView
from batch_eval.publishing import INSPECTION_FILES
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.html.assets import SOURCES
from batch_eval.reports.inspection.drawing import FILES
from batch_eval.reports.inspection.facts import facts
from batch_eval.reports.inspection.plots import files as pictures
from batch_eval.reports.inspection.plots import shown_maps
from batch_eval.reports.templating import fill
from batch_eval.wording import shape_text

TITLE = "HTML inspection"
_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


def document(view: ModelView, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the page with its style sheet and pictures in itself."""
    urls = {
        name: f"data:{_TYPES[name.rpartition('.')[2]]};base64,{b64encode(data).decode('ascii')}"
        for name, data in pictures(view)
    }
    return _page(view, urls, style=_style(), style_url=None)


def files(view: ModelView, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield the page, and its style sheet and pictures in a folder beside it.

    The page is alone if it is to be self-contained.
    """
    if context.self_contained:
        yield "inspection.html", document(view)
        return
    beside = [(f"{INSPECTION_FILES}/{name}", data) for name, data in pictures(view)]
    style_url = f"{INSPECTION_FILES}/inspection.css"
    yield "inspection.html", _page(view, {path.rpartition("/")[2]: path for path, _ in beside}, style_url=style_url)
    yield style_url, _style().encode()
    yield from beside


def _page(view: ModelView, urls: Mapping[str, str], *, style_url: str | None, style: str = "") -> bytes:
    return fill(
        FILES,
        "inspection.html.jinja",
        {"shape": shape_text},
        view=view,
        facts=facts(view),
        urls=urls,
        maps=shown_maps(view),
        style=style,
        style_url=style_url,
    )


def _style() -> str:
    return "".join(path.read_text("utf-8") for path in (SOURCES / "report.css", FILES / "inspection.css"))
