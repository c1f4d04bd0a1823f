"""Whole outputs of every format, compared with golden files."""

import pytest
from report_examples import context, small

from batch_eval.publishing import whole
from batch_eval.reports.registry import Kind, format_names, reporter

BINARY = (".png", ".jpg", ".svg", ".pdf", ".parquet", ".xlsx")
"""What a library draws or packs, differently with each of its versions; other tests read it back."""
ASSETS = (".css", "gallery.js", "selection.js", "coverage.js", "sort.js")


@pytest.mark.parametrize("name", sorted(format_names(Kind.RUN)))
def test_files_of_a_format(name, gold):
    for path, content in reporter(name).files(small(), context()):
        if not path.endswith((*BINARY, *ASSETS)):
            gold(f"{name}/{path}", whole(content))


def test_every_golden_file_is_still_written(request):
    written = {
        f"{name}/{path}" for name in format_names(Kind.RUN) for path, _ in reporter(name).files(small(), context())
    }
    folder = request.path.parent / "gold"
    files = (file for name in format_names(Kind.RUN) for file in (folder / name).rglob("*") if file.is_file())
    stale = {file.relative_to(folder).as_posix() for file in files} - written

    assert set() == stale
