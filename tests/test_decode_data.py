"""Decoding the real photos."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from batch_eval.imaging.decode import decode


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


@pytest.mark.slow
def test_every_real_digit_decodes(data: Path) -> None:
    shapes = [decode((data / "digits" / row["filename"]).read_bytes()).shape for row in rows(data / "digits")]

    assert len(shapes) == 3462
    assert min(min(shape[:2]) for shape in shapes) >= 1


@pytest.mark.parametrize("orientation", ["1", "6", "8"])
def test_photos_come_out_as_pillow_turns_them(data: Path, orientation: str) -> None:
    row = next(row for row in rows(data / "fullres") if row["exif_orientation"] == orientation)
    file = data / "fullres" / row["filename"]
    expected = np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB"))[..., ::-1]

    decoded = decode(file.read_bytes())

    assert decoded.shape == expected.shape
    assert np.abs(decoded[::7, ::7].astype(int) - expected[::7, ::7]).max() <= 8


def test_photos_reduced_while_decoding_are_the_shrunken_photos(data: Path) -> None:
    for row in rows(data / "fullres")[:4]:
        photo = (data / "fullres" / row["filename"]).read_bytes()
        reduced = decode(photo, reduce_to=300)
        height, width = reduced.shape[:2]
        shrunken = cv2.resize(decode(photo), (width, height), interpolation=cv2.INTER_AREA)

        assert np.abs(reduced.astype(int) - shrunken).mean() < 2
