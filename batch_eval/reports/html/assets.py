"""The page's style sheet and scripts, linked as files or embedded in the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batch_eval.publishing import REPORT_FILES, Content, whole

SOURCES = Path(__file__).with_name("files")
"""Folder of the templates, the style sheet and the scripts."""
_STYLE = "report.css"
SORT = "sort.js"
"""The script that sorts tables."""
# In this order: the gallery offers what the selection builds on.
_SCRIPTS = ("gallery.js", "selection.js", "coverage.js", SORT)
_DATA = "data.js"


@dataclass(frozen=True, slots=True)
class Assets:
    """The style sheet and the scripts: their URLs or their text, never both."""

    style_url: str = ""
    script_urls: tuple[str, ...] = ()
    style: str = ""
    scripts: tuple[str, ...] = ()


def linked() -> Assets:
    """Return the URLs of the files that `files` yields."""
    return Assets(f"{REPORT_FILES}/{_STYLE}", tuple(f"{REPORT_FILES}/{name}" for name in (_DATA, *_SCRIPTS)))


def embedded(data: Content) -> Assets:
    """Return the text of the style sheet and the scripts. ``data`` is the script of `page_data`."""
    # JSON escapes everything beyond ASCII, so the script reads the same under any charset.
    return Assets(style=read(_STYLE), scripts=(whole(data).decode("ascii"), *map(read, _SCRIPTS)))


def files(data: Content) -> Iterator[tuple[str, Content]]:
    """Yield the style sheet and the scripts, with their paths in the report folder."""
    yield f"{REPORT_FILES}/{_DATA}", data
    for name in (_STYLE, *_SCRIPTS):
        yield f"{REPORT_FILES}/{name}", (SOURCES / name).read_bytes()


def read(name: str) -> str:
    """Return the text of a style sheet or script."""
    return (SOURCES / name).read_text(encoding="utf-8")
