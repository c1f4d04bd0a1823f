"""Slices with many values: a column of comments or times is left out of reports, named, and can be chosen."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from report_examples import provenance, small
from test_cli_run import ROOT, batch_eval

from batch_eval.errors import ConfigError
from batch_eval.evaluation import Evaluation, Records
from batch_eval.evaluation.breakdown import MAX_VALUES, usable_slices
from batch_eval.evaluation.paired import compare
from batch_eval.evaluation.saved import dump_evaluation, parse_evaluation
from batch_eval.publishing import whole
from batch_eval.reports.context import ReportContext
from batch_eval.reports.registry import reporter

N = MAX_VALUES + 1


def commented() -> Evaluation:
    """Images that each have a comment and a time of their own, and one of two pens."""
    table = np.tile(np.float32([0.9, 0.06, 0.04]), (N, 1))
    slices = {
        "pen": tuple("thin" if i % 2 else "thick" for i in range(N)),
        "comment": tuple(f"remark {i}" for i in range(N)),
        "time": tuple(f"12:{i:02}" for i in range(N)),
    }
    ids = tuple(f"{i}.png" for i in range(N))
    return Evaluation(
        ("0", "1", "2"), Records(ids, ("0",) * N, np.zeros(N, np.uint8), table, slices=slices), provenance()
    )


def test_slices_with_more_than_twenty_values_are_left_out_and_named():
    found = usable_slices(commented())

    assert ["pen"] == list(found.shown)
    assert {"comment": N, "time": N} == found.left_out
    assert "comment (21 values), time (21 values). Choose slices with --slice." in found.note


def test_chosen_slices_are_shown_whatever_their_number_of_values():
    found = usable_slices(commented(), ("time",))

    assert (["time"], "") == (list(found.shown), found.note)


def test_an_unknown_slice_is_refused():
    with pytest.raises(ConfigError, match=r"names 'pencil', which is no slice\. Found: 'pen', 'comment', 'time'"):
        usable_slices(commented(), ("pencil",))


def test_junit_has_no_case_for_each_comment():
    root = ElementTree.fromstring(reporter("junit").document(commented()))
    suite = root.find("testsuite[@name='batch_eval.slices']")

    assert ["pen=thick", "pen=thin"] == [case.get("name") for case in suite.iter("testcase")]
    assert "comment (21 values)" in suite.findtext("system-out")


def test_junit_has_the_cases_of_a_chosen_slice():
    root = ElementTree.fromstring(reporter("junit").document(commented(), ReportContext(slices=("time",))))

    assert N == len(root.findall("testsuite[@name='batch_eval.slices']/testcase"))


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_pages_name_what_they_leave_out(name):
    text = whole(reporter(name).document(commented())).decode()
    chosen = whole(reporter(name).document(commented(), ReportContext(slices=("comment",)))).decode()

    assert "comment" in text.split("more than 20 values")[1]
    assert "more than 20 values" not in chosen


def test_comparisons_leave_them_out_too():
    groups = {part.group for part in compare([commented(), commented()], ["a", "b"]).subgroups(1)}

    assert {"class", "pen"} == groups


def test_saved_evaluations_keep_every_column():
    assert {"pen", "comment", "time"} == set(parse_evaluation(dump_evaluation(commented())).records.slices)


@pytest.mark.slow
def test_the_option_chooses_slices(tmp_path):
    options = ("--format", "json", "--format", "junit", "--slice", "pen", "--quiet", "--out", tmp_path)
    done = batch_eval("run", ROOT / "sample_images", *options)

    assert 0 == done.returncode, done.stderr
    assert b"pen=ballpoint" in (tmp_path / "junit.xml").read_bytes()
    assert b"paper=" not in (tmp_path / "junit.xml").read_bytes()
    assert "which is no slice" in batch_eval("report", tmp_path, "--slice", "ink").stderr


def test_annotations_carry_the_path_from_the_repository():
    evaluation = replace(small(), provenance=provenance(path="tests/data/photos"))
    annotations = reporter("github").document(evaluation).decode()
    (result, *_) = json.loads(reporter("sarif").document(evaluation))["runs"][0]["results"]

    assert "file=tests/data/photos/" in annotations
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.startswith("tests/data/photos/")


def test_files_of_older_versions_have_no_path():
    content = json.loads(dump_evaluation(small()))
    del content["provenance"]["path"]

    assert "photos/a.png" == parse_evaluation(json.dumps(content).encode()).provenance.file_path("a.png")
