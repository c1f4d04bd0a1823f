"""The local engine: one row a file in order, whatever the threads; damaged files become rows."""

import os

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper

from batch_eval import evaluate
from batch_eval.dataset import load_dataset
from batch_eval.engines import local, rows
from batch_eval.evaluation import OUTCOMES, Outcome, Picture
from batch_eval.imaging import preprocessor
from batch_eval.models import open_model


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """150 drawn digits in class folders, with one damaged and one blank image, and one that no class knows."""
    folder = tmp_path_factory.mktemp("photos")
    for i in range(150):
        (folder / str(i % 10)).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / str(i % 10) / f"{i}.png"), on_paper(ink(i, i % 10)))
    (folder / "3" / "damaged.png").write_bytes((folder / "3" / "3.png").read_bytes()[:200])
    cv2.imwrite(str(folder / "4" / "blank.png"), np.full((90, 90), 200, np.uint8))
    (folder / "11").mkdir()
    cv2.imwrite(str(folder / "11" / "eleven.png"), on_paper(ink(1, 1)))
    return folder


@pytest.fixture(scope="module")
def evaluation(photos):
    """What an ordinary run over them finds."""
    return evaluate(photos)


def test_every_file_has_one_row_and_one_outcome(evaluation):
    assert 153 == len(evaluation.records) == sum(evaluation.counts.values())
    assert (1, 1, 1) == tuple(
        evaluation.counts[outcome] for outcome in (Outcome.UNREADABLE, Outcome.BLANK, Outcome.OUT_OF_RANGE)
    )


def test_labels_that_are_no_class_are_said(evaluation):
    notes = evaluation.provenance.notes

    assert ["1 of 153 images have a label that is none of the model's classes, and are not scored: '11' (1)."] == [
        note for note in notes if "classes" in note
    ]


def test_a_blank_image_counts_as_an_error(evaluation):
    assert 151 == evaluation.scored
    assert evaluation.counts[Outcome.CORRECT] / 151 == evaluation.accuracy


@pytest.mark.slow
def test_the_result_does_not_depend_on_the_threads(photos):
    one, many = evaluate(photos, jobs=1), evaluate(photos, jobs=5)

    assert one.records.ids == many.records.ids
    np.testing.assert_array_equal(one.records.probabilities, many.records.probabilities)
    np.testing.assert_array_equal(one.records.outcome, many.records.outcome)
    assert one.records.pictures.keys() == many.records.pictures.keys()


def test_the_result_does_not_depend_on_how_images_are_batched(photos, evaluation, monkeypatch):
    monkeypatch.setattr(local, "THREAD_CHUNK", 7)
    monkeypatch.setattr(local, "BATCH_BYTES", 40_000)
    pieces = evaluate(photos)

    np.testing.assert_array_equal(evaluation.records.probabilities, pieces.records.probabilities)


@pytest.mark.slow
@pytest.mark.parametrize("small", [0, 1 << 30], ids=["all at once", "one at a time"])
def test_the_result_does_not_depend_on_who_prepares_when(photos, monkeypatch, small):
    usual = evaluate(photos, jobs=4)
    monkeypatch.setattr(local, "SMALL_FILE", small)
    other = evaluate(photos, jobs=4)

    np.testing.assert_array_equal(usual.records.probabilities, other.records.probabilities)
    assert (usual.records.reasons, usual.counts) == (other.records.reasons, other.counts)


@pytest.mark.parametrize(("small", "most"), [(0, local.MIN_LARGE_CHUNK), (1 << 30, local.MIN_CHUNK)])
def test_few_large_files_are_shared_among_more_threads_than_few_small_ones(photos, monkeypatch, small, most):
    monkeypatch.setattr(local, "SMALL_FILE", small)
    task = local.Task(load_dataset(photos), preprocessor("none"), open_model(threads=1))
    sizes = []

    local.run(task, jobs=8, progress=sizes.append)
    assert (most, 153) == (max(sizes), sum(sizes))


