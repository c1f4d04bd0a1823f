"""Equal images under different labels are listed, and files that hold several pictures."""

import io
from pathlib import Path

import numpy as np
import pytest
from drawn_digits import ink, on_paper
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from batch_eval import evaluate
from batch_eval.engines.duplicates import fingerprint
from batch_eval.imaging.files import encode
from batch_eval.imaging.frames import count_frames


def save(root: Path, **files: int) -> Path:
    """Write drawn digits: `save(root, a__b=3)` draws the digit number 3 into a/b.png."""
    for name, number in files.items():
        path = root / f"{name.replace('__', '/')[1:]}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(on_paper(ink(number % 10, number))))
    return root


def notes(root: Path) -> str:
    return " ".join(evaluate(root, jobs=1).provenance.notes)


def test_equal_images_under_different_labels_are_listed(tmp_path: Path) -> None:
    save(tmp_path, _7__a=7, _3__b=7, _3__c=3, _7__d=9, _7__e=9)

    assert "Equal images under different labels: 3/b.png and 7/a.png (3, 7). One of the labels must be wrong." in notes(
        tmp_path
    )


def test_equal_images_in_two_parts_are_listed(tmp_path: Path) -> None:
    save(tmp_path, _train__7__a=7, _test__7__b=7, _test__3__c=3)

    assert "Equal images in different parts of the set: test/7/b.png and train/7/a.png." in notes(tmp_path)


def test_copies_under_one_label_are_no_remark(tmp_path: Path) -> None:
    assert "Equal images" not in notes(save(tmp_path, _7__a=7, _7__b=7, _3__c=3))


def test_unreadable_files_are_not_compared(tmp_path: Path) -> None:
    save(tmp_path, _7__a=7)
    for name in ("7/x.png", "3/y.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")

    assert "Equal images" not in notes(tmp_path)


@given(st.binary(max_size=600))
def test_the_fingerprint_of_equal_content_is_equal(data: bytes) -> None:
    array = np.frombuffer(data, np.uint8)

    assert fingerprint(data) == fingerprint(array) < 2**64


def frames(kind: str, number: int) -> bytes:
    images = [Image.fromarray(np.full((28, 28), 20 * i, np.uint8)) for i in range(number)]
    file = io.BytesIO()
    images[0].save(file, kind, save_all=True, append_images=images[1:])
    return file.getvalue()


@pytest.mark.parametrize("kind", ["TIFF", "GIF"])
@pytest.mark.parametrize("number", [1, 2, 7])
def test_pages_and_frames_are_counted(kind: str, number: int) -> None:
    assert number == count_frames(frames(kind, number))


@given(st.sampled_from([b"GIF89a", b"II*\0", b"MM\0*"]), st.binary(max_size=200))
def test_any_bytes_have_a_count(start: bytes, data: bytes) -> None:
    assert 1 <= count_frames(start + data) <= 10_000


@given(st.sampled_from(["TIFF", "GIF"]), st.integers(0, 400))
def test_a_file_that_is_cut_off_has_a_count(kind: str, length: int) -> None:
    assert 1 <= count_frames(frames(kind, 3)[:length]) <= 3


def test_further_pages_are_said(tmp_path: Path) -> None:
    save(tmp_path, _7__a=7)
    (tmp_path / "7" / "b.tif").write_bytes(frames("TIFF", 3))

    assert "Files with several pages or frames, of which only the first counts: 7/b.tif (3)." in notes(tmp_path)
