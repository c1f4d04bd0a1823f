"""What the single formats promise beyond their golden files."""

import csv
import errno
import io
import json
import math
import re
import subprocess
import sys

import cv2
import jsonschema
import numpy as np
import pytest
from hypothesis import given
from report_examples import HOSTILE, empty, evaluations, hostile, small

from batch_eval import publishing
from batch_eval.errors import ConfigError, ReportError
from batch_eval.evaluation import saved
from batch_eval.publishing import whole
from batch_eval.reports import text
from batch_eval.reports.json_files import METRICS_SCHEMA
from batch_eval.reports.registry import Kind, format_names, reporter
from batch_eval.reports.writing import write_reports

SCHEMAS = {"evaluation": saved.SCHEMA, "metrics": METRICS_SCHEMA}


def written(name, evaluation):
    return {path: whole(content) for path, content in reporter(name).files(evaluation)}


def table(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(format_names(Kind.RUN)))
@pytest.mark.parametrize("evaluation", [small, hostile, empty])
def test_every_format_writes_every_evaluation(name, evaluation):
    files = written(name, evaluation())

    assert all(isinstance(content, bytes) for content in files.values())


@pytest.mark.parametrize("name", sorted(format_names(Kind.RUN)))
def test_a_full_disk_leaves_no_file_of_any_format(name, tmp_path, monkeypatch):
    (tmp_path / "old.txt").write_text("old")

    def full(folder, path, content, made):
        (folder / path.rpartition("/")[2]).write_bytes(whole(content)[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(publishing, "_write", full)
    with pytest.raises(ReportError, match="No space left on device"):
        write_reports(small(), tmp_path, [name])

    assert ["old.txt"] == [path.name for path in tmp_path.iterdir()]


def test_csv_cells_cannot_become_formulas():
    for content in written("csv", hostile()).values():
        starts = {cell[:1] for row in table(content) for cell in row}

        assert not starts & set("=+-@\t\r\n")


def test_csv_keeps_numbers_and_harmless_names():
    rows = table(written("csv", small())["predictions.csv"])

    assert rows[0] == [
        "id",
        "truth",
        "predicted",
        "confidence",
        "margin",
        "runner_up",
        "outcome",
        "reason",
        "pen",
        "flag_faint",
    ]
    assert rows[3] == ["a/2.png", "2", "1", "0.8", "0.65", "2", "wrong", "", "thin", "True"]


def test_csv_negative_class_names_stay_numbers():
    from batch_eval.reports.csv_tables import _safe

    assert _safe(["-1", "+2.5e3", "-1-1", "=1"]) == ["-1", "+2.5e3", "'-1-1", "'=1"]


def test_csv_rows_equal_files_whatever_their_names():
    assert len(HOSTILE) + 1 == len(table(written("csv", hostile())["predictions.csv"]))


def test_metrics_are_flat_numbers():
    figures = json.loads(written("json", small())["metrics.json"])

    assert {int, float} >= {type(value) for value in figures.values()}
    assert sum(figures[name] for name in saved.OUTCOMES) == figures["files"]


def test_undefined_metrics_are_absent():
    figures = json.loads(written("json", empty())["metrics.json"])

    assert "accuracy" not in figures
    assert figures["files"] == 0


@pytest.mark.parametrize("name", ["metrics", "evaluation"])
@pytest.mark.parametrize("evaluation", [small, hostile, empty])
def test_json_follows_its_schema(name, evaluation):
    schema = json.loads(SCHEMAS[name].read_text())
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(json.loads(written("json", evaluation())[f"{name}.json"]), schema)


@given(evaluations())
def test_a_saved_evaluation_comes_back_to_the_bit(evaluation):
    content = saved.dump_evaluation(evaluation)
    again = saved.parse_evaluation(content)

    assert content == saved.dump_evaluation(again)
    assert evaluation.records.probabilities.tobytes() == again.records.probabilities.tobytes()


@pytest.mark.parametrize("evaluation", [small, hostile, empty])
def test_loads_what_was_written(evaluation, tmp_path):
    file = tmp_path / "evaluation.json"
    file.write_bytes(saved.dump_evaluation(evaluation()))
    again, first = saved.load_evaluation(file), evaluation()

    assert first.provenance == again.provenance
    assert first.class_names == again.class_names
    assert first.to_pandas().equals(again.to_pandas())
    assert first.records.pictures == again.records.pictures
    assert np.array_equal(first.confusion, again.confusion)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"[1]", "is not a saved evaluation"),
        (b'{"format": 1}', "is not a saved evaluation"),
        (b'{"format": 99, "probabilities": 0}', "Update batch_eval"),
        (b'{"format": 1, "probabilities": 0}', "is damaged"),
        (b'{"format": 1, "probabilities": ' + b"[" * 100_000, "is damaged"),
    ],
)
def test_a_file_that_is_no_saved_evaluation_is_an_error(content, message, tmp_path):
    file = tmp_path / "evaluation.json"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        saved.load_evaluation(file)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("format",), 0),
        (("class_names",), ["0", "1", "1"]),
        (("class_names", 0), 0),
        (("ids", 1), "a/0.png"),
        (("ids", 0), 7),
        (("truth", 2), "seven"),
        (("truth", 2), None),
        (("truth", 7), 7),
        (("outcome", 0), 6),
        (("outcome", 0), -1),
        (("outcome", 0), 1),
        (("outcome", 2), 0),
        (("outcome", 5), 1),
        (("slices", "pen", 0), 3),
        (("flags", "faint"), [8]),
        (("flags", "faint"), [-1]),
        (("reasons", "8"), "far"),
        (("reasons", "4"), None),
        (("pictures", "row", 0), 8),
        (("pictures", "row", 0), "0"),
        (("pictures", "mime", 0), None),
        (("groups",), [[8]]),
        (("groups",), [[]]),
        (("provenance", "created"), None),
        (("provenance", "folder"), 5),
        (("provenance", "notes"), "text"),
        (("provenance", "missing"), [5]),
    ],
)
def test_a_saved_evaluation_that_contradicts_itself_is_damaged(place, value):
    content = json.loads(saved.dump_evaluation(small()))
    *way, last = place
    part = content
    for step in way:
        part = part[step]
    part[last] = value

    with pytest.raises(ConfigError, match="is damaged"):
        saved.parse_evaluation(json.dumps(content).encode())


