"""HTML of a comparison: a page with the images that changed. It loads nothing from the network."""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation.paired import PICTURES_SHOWN, Comparison
from batch_eval.publishing import COMPARISON_FILES
from batch_eval.reports.comparison.rendering import FILES, render
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.html.assets import SOURCES
from batch_eval.reports.html.pictures import EmbeddedPictures, FilePictures
from batch_eval.reports.html.single import fits_one_file

TITLE = "HTML comparison"
_TEMPLATE = "comparison.html.jinja"


def document(comparison: Comparison, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the page with its style sheet and pictures embedded."""
    pictures = [EmbeddedPictures(evaluation.records.pictures) for evaluation in comparison.evaluations]
    return render(_TEMPLATE, comparison, PICTURES_SHOWN, style=_style(), style_url=None, pictures=pictures)


def files(comparison: Comparison, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield the page, alone or with its style sheet and its pictures.

    It is alone if the context says so or it is small.
    """
    shown = (evaluation.records.pictures for evaluation in comparison.evaluations)
    if fits_one_file(context, (picture for pictures in shown for picture in pictures.values())):
        yield "comparison.html", document(comparison, context)
        return
    style_url = f"{COMPARISON_FILES}/comparison.css"
    # A folder for each evaluation: the same row is another image in each.
    pictures = [
        FilePictures(evaluation.records.pictures, f"{COMPARISON_FILES}/{i}")
        for i, evaluation in enumerate(comparison.evaluations)
    ]
    # Rendering asks for the pictures, so the page comes before them.
    yield "comparison.html", render(_TEMPLATE, comparison, PICTURES_SHOWN, style_url=style_url, pictures=pictures)
    yield style_url, _style().encode()
    for some in pictures:
        yield from some.files()


def _style() -> str:
    return "".join(path.read_text("utf-8") for path in (SOURCES / "report.css", FILES / "compare.css"))
