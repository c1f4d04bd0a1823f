"""HTML: one ``report.html`` where that is small, else with its style sheet, scripts and pictures beside it.

With files beside it, the page works under the content security policy ``default-src 'none'; img-src 'self'; style-src
'self'``. Jenkins sets it for published reports. So the page has no inline style, no inline script and no data URI. The
policy blocks scripts, so the page is readable without them. A single document embeds everything instead.
Source: W3C, Content Security Policy Level 3; Jenkins handbook, "Configuring Content Security Policy".
"""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.confusions import errors_by_confidence
from batch_eval.publishing import Content
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.html import assets
from batch_eval.reports.html.data import page_data
from batch_eval.reports.html.page import Page
from batch_eval.reports.html.pictures import EmbeddedPictures
from batch_eval.reports.html.render import render
from batch_eval.reports.html.sheets import SheetPictures
from batch_eval.reports.html.single import fits_one_file, is_small

TITLE = "HTML report"
_ROW_BYTES = 40
"""Bytes that an image without a picture takes in the page's data, about."""


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the whole report as one HTML file."""
    pictures = EmbeddedPictures(evaluation.records.pictures)
    page = Page(evaluation, pictures, context)
    return render(page, assets.embedded(page_data(evaluation, pictures, page.tags, page.rows_on_page)))


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, Content]]:
    """Yield ``report.html``, alone or with the files of ``report_files``.

    It is alone if the context says so or it is small.
    """
    shown = evaluation.records.pictures
    # An estimate first: a page that is far too large for one file need not be rendered to find out.
    if fits_one_file(context, shown.values(), _ROW_BYTES * len(evaluation.records)):
        page_alone = document(evaluation, context)
        if context.self_contained or is_small(page_alone):
            yield "report.html", page_alone
            return
    pictures = SheetPictures(shown)
    for row in errors_by_confidence(evaluation).tolist():
        pictures.original(row)  # the gallery begins with the most confident errors, so their sheets come first
    page = Page(evaluation, pictures, context)
    # Rendering asks for the pictures that the page shows, so they can only be yielded after it.
    yield "report.html", render(page, assets.linked())
    yield from assets.files(page_data(evaluation, pictures, page.tags, frozenset()))
    yield from pictures.files()
