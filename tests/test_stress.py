"""How far a model is from breaking: the readings, what follows from them, the gate, the reports and the command."""

import csv
import io
import json
import re
from dataclasses import replace
from itertools import pairwise

import cv2
import jsonschema
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from report_examples import HOSTILE, falling, provenance
from report_examples import stress_test as example
from test_cli_run import batch_eval

import batch_eval as package
from batch_eval import evaluate, stress
from batch_eval.api import open_task
from batch_eval.distortions.suites import MNIST_C, PHOTO
from batch_eval.engines.distorted import NOT_READ, Plan, read_distorted
from batch_eval.errors import ConfigError, DatasetError
from batch_eval.gates.stress import check_stress, parse_stress_limits
from batch_eval.publishing import whole
from batch_eval.reports.context import ReportContext
from batch_eval.reports.registry import Kind, format_names, reporter
from batch_eval.reports.stress.json_file import SCHEMA
from batch_eval.studies.stress import StressOptions, stress_task

COUNT = 20


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Drawn digits on paper, two of each, in folders by label."""
    folder = tmp_path_factory.mktemp("stress") / "photos"
    for seed in range(COUNT):
        label = seed % 10
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / str(label) / f"{seed}.png"), on_paper(ink(seed, label)))
    return folder


@pytest.fixture(scope="module")
def found(photos):
    return stress(photos, distortions=["blur", "crop"])


def test_blur_makes_drawn_digits_worse_step_by_step(found):
    blur = next(curve for curve in found.curves if curve.distortion.name == "blur")
    shares = [found.plain.share, *(point.tally.share for point in blur.points)]

    assert shares[0] >= 0.9
    assert shares[-1] < 0.6
    assert all(later <= earlier + 0.05 for earlier, later in pairwise(shares))


def test_the_plain_reading_is_that_of_a_run(found, photos):
    evaluation = evaluate(photos)

    assert tuple(evaluation.records.ids) == found.ids
    assert evaluation.accuracy == found.plain.share


def test_same_seed_same_bytes_whatever_the_workers(photos):
    options = {"distortions": ["turn", "noise"], "sample": 12}
    once, again, other = (stress(photos, **options, jobs=jobs, seed=seed) for jobs, seed in ((1, 5), (2, 5), (1, 6)))
    for name in format_names(Kind.STRESS):
        document = reporter(name, Kind.STRESS).document

        assert whole(document(once)) == whole(document(again))
    assert other.ids != once.ids


def test_a_distortion_draws_the_same_beside_any_others(found, photos):
    alone = stress(photos, distortions=["crop"])
    columns = [point.column for curve in found.curves if curve.distortion.name == "crop" for point in curve.points]

    assert np.array_equal(alone.read[:, 1:], found.read[:, columns])


def test_a_sample_is_drawn_in_order_and_no_larger_than_the_set(photos):
    few = stress(photos, distortions=["dark"], sample=7)

    assert 7 == len(few.ids)
    assert COUNT == few.images
    assert COUNT == len(stress(photos, distortions=["dark"], sample=1000).ids)


def test_an_image_without_ink_is_not_read(photos):
    task = open_task(photos)
    crop = PHOTO.chosen(["crop"])
    blank = replace(crop.distortions[0], apply=lambda image, level, rng: np.full_like(image, 200))
    plan = Plan(replace(crop, distortions=(blank,)).settings, False, 0)

    assert {NOT_READ} == set(read_distorted(task, task.dataset.samples[:2], plan)[:, 1:].ravel().tolist())


def test_unreadable_images_are_left_out_and_said(tmp_path, photos):
    for seed in (1, 2):
        (tmp_path / f"{seed}.png").write_bytes((photos / str(seed) / f"{seed}.png").read_bytes())
    (tmp_path / "3.png").write_bytes(b"no image")
    labels = {"1.png": "1", "2.png": "2", "3.png": "3"}
    found = stress(tmp_path, labels=labels, distortions=["blur"])

    assert ("1.png", "2.png") == found.ids
    assert "1 of 3 images cannot be read and are left out." in found.provenance.notes
    (tmp_path / "1.png").unlink()
    (tmp_path / "2.png").unlink()
    with pytest.raises(DatasetError, match="none of the 1 images can be read"):
        stress(tmp_path, labels={"3.png": "3"}, distortions=["blur"])


def test_a_distortion_holds_until_the_level_before_it_is_significantly_worse():
    # turn has seven levels, blur six; with six of ten broken, McNemar's exact p is 2 / 2⁶ = 0.031
    found = example(falling(10, 10, 9, 6, 5, 4, 9, 4, 9, 8, 7, 6, 5, 5))
    turn, blur = found.curves

    assert ("turn", 20, 25) == (turn.distortion.name, turn.holds.setting.level, turn.breaks.setting.level)
    assert [False] * 4 + [True, False, True] == [point.broken for point in turn.points]
    assert blur.breaks is None
    assert 6 == blur.holds.setting.level
    assert ["turn", "blur"] == [curve.distortion.name for curve in found.ranked]


def test_a_distortion_may_hold_at_no_level():
    turn = example(falling(10, 4, *[0] * 6, *[10] * 6)).curves[0]

    assert turn.holds is None
    assert 5 == turn.breaks.setting.level


def test_the_mean_is_that_of_all_settings():
    assert 0.5 == example(falling(10, *[5] * 13)).mean


def test_images_fall_in_the_order_of_the_settings_that_break_them():
    found = example(falling(9, *[9] * 5, 2, 1, *[9] * 5, 3))

    assert [2, 3, 4, 5, 6, 7, 8] == sorted(fall.place for fall in found.falls if fall.falls > 1)[:7]
    assert 1 == found.falls[-1].place
    assert 7 == found.falls[-1].column
    assert all(found.hits[place, 0] for place in found.montage)


def test_without_any_reading_there_is_still_a_montage():
    found = example(falling(0, *[0] * 13))

    assert [0] == found.montage
    assert () == found.falls


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("blur=90%", r"write DISTORTION@LEVEL=SHARE, such as blur@4=90%\."),
        ("blur@4", r"write DISTORTION@LEVEL=SHARE"),
        ("blurr@4=90%", r"unknown distortion 'blurr'\. Did you mean blur\?"),
        ("blur@5=90%", r"'5' is no level of blur\. Must be one of 0\.5, 1, 2, 3, 4, 6 \(sigma, % of the side\)\."),
        ("blur@4=90", r"it must lie between 0 and 1.*Did you mean 90%\?"),
    ],
)
def test_a_limit_that_is_wrong_says_what_is_right(text, reason):
    with pytest.raises(ConfigError, match=rf"--fail-under-stress {text} is invalid: .*{reason}"):
        parse_stress_limits([text], PHOTO)


def test_a_gate_passes_at_its_limit_and_the_last_of_two_counts():
    found = example(falling(10, *[9] * 13))
    limits = parse_stress_limits(["blur@4=100%", "turn@5=0.95", "blur@4=90%"], PHOTO)
    results = check_stress(found, limits)

    assert [("fail-under-stress blur@4", True), ("fail-under-stress turn@5", False)] == [
        (result.name, result.passed) for result in results
    ]
    assert results[0].message.startswith("Accuracy with focus blur (4 % of the side) 90.0 % of 10 images; at least 90")


def test_a_gate_of_a_distortion_that_is_not_tried_is_refused():
    with pytest.raises(ConfigError, match="unknown distortion 'turn'"):
        parse_stress_limits(["turn@5=0.9"], PHOTO.chosen(["blur"]))


def test_json_follows_its_schema(found):
    gates = check_stress(found, parse_stress_limits(["blur@4=90%"], PHOTO))
    content = json.loads(whole(reporter("json", Kind.STRESS).document(found, ReportContext(gates))))

    jsonschema.validate(content, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert {"blur", "crop"} == {one["name"] for one in content["distortions"]}
    misread = sum(len(image["misread"]) for image in content["images"])
    assert misread == sum(level["n"] - level["correct"] for one in content["distortions"] for level in one["levels"])


def test_csv_has_a_row_for_each_level(found):
    rows = list(csv.DictReader(io.StringIO(whole(reporter("csv", Kind.STRESS).document(found)).decode())))

    assert len(found.settings) == len(rows)
    assert {"true", "false"} >= {row["broken"] for row in rows}
    assert "20" == rows[0]["images"]


def test_the_page_is_one_file_with_curves_and_pictures(found):
    ((path, content),) = reporter("html", Kind.STRESS).files(found)
    page = whole(content).decode()

    assert "stress.html" == path
    assert 2 == page.count('class="curve"')
    assert page.count("data:image/jpeg;base64,") >= len(found.montage) * (2 + len(found.settings))
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)


@pytest.mark.parametrize("name", format_names(Kind.STRESS))
def test_names_of_strangers_stay_text(name):
    names = (HOSTILE * 10)[:10]
    strange = provenance(model=HOSTILE[0], folder=HOSTILE[1], label_source=HOSTILE[5], notes=HOSTILE)
    found = replace(example(falling(10, *[3] * 13)), ids=names, provenance=strange)
    text = whole(reporter(name, Kind.STRESS).document(found)).decode()

    assert [] == [c for c in text if not c.isprintable() and c not in "\r\n"]
    assert name in ("text", "csv", "json") or "<img src=x" not in text


def test_a_page_without_pictures_and_falls_is_whole():
    page = whole(reporter("html", Kind.STRESS).document(example(falling(0, *[0] * 13)))).decode()

    assert "No distortion makes it significantly worse at the levels tried." in page


def test_mnist_c_distorts_what_the_model_sees(photos):
    found = stress(photos, suite="mnist-c", distortions=["rotate", "scale"])

    assert ["rotate", "scale"] == sorted(one.name for one in found.distortions)
    assert all(data.startswith(b"\x89PNG") for data in found.pictures.values())
    assert found.mean > 0.5


def test_mnist_c_needs_what_mnist_has(photos):
    task = open_task(photos, preprocess="none")
    other = replace(task, classifier=_Resized(task.classifier))

    with pytest.raises(ConfigError, match=r"distorts grey images of 28 × 28 pixels.*Use --suite photo"):
        stress_task(other, StressOptions(MNIST_C))


class _Resized:
    """A classifier that says its input is larger."""

    def __init__(self, classifier):
        self._classifier = classifier
        self.size = (32, 32)

    def __getattr__(self, name):
        return getattr(self._classifier, name)


@pytest.mark.parametrize(("options", "message"), [({"sample": 0}, "sample 0"), ({"seed": -1}, "seed -1")])
def test_numbers_out_of_range_are_refused(photos, options, message):
    with pytest.raises(ConfigError, match=f"{message} is invalid: it must be at least"):
        stress(photos, **options)


def test_labels_that_are_no_classes_leave_nothing_to_test(photos):
    with pytest.raises(DatasetError):
        stress([str(photos / "1" / "1.png")], labels=["flower"])


def test_progress_counts_images(photos):
    counts = []
    stress(photos, distortions=["dark"], sample=5, jobs=1, progress=counts.append)

    assert 5 == sum(counts)


def test_stress_is_public():
    assert "stress" in package.__all__


def test_the_command_fails_by_its_gate_and_leaves_its_reports(photos, tmp_path):
    out = tmp_path / "out"
    done = batch_eval(
        *("stress", photos, "-d", "blur", "--sample", 10, "--out", out, "--fail-under-stress", "blur@6=99%")
    )

    assert 1 == done.returncode, done.stderr
    assert {"stress.html", "stress.json", "stress.csv", "stress.md"} == {path.name for path in out.iterdir()}
    assert 1 == (done.stdout + done.stderr).count("FAILED  fail-under-stress blur@6: Accuracy with focus blur (6 % of")
    assert "focus blur  " in done.stdout


def test_the_command_prints_one_format_and_says_its_gates_beside_it(photos):
    done = batch_eval(
        *("stress", photos, "-d", "dark", "--sample", 4, "-f", "json", "--fail-under-stress", "dark@1=50%")
    )

    assert 0 == done.returncode, done.stderr
    assert 4 == json.loads(done.stdout)["plain"]["n"]
    assert "passed  fail-under-stress dark@1" in done.stderr


def test_the_command_refuses_a_wrong_name_before_it_runs(photos):
    done = batch_eval("stress", photos, "--distortion", "blurred")

    assert 2 == done.returncode
    assert "unknown distortion 'blurred'. Did you mean blur? Must be one of turn, tilt," in done.stderr


def test_its_repr_is_one_line():
    provenance_ = provenance(model="mnist.keras")

    assert "<StressTest mnist.keras: 100.0 % plain, breaks first at turn@5>" == repr(
        replace(example(falling(10, 4, *[10] * 12)), provenance=provenance_)
    )
    assert repr(example(falling(10, *[10] * 13))).endswith("nothing breaks it>")


def test_python_writes_its_reports(found, tmp_path):
    assert ["stress.csv", "stress.html"] == sorted(path.name for path in found.report(tmp_path, ["html", "csv"]))


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (10, "It takes 6 images that break: 60.0 % of these."),
        (4, "4 images cannot show that a level is worse: it takes 6 that break."),
    ],
)
def test_a_report_says_what_so_few_images_can_show(images, sentence):
    text = whole(reporter("text", Kind.STRESS).document(example(falling(10, *[10] * 13)[:images]))).decode()

    assert sentence in text


def test_the_command_takes_one_model(photos):
    done = batch_eval("stress", photos, "-m", "a.keras", "-m", "b.keras")

    assert 2 == done.returncode
    assert "--model was given 2 times (a.keras, b.keras), but stress takes one model." in done.stderr


def test_processes_give_the_bytes_of_one(photos):
    command = ("stress", photos, "-d", "noise", "-d", "shadow", "-f", "json", "--jobs")
    alone, shared = (batch_eval(*command, jobs) for jobs in (1, 2))

    assert 0 == shared.returncode, shared.stderr
    assert alone.stdout == shared.stdout
