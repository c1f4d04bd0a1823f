"""The page's style sheet and script: linked as files, or embedded in the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).with_name("files")
"""Where the templates, the style sheet and the script are kept."""
FOLDER = "report_files"
_STYLE, _SCRIPT = "report.css", "report.js"


@dataclass(frozen=True, slots=True)
class Assets:
    """Either the addresses of the style sheet and script, or their text."""

    style_url: str = ""
    script_url: str = ""
    style: str = ""
    script: str = ""


def linked() -> Assets:
    """Return the addresses of the files that ``files`` yields."""
    return Assets(style_url=f"{FOLDER}/{_STYLE}", script_url=f"{FOLDER}/{_SCRIPT}")


def embedded() -> Assets:
    """Return the texts of the style sheet and the script."""
    return Assets(style=_read(_STYLE), script=_read(_SCRIPT))


def files() -> Iterator[tuple[str, bytes]]:
    """Yield the style sheet and the script with their places in the report folder."""
    for name in (_STYLE, _SCRIPT):
        yield f"{FOLDER}/{name}", (SOURCES / name).read_bytes()


def _read(name: str) -> str:
    return (SOURCES / name).read_text(encoding="utf-8")
