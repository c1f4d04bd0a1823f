"""`batch-eval predict`: single images from files and from stdin, in every format."""

import csv
import io
import json
import subprocess
import sys

import cv2
import jsonschema
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from processes import ROOT, batch_eval, modules_after

from batch_eval.engines.reader import Predictions, Reader, named_images
from batch_eval.errors import ConfigError
from batch_eval.imaging import preprocessor
from batch_eval.models import open_model
from batch_eval.reports.predictions import csv_table, text
from batch_eval.reports.predictions.json_file import SCHEMA
from batch_eval.reports.predictions.text import SHADES, drawn
from batch_eval.reports.registry import Kind, reporter

SEVEN = ROOT / "sample_images" / "7-1-dotted-felt-tip.png"
THREE = ROOT / "sample_images" / "3-2-plain-ballpoint.png"


@pytest.fixture
def hopeless(tmp_path):
    """Images in which nothing can be read: one blank, one no image."""
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((200, 200), 230, np.uint8))
    (tmp_path / "text.png").write_text("<svg onload=alert(1)>")
    return tmp_path / "blank.png", tmp_path / "text.png"


@pytest.fixture(scope="module")
def reader():
    return Reader(open_model(threads=1), preprocessor())


def test_each_image_is_one_line_with_its_most_probable_classes():
    done = batch_eval("predict", SEVEN, THREE)

    assert (0, "") == (done.returncode, done.stderr)
    assert [(str(SEVEN), "7"), (str(THREE), "3")] == [
        (line.split(": ")[0], line.split(": ")[1][0]) for line in done.stdout.splitlines()
    ]
    assert [3, 3] == [line.count("%") for line in done.stdout.splitlines()]


def test_top_says_how_many_classes():
    done = batch_eval("predict", SEVEN, "--top", 99)

    assert 10 == done.stdout.count("%")


def test_one_bad_image_does_not_stop_the_others(hopeless):
    blank, text = hopeless
    done = batch_eval("predict", text, "nowhere.png", blank, SEVEN)
    lines = [line.rpartition(f"{text.parent}/")[2] for line in done.stdout.splitlines()]

    assert 2 == done.returncode
    assert lines[0].startswith("text.png: unreadable, not an image of a supported kind")
    assert "nowhere.png: unreadable, the file cannot be read: No such file or directory" == lines[1]
    assert "blank.png: blank, no ink was found" == lines[2]
    assert ": 7 " in lines[3]
    assert f"2 of 4 images cannot be read: {text}, nowhere.png.\n" == done.stderr


def test_a_blank_image_is_no_error(hopeless):
    assert 0 == batch_eval("predict", hopeless[0]).returncode


def test_a_dash_reads_stdin():
    command = [sys.executable, "-m", "batch_eval", "predict", "-", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, input=THREE.read_bytes(), capture_output=True, check=True)
    image = json.loads(done.stdout)["images"][0]

    assert ("-", "3") == (image["image"], image["guesses"][0]["class"])


def test_an_empty_stdin_is_unreadable():
    command = [sys.executable, "-m", "batch_eval", "predict", "-"]
    done = subprocess.run(command, cwd=ROOT, input=b"", capture_output=True, check=False)

    assert (2, b"-: unreadable, not an image: the file is empty\n") == (done.returncode, done.stdout)


def test_show_draws_what_the_model_saw():
    done = batch_eval("predict", SEVEN, "--show")
    rows = done.stdout.splitlines()[1:]

    assert 28 == len(rows)
    assert rows == drawn(preprocessor()(cv2.imread(str(SEVEN))).image)


def test_the_drawing_has_two_characters_to_a_pixel():
    image = np.array([[0, 255], [128, 0]], np.uint8)

    assert ["  @@", "++"] == drawn(image)


def test_a_large_colour_image_is_drawn_small():
    assert [56 * SHADES[-1]] * 14 == [row.strip() for row in drawn(np.full((100, 200, 3), 255, np.uint8))]


def test_json_follows_its_schema_and_knows_the_reasons(hopeless):
    done = batch_eval(
        "predict", *hopeless, SEVEN, "--format", "json", "--show", "--skip", "lines", "--adjust", "ink.window=0.4"
    )
    found = json.loads(done.stdout)
    jsonschema.validate(found, json.loads(SCHEMA.read_text(encoding="utf-8")))

    assert ["blank", "unreadable", "read"] == [image["outcome"] for image in found["images"]]
    assert [True, True, False] == [bool(image["reason"]) for image in found["images"]]
    assert [(28, 28), None, (28, 28)] == [image["seen"] and np.shape(image["seen"]) for image in found["images"]]
    assert (["lines"], {"ink.window": 0.4}) == (found["skip"], found["adjust"])


def test_csv_has_a_row_for_every_image(hopeless):
    done = batch_eval("predict", *hopeless, SEVEN, "--format", "csv", "--top", 2)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))

    assert ["blank", "unreadable", "read"] == [row["outcome"] for row in rows]
    assert ["", "", "7"] == [row["predicted"] for row in rows]
    assert "image,outcome,predicted,confidence,predicted_2,confidence_2,digit_score,reason,flags" == ",".join(rows[0])


def test_csv_names_are_no_formulas(reader, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = csv_table.document(Predictions(reader, reader.predictions(named_images(["=1+1.png"]), 3))).decode()

    assert "'=1+1.png" == next(csv.DictReader(io.StringIO(table)))["image"]


def test_names_cannot_steer_the_terminal(reader):
    line = b"".join(text.document(Predictions(reader, reader.predictions(named_images(["\x1b[2Ja.png"]), 3)))).decode()

    assert line.startswith(r"\x1b[2Ja.png: unreadable")


def test_text_is_written_image_by_image(reader):
    """The second path is taken only after the first line is out."""
    taken = []
    paths = (taken.append(path) or str(path) for path in (SEVEN, THREE))
    next(text.document(Predictions(reader, reader.predictions(named_images(paths), 3))))

    assert [SEVEN] == taken


def test_an_unknown_format_is_refused():
    with pytest.raises(ConfigError, match="Must be one of text, csv, json"):
        reporter("xml", Kind.PREDICTION)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "xml"], "unknown prediction format 'xml'"),
        (["--preprocess", "foto"], "Did you mean 'photo'"),
        (["--model", "nothing.keras"], "There is no model at nothing.keras"),
        (["--top", "0"], "--top"),
    ],
)
def test_what_the_user_must_change_is_one_message(arguments, message):
    done = batch_eval("predict", SEVEN, *arguments)

    assert 2 == done.returncode
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_guesses_fall_and_are_those_of_an_evaluation(reader):
    seen = preprocessor()(on_paper(ink(4, 4))).image
    shares = reader.classifier.predict(seen[None])[0]
    _, png = cv2.imencode(".png", on_paper(ink(4, 4)))
    guesses = reader.read(png.tobytes(), 10).guesses

    assert sorted(shares.tolist(), reverse=True) == [guess.confidence for guess in guesses]
    assert str(shares.argmax()) == guesses[0].name


def test_nothing_heavy_is_imported():
    modules = modules_after(
        f"import sys; sys.argv = ['batch-eval', 'predict', {str(SEVEN)!r}]\n"
        "from batch_eval.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass"
    )

    assert set() == modules & {"tensorflow", "keras", "sklearn", "matplotlib", "pandas", "starlette", "uvicorn"}
