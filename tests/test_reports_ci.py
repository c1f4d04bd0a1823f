"""The formats that CI systems read: JUnit, GitHub Actions, SARIF, Markdown."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pydantic_sarif.model as sarif_model
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from report_examples import HOSTILE, HOSTILE_GATES, context, empty, hostile, small, wrong

from batch_eval.errors import ReportError
from batch_eval.gates import GateResult
from batch_eval.reports import github, junit, markdown, sarif
from batch_eval.reports.context import ReportContext
from batch_eval.reports.writing import write_report, write_reports

EVALUATIONS = [small, hostile, empty]
SARIF = next(t for t in vars(sarif_model).values() if getattr(t, "__name__", "").startswith("StaticAnalysisResults"))
"""The model of a whole log, generated from OASIS' schema."""


def cases(evaluation, context_=None):
    root = ElementTree.fromstring(junit.document(evaluation, context_ or context()))
    return {case.get("name"): case for case in root.iter("testcase")}


@pytest.mark.parametrize("evaluation", EVALUATIONS)
@pytest.mark.parametrize("told", [context(), HOSTILE_GATES, ReportContext()])
def test_junit_follows_its_schema(evaluation, told):
    schema = xmlschema.XMLSchema(str(Path(__file__).with_name("schemas") / "junit.xsd"))

    assert schema.is_valid(junit.document(evaluation(), told).decode())


def test_the_junit_schema_refuses_what_it_does_not_know():
    schema = xmlschema.XMLSchema(str(Path(__file__).with_name("schemas") / "junit.xsd"))

    assert not schema.is_valid(junit.document(small(), context()).decode().replace(" failures=", " failed="))


def test_junit_has_a_case_for_each_gate_class_and_slice():
    expected = ["fail-under-class 0", "fail-under", "class 0", "class 1", "class 2", "pen=thin", "pen=thick"]

    assert [*expected, "flag faint"] == list(cases(small()))


def test_junit_fails_the_gate_and_the_class_that_it_limits():
    gate = GateResult("fail-under-class 2", False, 0.0, 0.9, 2, "too low")
    failed = [name for name, case in cases(small(), ReportContext((gate,))).items() if case.find("failure") is not None]

    assert ["fail-under-class 2", "class 2"] == failed


def test_junit_skips_classes_without_images():
    assert cases(empty())["class 0"].find("skipped") is not None


def test_junit_counts_are_those_of_its_cases():
    root = ElementTree.fromstring(junit.document(small(), context()))
    suites = root.findall("testsuite")

    assert [len(suite) for suite in suites] == [int(suite.get("tests")) for suite in suites]
    assert [len(suite.findall("*/failure")) for suite in suites] == [int(suite.get("failures")) for suite in suites]


@pytest.mark.parametrize("evaluation", EVALUATIONS)
@pytest.mark.parametrize("told", [context(), HOSTILE_GATES])
def test_sarif_follows_the_oasis_schema(evaluation, told):
    assert SARIF.model_validate_json(sarif.document(evaluation(), told))


@pytest.mark.parametrize(
    ("key", "other"), [(b'"ruleId"', b'"ruleID"'), (b'"warning"', b'"bad"'), (b'"2.1.0"', b'"2.1"')]
)
def test_the_sarif_schema_refuses_what_it_does_not_know(key, other):
    with pytest.raises(ValueError, match="validation error"):
        SARIF.model_validate_json(sarif.document(small()).replace(key, other, 1))


def test_sarif_has_a_result_for_each_file_that_needs_a_look():
    results = json.loads(sarif.document(small()))["runs"][0]["results"]
    places = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results]

    names = ["a/3.png", "a/2.png", "b/4.png", "b/5.png", "b/6.png", "b/7.png"]

    assert [f"photos/{name}" for name in names] == places
    assert ["wrong", "wrong", "blank", "unreadable", "unlabelled", "out_of_range"] == [r["ruleId"] for r in results]


def test_sarif_addresses_hold_no_character_that_ends_them():
    results = json.loads(sarif.document(hostile()))["runs"][0]["results"]
    places = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results]

    assert all(re.fullmatch(r"[A-Za-z0-9._~%/-]+", place) for place in places)
    assert len(set(places)) == len(HOSTILE)


def test_sarif_says_where_results_are_cut(monkeypatch):
    monkeypatch.setattr(sarif, "MAX_RESULTS", 2)
    run = json.loads(sarif.document(small()))["runs"][0]

    assert ({"showing": 2, "of": 6}, 2) == (run["properties"], len(run["results"]))