def test_an_absent_saved_evaluation_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        saved.load_evaluation(tmp_path / "absent.json")


def test_text_holds_no_control_characters():
    shown = text.document(hostile()).decode("utf-8")

    assert [c for c in shown if not c.isprintable() and c != "\n"] == []


def test_text_says_when_nothing_was_scored():
    assert "No image could be scored." in text.document(empty()).decode()


@pytest.mark.parametrize("width", ["30", "80", "200"])
def test_text_fits_the_terminal(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", width)
    file = io.StringIO()
    text.print_summary(small(), file)

    assert max(map(len, file.getvalue().splitlines())) <= int(width)


def test_text_prints_where_the_terminal_knows_only_ascii():
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    text.print_summary(hostile(), file)
    file.flush()

    assert b"Accuracy" in raw.getvalue()


def test_text_has_no_colour_where_it_is_not_wanted(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    text.print_summary(small(), file)

    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", file.getvalue())


@pytest.mark.parametrize("form", ["files", "document"])
def test_html_escapes_every_name(form):
    reporter_ = reporter("html")
    page = dict(reporter_.files(hostile()))["report.html"] if form == "files" else reporter_.document(hostile())
    images = re.findall(rb"<img[^>]+src=", page)

    assert b"alert(1)</script>" not in page
    assert b"<img src=x" not in page
    assert b"<script>alert" not in page
    assert images == []


def test_html_stands_a_strict_content_policy():
    page = written("html", small())["report.html"].decode()

    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|\"data:|javascript:", page) == []
    assert re.findall(r"<script>", page) == []


def test_html_refers_only_to_files_that_it_writes():
    files = written("html", small())
    referred = set(re.findall(r'(?:src|href)="([^"#]+)[^"]*"', files["report.html"].decode()))

    assert set() == referred - set(files)


def test_one_html_document_refers_to_nothing_outside():
    page = reporter("html").document(small()).decode()

    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []
    assert re.findall(r"url\((?!data:)|@import|https?://(?!www\.w3\.org)", page) == []


def test_html_shows_every_error_with_its_pictures():
    files = written("html", small())
    page = files["report.html"].decode()
    shown = re.findall(r'<svg [^>]*viewBox="([^"]+)"><image href="report_files/([^"]+)"/></svg>', page)

    # Row 3 is the most confident error, so it comes first. Each picture is one pixel; row 2 has a strip of steps.
    assert {("1 1 1 1", "drawings-1.png"), ("4 1 1 1", "drawings-1.png")} <= set(shown)
    assert {("1 1 1 1", "seen-1.png"), ("4 1 1 1", "seen-1.png"), ("1 1 16 8", "steps-1.jpg")} <= set(shown)
    sheet = cv2.imdecode(np.frombuffer(files["report_files/seen-1.png"], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert [[50] * 3 + [100] * 3] * 3 == sheet.tolist()  # with the border that repeats the edge


def test_matrix_cells_lead_to_their_images():
    page = written("html", small())["report.html"].decode()
    targets = set(re.findall(r'href="#([^"]+)"', page))

    assert targets <= set(re.findall(r'id="([^"]+)"', page))
    assert {"cell-2-0", "cell-2-1", "cell-1-3"} <= targets


def test_reports_import_their_libraries_late():
    code = (
        "import sys, batch_eval.reports, batch_eval.evaluation.saved;"
        "print({'jinja2', 'rich', 'pandas', 'sklearn', 'tensorflow'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout == "set()\n"


def test_percentages_of_nothing_are_a_dash():
    from batch_eval.wording import percent, percent_range

    assert (percent(math.nan), percent_range((math.nan, math.nan))) == ("–", "–")
