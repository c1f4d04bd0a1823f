"""Labels that may be wrong: wrong ones planted among right ones, and which of them a model's readings point out."""

from shutil import copy

import cv2
import numpy as np
import pandas as pd
import pytest
from drawn_digits import ink, on_paper
from report_examples import probabilities, provenance

from batch_eval.api import evaluate
from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Records
from batch_eval.evaluation.breakdown import suspects
from batch_eval.evaluation.confusions import errors
from batch_eval.reports.registry import reporter


def plant(labels: list[str], share: float) -> tuple[list[str], np.ndarray]:
    """Return the labels with some replaced by others, and (N,) bool which."""
    rng = np.random.default_rng(0)
    planted = np.zeros(len(labels), np.bool_)
    planted[rng.choice(len(labels), round(share * len(labels)), replace=False)] = True
    shift = rng.integers(1, 10, len(labels))
    wrong = [
        str((int(label) + s) % 10) if p else label for label, s, p in zip(labels, shift.tolist(), planted, strict=True)
    ]
    return wrong, planted


def write_labels(folder, names, labels):
    pd.DataFrame({"filename": names, "label": labels}).to_csv(folder / "labels.csv", index=False)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A folder of 400 drawn digits, of which 8 have a wrong label, and (400,) bool which."""
    folder = tmp_path_factory.mktemp("drawn")
    names, digits = [f"{i:03}.png" for i in range(400)], [i % 10 for i in range(400)]
    for i, (name, digit) in enumerate(zip(names, digits, strict=True)):
        cv2.imwrite(str(folder / name), on_paper(ink(i, digit, size=80)))
    labels, planted = plant([str(digit) for digit in digits], 0.02)
    write_labels(folder, names, labels)
    return folder, planted


@pytest.mark.slow
def test_a_strong_model_finds_the_wrong_labels(drawn):
    folder, planted = drawn
    marked = suspects(evaluate(folder))

    assert (marked & planted).sum() >= 7
    assert (marked & ~planted).sum() <= 2


def test_a_weak_model_blames_hardly_any_label(drawn):
    weak = evaluate(drawn[0], preprocess="simple")  # which leaves the digits as large and as faint as they are

    assert weak.accuracy < 0.7
    assert suspects(weak).sum() <= 0.05 * len(errors(weak))


@pytest.fixture(scope="module")
def photos(data, tmp_path_factory):
    """A folder of 577 real digits, of which 12 have a wrong label, and (577,) bool which."""
    folder = tmp_path_factory.mktemp("photos")
    table = pd.read_csv(data / "digits" / "labels.csv", dtype=str)[::6]
    names = [f"{i}-{name.replace('/', '-')}" for i, name in enumerate(table["filename"])]
    for name, source in zip(names, table["filename"], strict=True):
        copy(data / "digits" / source, folder / name)
    labels, planted = plant(table["label"].tolist(), 0.02)
    write_labels(folder, names, labels)
    return folder, planted


@pytest.mark.slow
@pytest.mark.parametrize(("model", "precision", "recall"), [(None, 0.8, 0.75), ("plain_cnn.keras", 0.4, 0.75)])
def test_wrong_labels_among_photos_are_found(photos, data, model, precision, recall):
    folder, planted = photos
    marked = suspects(evaluate(folder, model=data / "models" / model if model else None))
    found = (marked & planted).sum()

    assert found >= recall * planted.sum()
    assert found >= precision * marked.sum()


@pytest.mark.slow
def test_a_weak_model_blames_hardly_any_label_of_photos(photos, data):
    weak = evaluate(photos[0], model=data / "models" / "plain_cnn.keras", preprocess="simple")

    assert suspects(weak).sum() <= 0.05 * len(errors(weak))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("html", "1 has a label that may be wrong"),
        ("markdown", "| 95.0 % | the label may be wrong |"),
        ("sarif", "The label may be wrong."),
    ],
)
def test_a_format_says_once_that_a_label_may_be_wrong(name, words):
    rows = [(0, 0.9, 1)] * 40 + [(0, 0.95, 1), (0, 0.6, 1)]
    records = Records(
        ids=tuple(f"{i:02}.png" for i in range(42)),
        truth=("0",) * 40 + ("1", "1"),
        outcome=np.array([OUTCOMES.index(Outcome.CORRECT)] * 40 + [OUTCOMES.index(Outcome.WRONG)] * 2, np.uint8),
        probabilities=probabilities(*rows),
    )
    evaluation = Evaluation(("0", "1", "2"), records, provenance())
    text = reporter(name).document(evaluation).decode()

    assert [40] == np.flatnonzero(suspects(evaluation)).tolist()
    assert 1 == text.count(words)
