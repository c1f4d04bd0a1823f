"""HTML: ``report.html`` with its style sheet, scripts and pictures beside it, or all of it in one document.

The page works under the content security policy ``default-src 'none'; img-src 'self'; style-src 'self'``. Jenkins sets
it for published reports. So the page has no inline style, no inline script and no data URI. The policy blocks scripts,
so the page is readable without them. A single document embeds everything instead.
Source: W3C, Content Security Policy Level 3; Jenkins handbook, "Configuring Content Security Policy".
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
    pictures = EmbeddedPictures(evaluation.records.pictures)
    page = Page(evaluation, pictures, context)
    return render(page, assets.embedded(page_data(evaluation, pictures, page.tags, page.rows_on_page)))


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``report.html`` and the files of ``report_files``. A self-contained report is one file."""
    if context.self_contained:
        yield "report.html", document(evaluation, context)
        return
    pictures = FilePictures(evaluation.records.pictures)
    page = Page(evaluation, pictures, context)
    # Rendering asks for the pictures that the page shows, so they can only be yielded after it.
    yield "report.html", render(page, assets.linked())
    yield from assets.files(page_data(evaluation, pictures, page.tags, frozenset()))
    yield from pictures.files()
