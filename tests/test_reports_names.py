"""Every format of every kind of report, with each of the strings that break one in every place that holds text."""

import csv
import io
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from markdown_it import MarkdownIt
from report_examples import falling, small, stress_test

from batch_eval.engines.model_view import ModelView, Shown
from batch_eval.engines.reader import Prediction, Predictions, Reader, Reading
from batch_eval.engines.rows import Guess
from batch_eval.evaluation.paired import compare
from batch_eval.evaluation.ranking import Entry, rank
from batch_eval.evaluation.saved import dump_evaluation, parse_evaluation
from batch_eval.gates import GateResult
from batch_eval.imaging import Prepared, preprocessor
from batch_eval.models import open_model
from batch_eval.models.description import Description, Layer
from batch_eval.publishing import whole
from batch_eval.reports.context import ReportContext
from batch_eval.reports.registry import FORMATS, Kind, reporter

STRINGS = {
    "half a surrogate pair": "a\ud800b",
    "byte that is not UTF-8": "a\udcffb",
    "terminal escape": "a\x1b]0;title\x07\x1b[2Jb",
    "C1 control": "a\x9b2Jb",
    "NUL": "a\0b",
    "newline": "a\nb",
    "carriage return": "a\rb",
    "right-to-left override": "a\u202egpj.b",
    "bidirectional isolate": "a\u2066b",
    "line separator": "a\u2028b",
    "noncharacter": "a\uffffb",
    "web address": "www.example.org",
    "link": "[a](https://e.example) <https://e.example> ![a](b)",
    "cells": "a|b | --- |",
    "formula =": '=HYPERLINK("https://e.example")',
    "formula +": "+1+1",
    "formula -": "-1+1",
    "formula @": "@SUM(A1)",
    "tab before a formula": "\t=1+1",
    "element": "<img src=x onerror=alert(1)>",
    "LaTeX": "\\input{/etc/passwd} $\\write18{id}$ %",
    "workflow command": "\n::error::broken",
    "long name": "long name " * 30,
    "long word": "W" * 300,
}
FORBIDDEN = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
FORMULA = re.compile(r"\s*[=+\-@]")


def evaluation(text):
    """An evaluation with a text in every place that holds one, as a saved file may have them."""
    now = small()
    records = replace(
        now.records,
        ids=(text, f"{text}/{text}", *now.records.ids[2:]),
        truth=(text, *now.records.truth[1:]),
        reasons={4: text, 5: text},
        slices={text: (text,) * 8},
        flags={text: now.records.flags["faint"]},
    )
    place = replace(
        now.provenance,
        folder=text,
        path=text,
        label_source=text,
        model=text,
        version=text,
        notes=(text,),
        missing=(text,),
    )
    return replace(now, class_names=(text, "1", "2"), records=records, provenance=place)


def gates(text):
    return ReportContext((GateResult(text, False, 0.4, 0.95, 5, text),), evaluation(text), slices=(text,))


@pytest.fixture(scope="module")
def classifier():
    return open_model(threads=1)


def subject(kind, text, classifier):
    """What a report of a kind is about, with a text in every place."""
    if kind is Kind.RUN:
        return evaluation(text)
    if kind is Kind.COMPARISON:
        return compare([evaluation(text), small_like(text)], [text, f"{text} 2"])
    if kind is Kind.RANKING:
        return rank([Entry(text, evaluation(text)), Entry("b", small_like(text)), Entry(text, None, problem=text)])
    if kind is Kind.STRESS:
        place = evaluation(text).provenance
        found = stress_test(falling(10, *[3] * 13))
        return replace(found, class_names=(text, "1"), ids=(text,) * 10, provenance=place)
    image = np.zeros((28, 28), np.uint8)
    guesses = (Guess(text, 0.9), Guess("1", 0.1))
    if kind is Kind.PREDICTION:
        seen = Prepared(image, blank=False, flags=(text,))
        reader = Reader(classifier, preprocessor("photo"))
        return Predictions(reader, [Prediction(text, Reading(image, seen, guesses)), Prediction(text, None, text)])
    layers = tuple(Layer(name, text, (3, 3), 4, 0, inputs, text) for name, inputs in ((text, ()), ("b", (text,))))
    return ModelView(classifier, Description(text, text, layers), None, Shown(text, image, guesses, ()))


