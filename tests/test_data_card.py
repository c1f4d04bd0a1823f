"""The data card: classes, writers, sizes, flags, copies, and advice on photographing."""

import json
import shutil
from dataclasses import replace
from io import StringIO

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper

from batch_eval import evaluate
from batch_eval.engines.rows import Copies
from batch_eval.engines.twins import copies, thumbnail
from batch_eval.errors import ConfigError
from batch_eval.evaluation.data_card import ADVICE, data_card
from batch_eval.evaluation.saved import dump_evaluation, parse_evaluation
from batch_eval.imaging.quality import FLAGS
from batch_eval.reports import html
from batch_eval.reports.text import print_summary


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Eight images by two writers in two parts: one is a copy of another file, one is another encoded again."""
    folder = tmp_path_factory.mktemp("set")
    for part, digits in (("train", (1, 2, 3, 4)), ("test", (5, 6))):
        for digit in digits:
            (folder / part / str(digit)).mkdir(parents=True)
            photo = cv2.resize(on_paper(ink(digit, digit)), None, fx=2, fy=2)
            cv2.imwrite(str(folder / part / str(digit) / f"{digit}.png"), photo)
    shutil.copy(folder / "train" / "1" / "1.png", folder / "train" / "1" / "again.png")
    (folder / "test" / "2").mkdir()
    encoded = cv2.resize(cv2.imread(str(folder / "train" / "2" / "2.png")), None, fx=0.75, fy=0.75)
    cv2.imwrite(str(folder / "test" / "2" / "twin.jpg"), encoded, [cv2.IMWRITE_JPEG_QUALITY, 60])
    evaluation = evaluate(folder)
    writers = {**evaluation.records.slices, "Writer": ("Ada",) * 6 + ("Bo",) * 2}
    return replace(evaluation, records=replace(evaluation.records, slices=writers))


def facts(evaluation):
    """Return the lines of an evaluation's card by name."""
    return {fact.name: fact.words for fact in data_card(evaluation)}


def test_copies_are_found_also_across_parts_and_encoded_again(found):
    names = [([found.records.ids[row] for row in group.rows], group.exact) for group in found.records.copies]

    assert sorted(names) == [
        (["test/2/twin.jpg", "train/2/2.png"], False),
        (["train/1/1.png", "train/1/again.png"], True),
    ]
    assert "1 of the pictures lie in two parts of the set: test/2/twin.jpg and train/2/2.png" in facts(found)["Copies"]


def test_the_card_counts_classes_and_names_missing_ones(found):
    assert facts(found)["Classes"].startswith("8 labelled images of 6 classes, 1 (")
    assert facts(found)["Classes"].endswith("uneven; none of 0, 7, 8 and 9.") or "none of 0" in facts(found)["Classes"]


def test_the_card_names_a_writer_of_many_images(found):
    assert "2 in the column Writer; 75.0 % of the images are by Ada" in facts(found)["Writers"]


def test_the_card_gives_the_sizes_of_the_files(found):
    height, width = (2 * side for side in on_paper(ink(1, 1)).shape[:2])

    assert facts(found)["Sizes"].endswith(f"to {width} × {height} pixels, median {width} × {height}.")


def test_every_report_shows_the_card(found):
    summary = StringIO()
    print_summary(found, summary)

    assert "Data card" in summary.getvalue()
    assert facts(found)["Sizes"] in html.document(found).decode()


def test_the_card_is_saved(found):
    assert data_card(found) == data_card(parse_evaluation(dump_evaluation(found)))


@pytest.mark.parametrize("damage", [{"copies": [{"rows": [0], "exact": True}]}, {"sizes": [[1, 2]]}])
def test_a_damaged_card_is_refused(found, damage):
    content = json.loads(dump_evaluation(found)) | damage

    with pytest.raises(ConfigError, match="is damaged"):
        parse_evaluation(json.dumps(content).encode())


def test_a_flag_that_hurts_comes_with_advice(found):
    count = 100
    truth = tuple(found.class_names[0] for _ in range(count))
    probabilities = np.zeros((count, 10), np.float32)
    probabilities[np.arange(count), [1 if row < 20 else 0 for row in range(count)]] = 1
    blurred = np.arange(count) < 25
    records = replace(
        found.records,
        ids=tuple(map(str, range(count))),
        truth=truth,
        outcome=np.array([1 if row < 20 else 0 for row in range(count)], np.uint8),
        probabilities=probabilities,
        reasons={},
        slices={},
        pictures={},
        scores=None,
        flags={"blurred": blurred},
        sizes=None,
        copies=(),
    )

    assert facts(replace(found, records=records, trials=()))["Advice"] == f"blurred: {ADVICE['blurred']}"


def test_every_flag_has_advice():
    assert FLAGS.keys() == ADVICE.keys()


def test_small_images_and_empty_pages_are_no_copies():
    assert thumbnail(np.zeros((28, 28), np.uint8)) is None
    page = thumbnail(np.full((200, 200), 240, np.uint8))
    assert page is not None

    assert () == copies({0: page, 1: page}, np.zeros(2, np.uint64))


@pytest.mark.slow
def test_nearly_all_photos_are_found_when_encoded_again_and_no_others(data):
    photos = [
        image
        for path in sorted((data / "digits" / "phone-photo").iterdir())[::8]
        if (image := cv2.imread(str(path))) is not None and min(image.shape[:2]) >= 128
    ]
    count, random = len(photos), np.random.default_rng(0)
    thumbnails = {i: thumbnail(image) for i, image in enumerate([*photos, *(again(random, p) for p in photos)])}

    groups = [group.rows for group in copies(thumbnails, np.arange(2 * count, dtype=np.uint64))]

    assert count >= 100
    assert all({row % count for row in group} == {group[0]} for group in groups)  # no two different photos
    assert len(groups) >= 0.95 * count


def again(random, photo):
    """Encode a photo as JPEG of quality 30 to 95, at half to full size."""
    scale, quality = random.uniform(0.5, 1), int(random.integers(30, 96))
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def test_three_copies_are_one_group():
    rng = np.random.default_rng(0)
    one, other = (rng.integers(0, 255, (32, 32)).astype(np.uint8) for _ in range(2))

    assert copies({0: one, 1: other, 4: one, 7: one}, np.array([5, 1, 0, 0, 5, 0, 0, 6], np.uint64)) == (
        Copies((0, 4, 7), exact=False),
    )
