"""Folders for the tests of the dataset package: files whose names matter and whose content does not."""

import sys
from pathlib import Path

import pytest

from batch_eval.dataset import Dataset

any_name = pytest.mark.skipif(
    sys.platform != "linux", reason="needs a file system that takes any bytes as a name and tells case apart"
)


def folder_of(root: Path, *names: str) -> Path:
    """Make empty files with these names, and return the folder."""
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return root


def truths(dataset: Dataset) -> dict[str, str | None]:
    """Return the truth of each id."""
    return {sample.id: sample.truth for sample in dataset.samples}
