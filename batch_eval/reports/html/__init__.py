"""HTML: ``report.html`` with its style sheet, scripts and pictures beside it, or all of it in one document.

The page follows ``default-src 'none'; img-src 'self'; style-src 'self'``: no inline style, script or data URI, and
what a reader needs is there with scripts off. The one-document form embeds all of that instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation import Evaluation
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.html import assets
from batch_eval.reports.html.data import page_data
from batch_eval.reports.html.page import Page
from batch_eval.reports.html.pictures import EmbeddedPictures, FilePictures
from batch_eval.reports.html.render import render

TITLE = "HTML report"


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the whole report as one HTML file."""
    pictures = EmbeddedPictures(evaluation)
    page = Page(evaluation, pictures, context)
    return render(page, assets.embedded(page_data(evaluation, pictures, page.tags, page.rows_on_page)))


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``report.html`` and what lies in ``report_files``, or only the former where it is to be self-contained."""
    if context.self_contained:
        yield "report.html", document(evaluation, context)
        return
    pictures = FilePictures(evaluation)
    page = Page(evaluation, pictures, context)
    yield "report.html", render(page, assets.linked())
    yield from assets.files(page_data(evaluation, pictures, page.tags, frozenset()))
    yield from pictures.files()