def test_reasons_come_in_the_order_of_the_rows(photos, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    (tmp_path / "1" / "blank.png").write_bytes((photos / "4" / "blank.png").read_bytes())
    (tmp_path / "2" / "damaged.png").write_bytes((photos / "3" / "damaged.png").read_bytes())

    assert [0, 1] == list(evaluate(tmp_path).records.reasons)


def errors_with_pictures(evaluation):
    """Return the pictures of errors; other images keep what the model saw alone."""
    return {row: shown for row, shown in evaluation.records.pictures.items() if shown.original is not None}


@pytest.mark.slow
def test_only_the_first_errors_keep_pictures(photos, monkeypatch):
    usual = list(errors_with_pictures(evaluate(photos, preprocess="none")))
    monkeypatch.setattr(rows, "MAX_PICTURES", 3)
    monkeypatch.setattr(rows, "MAX_STEPS", 2)
    kept = errors_with_pictures(evaluate(photos, preprocess="none"))

    assert usual[:3] == list(kept)
    assert [True, True, False] == [picture.steps is not None for picture in kept.values()]


def test_steps_that_are_not_kept_are_not_drawn(photos, monkeypatch):
    drawn = []
    monkeypatch.setattr(rows, "MAX_STEPS", 2)
    monkeypatch.setattr(local, "picture", lambda *_, steps: drawn.append(steps) or Picture(b"", b"", "", None))
    pictures = errors_with_pictures(evaluate(photos, preprocess="none", jobs=1))

    assert len(drawn) == len(pictures) > 60
    assert not any(drawn[-30:])
    assert all(drawn[:2])


def test_the_reason_of_an_unreadable_image_is_kept(evaluation):
    records = evaluation.records

    (row,) = records.rows(Outcome.UNREADABLE)
    assert "3/damaged.png" == records.ids[row]
    assert records.reasons[int(row)]


class UnforeseenError(RuntimeError):
    """What nobody foresaw."""


@pytest.mark.slow
@pytest.mark.parametrize("failing", ["decode", "trace"])
@pytest.mark.parametrize("error", [UnforeseenError("deep inside"), MemoryError(), StopIteration()])
def test_an_image_that_causes_what_nobody_foresaw_is_one_unreadable_row(photos, monkeypatch, failing, error):
    """Steps fail for every image of 90 px, decoding for the one that is blank."""
    usual = evaluate(photos)
    blank = (photos / "4" / "blank.png").read_bytes()
    right = getattr(type(preprocessor()), failing)

    def wrong(self, given):
        if np.array_equal(given, 200 + np.zeros((90, 90))) if failing == "trace" else given == blank:
            raise error
        return right(self, given)

    monkeypatch.setattr(type(preprocessor()), failing, wrong)
    records = evaluate(photos).records
    row = usual.records.ids.index("4/blank.png")
    others = np.arange(len(records)) != row

    assert Outcome.UNREADABLE == evaluate(photos).record(row).outcome
    assert ("memory ran out" if isinstance(error, MemoryError) else "please report it") in records.reasons[row]
    np.testing.assert_array_equal(usual.records.outcome[others], records.outcome[others])


def test_an_error_whose_picture_cannot_be_drawn_is_one_unreadable_row(photos, monkeypatch):
    def wrong(*given, **options):
        raise UnforeseenError("deep inside")

    usual = evaluate(photos)
    monkeypatch.setattr(local, "picture", wrong)
    found = evaluate(photos)

    assert found.counts[Outcome.UNREADABLE] == 1 + usual.counts[Outcome.WRONG] + usual.counts[Outcome.BLANK]
    assert usual.counts[Outcome.CORRECT] == found.counts[Outcome.CORRECT]
    assert not found.records.probabilities[found.records.rows(Outcome.UNREADABLE)].any()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_unreadable(photos, tmp_path):
    secret = tmp_path / "7_secret.png"
    secret.write_bytes((photos / "7" / "7.png").read_bytes())
    secret.chmod(0)

    assert 1 == evaluate(tmp_path).counts[Outcome.UNREADABLE]


def test_errors_keep_their_pictures_and_steps(evaluation):
    records = evaluation.records

    errors = {*records.rows(Outcome.WRONG).tolist(), *records.rows(Outcome.BLANK).tolist()}
    shown = errors_with_pictures(evaluation)
    assert errors == set(shown)
    assert all(picture.original and picture.seen for picture in shown.values())


def test_the_first_images_keep_what_the_model_saw_whatever_their_outcome(photos, monkeypatch):
    monkeypatch.setattr(local, "MAX_SEEN", 20)
    records = evaluate(photos).records
    decoded = [row for row in range(20) if records.outcome[row] != OUTCOMES.index(Outcome.UNREADABLE)]
    others = set(records.pictures) - set(errors_with_pictures(evaluate(photos)))

    assert set(decoded) <= set(records.pictures)
    assert max(others) < 20
    assert all(records.pictures[row].seen for row in decoded)


@pytest.mark.slow
def test_mnist_as_png_files_predicts_as_the_arrays_do(data, tmp_path):
    from batch_eval.models import open_model

    with np.load(data / "mnist.npz") as mnist:
        images, labels = mnist["x_test"], mnist["y_test"]
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        (tmp_path / f"{label}_{i:05d}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    model = data / "models" / "plain_cnn.keras"

    records = evaluate(tmp_path, model=model).records
    order = [int(name[2:7]) for name in records.ids]
    np.testing.assert_array_equal(open_model(model).predict(images)[order], records.probabilities)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "floors"),
    [
        ("plain_cnn.keras", {"phone-photo": 0.95, "scan": 0.93, "drawn-on-screen": 0.97}),
        (None, {"phone-photo": 0.985, "scan": 0.985, "drawn-on-screen": 0.985}),
    ],
)
def test_accuracy_on_real_digits_does_not_fall(data, model, floors):
    evaluation = evaluate(data / "digits", model=data / "models" / model if model else None)

    assert 3462 == sum(evaluation.counts.values())
    kinds = np.array(evaluation.records.slices["kind"])
    correct = evaluation.records.outcome == 0
    reached = {kind: float(correct[kinds == kind].mean()) for kind in floors}
    assert all(reached[kind] >= floor for kind, floor in floors.items()), reached
