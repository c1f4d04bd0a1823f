"""`explain`: the change that makes a misread image read right, and where the evidence lies."""

import json
from dataclasses import replace
from io import StringIO

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from test_cli_run import batch_eval

from batch_eval import ModelOptions, evaluate, open_model
from batch_eval.errors import ConfigError
from batch_eval.evaluation.explanations import KINDS, reasons
from batch_eval.evaluation.saved import dump_evaluation, load_evaluation, parse_evaluation
from batch_eval.reports import html, markdown
from batch_eval.reports.json_files import flat_metrics
from batch_eval.reports.text import print_summary
from batch_eval.studies.explain import (
    check_same_model,
    decisive,
    digits_for,
    drawn,
    explain,
    explain_image,
    explained,
    patches,
)
from batch_eval.studies.nearest import mnist_digits, training_digits
from batch_eval.studies.repairs import repairs


class Reads:
    """A model of two classes that follows a rule: `1` where the rule holds for an image."""

    class_names = ("0", "1")

    def __init__(self, rule):
        self.rule = rule

    def predict(self, images):
        held = np.array([self.rule(image) for image in images])
        return np.where(held[:, None], [[0.1, 0.9]], [[0.9, 0.1]]).astype(np.float32)


@pytest.fixture
def stroke():
    """A vertical stroke with a gap in its middle."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13:15] = 255
    image[12:16] = 0
    return image


def test_changes_are_distinct_and_come_smallest_first(stroke):
    found = repairs(stroke)

    assert sorted(repair.level for repair in found) == [repair.level for repair in found]
    assert len(found) == len({repair.image.tobytes() for repair in found})
    assert set(KINDS) == {repair.kind for repair in found}
    assert all(repair.image.shape == stroke.shape and repair.image.dtype == np.uint8 for repair in found)


def test_an_empty_image_has_nothing_to_change():
    assert [] == repairs(np.zeros((28, 28), np.uint8))


def test_a_gap_that_misleads_is_to_be_closed(stroke):
    model = Reads(lambda image: cv2.connectedComponents((image > 32).astype(np.uint8))[0] == 2 and image[13, 13] > 0)
    found = explain_image(model, stroke, "a.png", "1")

    assert found.repair is not None
    assert found.repair.kind == "adding"
    assert "label 1, read as 0; to be read right: close this gap in the middle" == found.sentence


def test_a_spot_that_misleads_is_to_be_erased(stroke):
    stroke[3:6, 22:25] = 255
    found = explain_image(Reads(lambda image: not image[:8, 20:].any()), stroke, "a.png", "1")

    assert "erasing" in found.kinds
    assert found.repair is not None
    assert "erase this spot at the top right" == found.repair.words


def test_evidence_lies_where_the_reading_comes_from(stroke):
    stroke[3:6, 22:25] = 255
    found = explain_image(Reads(lambda image: not image[3:6, 22:25].all()), stroke, "a.png", "1")
    rows, columns = decisive(found)[0]

    assert found.evidence.max() == found.evidence[3:6, 22:25].max() > 0
    assert rows.start <= 5
    assert columns.stop >= 22


def test_decisive_patches_hold_ink_and_do_not_overlap(stroke):
    found = explain_image(Reads(lambda image: image.sum() < stroke.sum() / 2), stroke, "a.png", "1")
    covered = np.zeros((28, 28), np.uint8)
    for cover in decisive(found):
        assert cover in patches(stroke)
        covered[cover] += 1

    assert 1 == covered.max()


def test_what_no_change_helps_is_said(stroke):
    found = explain_image(Reads(lambda image: False), stroke, "a.png", "1")

    assert found.repair is None
    assert "label 1, read as 0; no small change makes it read right" == found.sentence
    assert ["No small change makes 2 of 2 read right."] == reasons([found.kinds, found.kinds])


def test_reasons_are_summed_up(stroke):
    found = explain_image(Reads(lambda image: image.sum() > 1.2 * stroke.sum()), stroke, "a.png", "1")

    assert "2 of 2 errors go away with thicker strokes." in reasons([found.kinds, found.kinds])


def test_a_picture_has_three_panels(stroke):
    found = explain_image(Reads(lambda image: image[13, 13] > 0), stroke, "a.png", "1")

    assert (140, 3 * 140 + 2 * 4, 3) == drawn(found).shape


@pytest.fixture
def photos(tmp_path):
    """Two images, of which one has a wrong label."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, label in (("a.png", 3), ("b.png", 5)):
        cv2.imwrite(str(folder / name), on_paper(ink(label, label)))
    (folder / "labels.csv").write_text("filename,label\na.png,3\nb.png,6\n")
    return folder


def test_only_misread_images_are_explained(photos):
    assert ["b.png"] == [found.id for found in explain(photos)]
    assert [] == explain(photos, at_most=0)


def test_the_command_names_reasons_and_writes_pictures(photos, tmp_path):
    done = batch_eval("explain", photos, "--out", tmp_path / "out")

    assert 0 == done.returncode, done.stderr
    assert "1. b.png: label 6, read as 5; " in done.stdout
    assert "goes away" in done.stdout or "No small change makes it read right." in done.stdout
    assert ["1.png"] == [path.name for path in (tmp_path / "out").iterdir()]


def test_the_command_says_where_nothing_was_misread(photos):
    (photos / "labels.csv").write_text("filename,label\na.png,3\nb.png,5\n")

    assert "No image was misread.\n" == batch_eval("explain", photos).stdout


