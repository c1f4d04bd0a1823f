"""The sample images are what the program draws, and evaluable."""

import csv
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from batch_eval.training.samples import SampleImage, label_file, sample_images, write_samples

FOLDER = Path(__file__).resolve().parents[1] / "sample_images"


@pytest.fixture(scope="module")
def drawn() -> list[SampleImage]:
    """The sample images, in the order of their file names."""
    return sorted(sample_images(), key=lambda sample: sample.filename)


def test_sample_images_are_drawn_again_as_they_are(drawn: list[SampleImage]):
    for sample in drawn:
        stored = cv2.imread(str(FOLDER / sample.filename), cv2.IMREAD_UNCHANGED)

        assert stored.shape == sample.image.shape
        # other builds of OpenCV may round an edge pixel differently
        assert np.abs(stored.astype(int) - sample.image).mean() < 0.5


def test_the_label_file_is_written_again_as_it_is(drawn: list[SampleImage]):
    assert (FOLDER / "labels.csv").read_bytes() == label_file(drawn)


def test_every_digit_has_six_samples():
    with (FOLDER / "labels.csv").open(newline="") as file:
        labels = Counter(row["label"] for row in csv.DictReader(file))

    assert labels == {str(digit): 6 for digit in range(10)}


def test_sample_images_are_small():
    sizes = [file.stat().st_size for file in FOLDER.glob("*.png")]

    assert len(sizes) == 60
    assert sum(sizes) < 600_000


@pytest.mark.slow
def test_write_samples_fills_an_empty_folder(drawn: list[SampleImage], tmp_path: Path):
    write_samples(tmp_path / "new")

    written = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert written == sorted([*(sample.filename for sample in drawn), "labels.csv"])
