"""Near-duplicates and errors that look alike, on drawn pictures."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from processes import batch_eval
from report_examples import probabilities, provenance, small

from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Picture, Records, saved
from batch_eval.evaluation.similarity import group_errors, near_duplicates
from batch_eval.imaging.files import encode
from batch_eval.reports.registry import reporter


def drawn(*points, shift=0.0):
    """Return a polyline of thick ink on 28 x 28 pixels, moved to the right by a part of a pixel."""
    image = np.zeros((28, 28), np.uint8)
    line = np.round(np.add(points, [shift, 0]) * 16).astype(np.int32)
    return cv2.polylines(image, [line], False, 255, 3, cv2.LINE_AA, 4)


def flag_one(shift=0.0):
    return drawn((9, 9), (14, 4), (14, 24), shift=shift)


def ring(shift=0.0):
    return drawn((8, 8), (20, 8), (20, 20), (8, 20), (8, 8), shift=shift)


def wrong(*images, predicted=None):
    """Return an evaluation of 0s, one for each image, that were all misread."""
    n = len(images)
    records = Records(
        ids=tuple(f"{i}.png" for i in range(n)),
        truth=("0",) * n,
        outcome=np.full(n, OUTCOMES.index(Outcome.WRONG), dtype=np.uint8),
        probabilities=probabilities(*[(p, 0.9, 0) for p in predicted or [1] * n]),
        pictures={i: Picture(None, encode(image)) for i, image in enumerate(images)},
    )
    return Evaluation(("0", "1", "2"), records, provenance())


def test_copies_of_one_image_are_near_duplicates():
    noisy = np.clip(flag_one().astype(int) + np.random.default_rng(1).integers(-9, 9, (28, 28)), 0, 255)

    assert ((0, 2),) == near_duplicates(wrong(flag_one(), ring(), noisy.astype(np.uint8)))


def test_different_images_are_no_near_duplicates():
    assert () == near_duplicates(wrong(flag_one(), ring(), flag_one(shift=3)))


def test_images_read_differently_are_not_compared():
    assert () == near_duplicates(wrong(flag_one(), flag_one(), predicted=[1, 2]))


@pytest.mark.parametrize("data", [None, b"", b"no picture"])
def test_missing_and_damaged_pictures_are_left_out(data):
    evaluation = wrong(flag_one(), flag_one())
    evaluation.records.pictures[1] = Picture(None, data)

    assert () == near_duplicates(evaluation)


def test_errors_that_look_alike_become_one_group():
    pytest.importorskip("sklearn")
    images = [*(flag_one(shift=i / 4) for i in range(5)), *(ring(shift=i / 4) for i in range(3))]

    assert ((0, 1, 2, 3, 4), (5, 6, 7)) == group_errors(wrong(*images)).records.groups


def test_groups_are_of_one_confusion():
    pytest.importorskip("sklearn")
    evaluation = wrong(*[flag_one()] * 6, predicted=[1, 2] * 3)

    assert ((0, 2, 4), (1, 3, 5)) == group_errors(evaluation).records.groups


def test_nothing_to_group_gives_no_groups():
    assert () == group_errors(small()).records.groups


def test_groups_are_saved_and_shown():
    pytest.importorskip("sklearn")
    grouped = saved.parse_evaluation(saved.dump_evaluation(group_errors(wrong(*[flag_one()] * 4))))

    assert ((0, 1, 2, 3),) == grouped.records.groups
    for name in ("html", "text", "markdown"):
        text = reporter(name).document(grouped).decode()

        assert "4 × <bdi>0</bdi> read as <bdi>1</bdi>" in text or "4 errors look alike: 0 read as 1." in text


def test_grouping_is_imported_only_when_asked_for():
    code = "import sys, batch_eval.evaluation.similarity; print({'sklearn', 'cv2'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()\n" == result.stdout


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    """A folder of 1s that look like 7s under any recipe, each at another slant and size, among digits read right."""
    folder = tmp_path_factory.mktemp("flags")
    for i in range(12):
        top, lean = 20 + i % 3, i % 4
        points = np.array([[22, top], [55, top], [38 - lean, 80]], np.int32)
        photo = cv2.polylines(np.full((100, 80), 225, np.uint8), [points], False, 40, 9, cv2.LINE_AA)
        cv2.imwrite(str(folder / f"1_flag{i}.png"), photo)
        cv2.imwrite(str(folder / f"{i % 10}_plain{i}.png"), on_paper(ink(i, i % 10)))
    return folder


@pytest.fixture(scope="module")
def grouped(flags, tmp_path_factory):
    """What `run --group-errors` printed of them, and the folder of its reports."""
    out = tmp_path_factory.mktemp("grouped")
    done = batch_eval("run", flags, "--group-errors", "--out", out)

    assert 0 == done.returncode, done.stderr
    return done.stdout, out


@pytest.mark.slow
def test_run_shows_flag_ones_read_as_sevens_as_one_finding(grouped):
    printed, out = grouped
    page = (out / "report.html").read_text()
    finding = page[page.index('id="alike"') : page.index("</section>", page.index('id="alike"'))]

    assert "12 errors look alike: 1 read as 7." in printed
    assert 1 == finding.count("<li")
    assert 12 == finding.count("<img")


@pytest.mark.slow
def test_a_saved_evaluation_can_be_grouped_later(flags, grouped, tmp_path):
    batch_eval("run", flags, "--format", "json", "--out", tmp_path)
    plain = batch_eval("report", tmp_path, "--format", "markdown", "--out", "-").stdout
    later = batch_eval("report", tmp_path, "--format", "markdown", "--out", "-", "--group-errors").stdout

    assert "look alike" not in plain
    assert "12 errors look alike: 1 read as 7." in later
