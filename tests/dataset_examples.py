"""Folders for the tests of the dataset package: files whose names matter and whose content does not."""

from pathlib import Path

from batch_eval.dataset import Dataset


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
