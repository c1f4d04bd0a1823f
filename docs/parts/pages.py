"""The pages themselves, by their titles."""

from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]


def listed() -> str:
    """Return a link to each page, as seen from the README."""
    titles = {page: page.read_text(encoding="utf-8").splitlines()[0].lstrip("# ") for page in sorted(DOCS.glob("*.md"))}
    return "\n".join(f"- [{title}](docs/{page.name})" for page, title in titles.items())