def test_github_annotates_failed_gates_errors_and_the_result():
    kinds = re.findall(r"^::(\w+) ", github.document(small(), context()).decode(), re.MULTILINE)

    assert ["error", "warning", "warning", "warning", "notice"] == kinds


def test_github_writes_no_more_than_a_step_shows_and_says_so():
    gates = tuple(GateResult(f"g{i}", False, 0.5, 0.9, 10, "low") for i in range(12))
    text = github.document(wrong(30), ReportContext(gates)).decode()

    assert (10, 10, 1) == tuple(text.count(f"::{kind} ") for kind in ("error", "warning", "notice"))
    assert "showing 10 of 12 failed gates" in text
    assert "showing 10 of 30 misread images" in text


def test_github_names_cannot_end_a_command():
    lines = github.document(hostile(), HOSTILE_GATES).decode().split("\n")

    assert all(re.match(r"::(error|warning|notice) title=[^:]*::", line) for line in lines[:-1])


@given(st.text())
def test_github_escapes_come_back(text):
    back = github._property(text)
    for code, character in [("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")]:
        back = back.replace(code, character)

    assert text == back
    assert not set(github._property(text)) & set("\r\n:,")


def test_step_summary_of_any_size_fits(monkeypatch):
    monkeypatch.setattr(github, "SUMMARY_BYTES", 1000)
    summary = github.step_summary(small())

    assert len(summary) < 1000
    assert summary.endswith(b"The rest is cut: a step summary holds 1 MiB.\n")


def test_step_summary_of_a_huge_evaluation_is_below_a_mebibyte():
    evaluation = wrong(3000)
    values = tuple(f"{'v' * 600}{i % 20}" for i in range(3000))
    slices = {f"{'s' * 600}{i}": values for i in range(60)}
    huge = replace(evaluation, records=replace(evaluation.records, slices=slices))

    assert len(markdown.document(huge)) > 1 << 20
    assert (1 << 20) - 5000 < len(github.step_summary(huge)) < 1 << 20
    assert len(github.document(huge).splitlines()) == github.PER_STEP + 1


def test_no_step_summary_is_written_where_the_variable_is_absent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    write_report(small(), "github", tmp_path / "annotations.txt", context=context())

    assert ["annotations.txt"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("write", ["file", "folder"])
def test_step_summary_is_appended_where_github_wants_it(write, tmp_path, monkeypatch):
    target = tmp_path / "summary.md"
    target.write_bytes(b"before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(target))
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    if write == "file":
        write_report(small(), "github", tmp_path / "annotations.txt", context=context())
    else:
        write_reports(small(), tmp_path, ["github"], context=context())

    assert b"before\n" + markdown.document(small(), context()) == target.read_bytes()


def test_other_formats_write_no_step_summary(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    write_reports(small(), tmp_path, ["markdown"])

    assert not (tmp_path / "summary.md").exists()


def test_a_step_summary_that_cannot_be_written_is_an_error_with_advice(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(ReportError, match="GITHUB_STEP_SUMMARY names"):
        write_reports(small(), tmp_path / "out", ["github"])


def test_annotations_are_printed_where_a_runner_reads_them(tmp_path, monkeypatch, capfdbinary):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    write_reports(small(), tmp_path, ["github"])

    assert github.document(small()) == capfdbinary.readouterr().out


def test_markdown_shows_hostile_names_as_text():
    text = markdown.document(hostile(), HOSTILE_GATES).decode()

    assert re.findall(r"<(?!/?(?:details|summary)>)", text) == []
    assert [c for c in text if not c.isprintable() and c != "\n"] == []


def test_markdown_tables_keep_their_columns():
    rows = [line for line in markdown.document(hostile(), HOSTILE_GATES).decode().splitlines() if line.startswith("|")]
    gates = [re.sub(r"\\.", "", row).count("|") for row in rows[: 2 + len(HOSTILE)]]

    assert {4} == set(gates)


def test_markdown_says_how_many_errors_it_shows():
    assert "showing 50 of 60" in markdown.document(wrong(60)).decode()


def test_trend_without_a_shared_image_says_so():
    other = replace(small(), records=replace(small().records, ids=tuple("stuvwxyz")))

    assert "it shares no scored image with this one" in markdown.document(small(), ReportContext((), other)).decode()


@pytest.mark.parametrize("format_", ["html", "text", "markdown"])
def test_gates_and_trend_stand_before_the_outcomes(format_, tmp_path):
    text = write_report(small(), format_, tmp_path / "report", context=context()).read_text()
    places = [text.lower().index(part) for part in ("1 of 2 gates failed", "compared with old.keras", "outcome")]

    assert places[2] == max(places) or format_ == "html"
    assert places[1] < text.index("The prediction is the label.")