def small_like(text):
    """The same images, one of them read otherwise."""
    now = evaluation(text)
    outcome = now.records.outcome.copy()
    outcome[0], outcome[2] = outcome[2], outcome[0]
    probabilities = now.records.probabilities.copy()
    probabilities[[0, 2]] = probabilities[[2, 0]]
    return replace(now, records=replace(now.records, outcome=outcome, probabilities=probabilities))


KINDS = (Kind.RUN, Kind.COMPARISON, Kind.RANKING, Kind.PREDICTION, Kind.INSPECTION, Kind.STRESS)
EVERY = [
    pytest.param(kind, name, marks=[pytest.mark.slow] * (name == "plots"))
    for name, kinds in FORMATS.items()
    for kind in KINDS
    if kind in kinds
]


@pytest.mark.parametrize("text", STRINGS.values(), ids=STRINGS)
@pytest.mark.parametrize(("kind", "name"), EVERY, ids=str)
def test_a_text_stays_a_text(kind, name, text, classifier):
    for path, content in reporter(name, kind).files(subject(kind, text, classifier), gates(text)):
        check = CHECKS.get(path.rpartition(".")[2])
        if check is not None and not path.endswith(("report.css", ".js")):
            check(whole(content))


@pytest.mark.parametrize("text", STRINGS.values(), ids=STRINGS)
def test_a_saved_evaluation_is_read_again(text):
    assert evaluation(text).records.ids == parse_evaluation(dump_evaluation(evaluation(text))).records.ids


def plain(content):
    """Return the text; it is UTF-8, and nothing in it steers a terminal or an editor."""
    text = content.decode("utf-8")

    assert not FORBIDDEN.findall(text)
    return text


def tabular(content):
    text = plain(content.replace(b"\r\n", b"\n"))  # RFC 4180 ends lines so
    for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))):
        assert not [cell for cell in row if FORMULA.match(cell) and not _is_number(cell)]


def _is_number(cell):
    return re.fullmatch(r"[+-]?\d+(\.\d+)?(e-?\d+)?", cell) is not None and cell not in STRINGS.values()


def objects(content):
    json.loads(plain(content))


def page(content):
    text = plain(content)

    assert "<img src=x" not in text
    assert not re.search(r"href=\"?(https?:)?//(www|e)\.example", text)


def table(content):
    text = plain(content)
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    kinds = {child.type for token in tokens for child in token.children or ()}
    widths = {}

    assert not kinds & {"link_open", "image"}
    assert not re.search(r"www\.|https?://(?!json)", text.replace("\\", ""))
    for line in text.splitlines():  # all rows of a table have the cells of its head
        if line.startswith("|"):
            widths.setdefault("now", len(re.findall(r"(?<!\\)\|", line)))
            assert widths["now"] == len(re.findall(r"(?<!\\)\|", line)), line
        else:
            widths.clear()


def xml(content):
    ET.fromstring(plain(content))


def lines(content):
    for line in plain(content).splitlines():
        assert not line.startswith("::error::broken")


def tex(content):
    text = plain(content)

    assert "\\input{/" not in text
    assert "\\write" not in text


def workbook(content):
    openpyxl = pytest.importorskip("openpyxl")
    for sheet in openpyxl.load_workbook(io.BytesIO(content)):
        for row in sheet.iter_rows():
            assert not [cell for cell in row if cell.data_type == "f" or cell.hyperlink]
            assert not [cell for cell in row if isinstance(cell.value, str) and FORBIDDEN.search(cell.value)]


def columns(content):
    import pyarrow.parquet as pq

    pq.read_table(io.BytesIO(content)).to_pylist()


CHECKS = {
    "csv": tabular,
    "json": objects,
    "sarif": objects,
    "html": page,
    "md": table,
    "xml": xml,
    "txt": lines,
    "tex": tex,
    "xlsx": workbook,
    "parquet": columns,
}
"""How a file is read again, by its suffix."""
