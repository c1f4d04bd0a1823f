"""Fills the page's templates."""

from __future__ import annotations

from batch_eval.reports.html.assets import SOURCES, Assets
from batch_eval.reports.html.page import Page
from batch_eval.reports.templating import fill


def render(page: Page, assets: Assets) -> bytes:
    """Return the page as UTF-8."""
    return fill(SOURCES, "report.html.jinja", page=page, assets=assets)