def test_a_report_explains_as_the_run_does(photos, tmp_path):
    run = batch_eval("run", photos, "--explain", "--out", tmp_path / "run")
    plain = batch_eval("run", photos, "--out", tmp_path / "plain")
    report = batch_eval("report", tmp_path / "plain", "--explain", "--format", "json")

    assert (0, 0, 0) == (run.returncode, plain.returncode, report.returncode), run.stderr + report.stderr
    explained_by_run = load_evaluation(tmp_path / "run" / "evaluation.json").explanations
    assert 1 == len(explained_by_run)
    assert explained_by_run == load_evaluation(tmp_path / "plain" / "evaluation.json").explanations
    summary = reasons([explained_by_run[0].kinds])[0]
    assert summary in run.stdout


@pytest.fixture
def misread(photos):
    """An evaluation of two images, of which one is explained."""
    return explained(evaluate(photos), open_model())


def test_every_report_shows_what_helps(misread):
    (one,) = misread.explanations
    summary = StringIO()
    print_summary(misread, summary)
    page = html.document(misread).decode()

    assert one.reason in page
    assert all(line in page and line in summary.getvalue() for line in misread.error_reasons)
    assert all(line in markdown.document(misread).decode() for line in misread.error_reasons)
    assert {"explained": 1, "repaired": int(bool(one.kinds))}.items() <= flat_metrics(misread).items()


def test_explanations_are_saved(misread):
    assert misread.explanations == parse_evaluation(dump_evaluation(misread)).explanations


@pytest.mark.parametrize("damage", [{"kinds": ["magic"]}, {"row": 7}, {"picture": None}])
def test_explanations_of_a_damaged_file_are_refused(misread, damage):
    content = json.loads(dump_evaluation(misread))
    content["explanations"][0] |= damage

    with pytest.raises(ConfigError, match="is damaged"):
        parse_evaluation(json.dumps(content).encode())


def test_no_more_errors_are_explained_than_wanted(photos):
    assert () == explained(evaluate(photos), open_model(), at_most=0).explanations


def test_some_of_the_errors_are_named_as_such():
    assert ["2 of the 2 most confident errors go away when turned."] == reasons([["turning"], ["turning"]], 5)


def test_an_explanation_is_one_line_of_a_notebook(photos) -> None:
    (found,) = explain(photos)

    assert f"<Explanation of b.png: {found.sentence}>" == repr(found)


def test_the_sums_speak_of_a_single_error_as_one() -> None:
    assert ["The error goes away when turned."] == reasons([["turning"]])
    assert ["The most confident error goes away when turned."] == reasons([["turning"]], 5)
    assert ["No small change makes it read right."] == reasons([[]])


def test_another_model_cannot_explain(misread):
    other = replace(misread, provenance=replace(misread.provenance, model="x.keras", model_sha256="0"))

    with pytest.raises(ConfigError, match=r"made with x\.keras"):
        check_same_model(open_model(), other)


def test_a_model_opened_another_way_cannot_explain(misread):
    with pytest.raises(ConfigError, match="opened another way"):
        check_same_model(open_model(ModelOptions(ink="dark")), misread)


def test_the_package_s_training_digits_are_read_right():
    digits = mnist_digits()

    assert list("0123456789") == list(digits.of_class)
    for name, images in digits.of_class.items():
        assert len(images) >= 90
        assert (open_model().predict(images).argmax(axis=1) == int(name)).mean() > 0.95


def test_a_digit_of_the_training_set_is_nearest_to_itself():
    digits = mnist_digits()
    seen = digits.of_class["4"][7]

    assert (seen == digits.nearest(seen, "4")).all()
    assert (seen != digits.nearest(seen, "9")).any()
    assert digits.nearest(seen, "a") is None


def test_a_larger_input_has_the_same_nearest_digit():
    digits = mnist_digits()
    seen = digits.of_class["4"][7]

    assert (seen == digits.nearest(cv2.resize(seen, (56, 56), interpolation=cv2.INTER_NEAREST), "4")).all()


def test_the_default_model_shows_its_nearest_training_digits(photos):
    (found,) = explain(photos)

    assert [(28, 28), (28, 28)] == [digit.shape for digit in found.nearest]
    assert drawn(found).shape == (140, 5 * 140 + 4 * 4, 3)


def test_other_models_need_a_file_of_digits(tmp_path, photos):
    model = open_model()
    object.__setattr__(model, "sha256", "0")
    images = np.stack([cv2.resize(ink(digit, digit), (28, 28)) for digit in range(10)])
    np.savez(tmp_path / "digits.npz", x_train=images, y_train=np.arange(10))

    assert digits_for(model, None) is None
    assert 10 == len(digits_for(model, tmp_path / "digits.npz").of_class)
    (found,) = explain(photos, against=tmp_path / "digits.npz")
    assert (found.nearest[0] == images[5]).all()


@pytest.mark.parametrize(
    "arrays", [{"x": np.zeros(3)}, {"x_train": np.zeros((2, 28, 28)), "y_train": np.zeros(2)}, None]
)
def test_files_without_training_digits_are_refused(tmp_path, arrays):
    if arrays is None:
        (tmp_path / "digits.npz").write_bytes(b"no archive")
    else:
        np.savez(tmp_path / "digits.npz", **arrays)

    with pytest.raises(ConfigError, match=r"digits\.npz"):
        training_digits(tmp_path / "digits.npz")
