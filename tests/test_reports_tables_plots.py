"""Parquet and Excel read back, LaTeX, and plots that are pictures."""

import builtins
import io
from dataclasses import replace
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from report_examples import HOSTILE, empty, hostile, small

from batch_eval.errors import ConfigError
from batch_eval.evaluation import Picture
from batch_eval.reports import csv_tables, latex, parquet, plots, xlsx
from batch_eval.reports.booktabs import booktabs, escaped
from batch_eval.reports.context import ReportContext


@pytest.mark.parametrize("evaluation", [small, empty])
def test_parquet_holds_what_the_table_holds(evaluation):
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(io.BytesIO(parquet.document(evaluation())))
    expected = evaluation().columns()

    assert expected == {name: table.column(name).to_pylist() for name in expected}


def test_no_column_of_the_table_replaces_another():
    slices = {"id": ("a",) * 8, "slice_id": ("b",) * 8, "flag_faint": ("c",) * 8}
    columns = replace(small(), records=replace(small().records, slices=slices)).columns()

    added = {name: columns[name][0] for name in list(columns)[8:]}
    assert {"slice_id": "a", "slice_slice_id": "b", "flag_faint": "c", "flag_flag_faint": False} == added
    assert list(small().records.ids) == columns["id"]


def test_parquet_holds_every_probability_to_the_bit():
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(io.BytesIO(parquet.document(small())))
    columns = [table.column(f"probability_{name}").to_numpy() for name in small().class_names]

    assert small().records.probabilities.tobytes() == np.stack(columns, axis=1).tobytes()


def test_parquet_escapes_names_that_are_no_unicode():
    pq = pytest.importorskip("pyarrow.parquet")
    ids = pq.read_table(io.BytesIO(parquet.document(hostile()))).column("id").to_pylist()

    assert [name.replace("\udcff", "\\udcff") for name in HOSTILE] == ids


@pytest.mark.slow
@pytest.mark.parametrize("evaluation", [small, hostile])
def test_plots_are_png_svg_and_pdf(evaluation):
    pytest.importorskip("matplotlib")
    files = dict(plots.files(evaluation()))

    names = {"confusion_matrix", "confusion_matrix_normalised", "reliability", "coverage"}
    digits = {"first_digits"} if any(p.seen for p in evaluation().records.pictures.values()) else set()
    assert {f"{name}.{kind}" for name in names | digits for kind in ("png", "svg", "pdf")} == set(files)
    for name, data in files.items():
        if name.endswith("png"):
            assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None
        elif name.endswith("pdf"):
            assert data.startswith(b"%PDF-")
            assert data.rstrip().endswith(b"%%EOF")
        else:
            assert ElementTree.fromstring(data).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.slow
def test_plots_are_the_same_twice():
    pytest.importorskip("matplotlib")

    assert dict(plots.files(small())) == dict(plots.files(small()))


def test_nothing_scored_gives_no_plot():
    assert [] == list(plots.files(empty()))


@pytest.mark.parametrize(("format_", "package"), [(parquet, "pyarrow"), (plots, "matplotlib"), (xlsx, "openpyxl")])
def test_a_missing_package_is_an_error_that_says_what_to_install(format_, package, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith(package):
            raise ModuleNotFoundError(f"No module named {package!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=f"needs {package} .*pip install .+\\["):
        list(format_.files(small()))


def sheets(evaluation):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(io.BytesIO(xlsx.document(evaluation)))
    return {sheet.title: list(sheet.iter_rows()) for sheet in book}


def test_the_workbook_holds_what_the_tables_hold():
    found = sheets(small())
    header, *rows = [[cell.value for cell in row] for row in found["Predictions"]]

    assert ["Summary", "Predictions", "Misclassified", "Classes", "Confusion matrix", "Outputs"] == list(found)
    assert list(small().records.ids) == [row[header.index("id")] for row in rows]
    counts = [[cell.value for cell in row[1:]] for row in found["Confusion matrix"][1:]]
    assert small().confusion.tolist() == counts
    assert ("accuracy", small().accuracy) in [tuple(cell.value for cell in row) for row in found["Summary"]]


@pytest.mark.parametrize("evaluation", [hostile, empty])
def test_no_cell_of_the_workbook_is_a_formula(evaluation):
    for rows in sheets(evaluation()).values():
        assert "f" not in {cell.data_type for row in rows for cell in row}


def test_the_workbook_is_the_same_twice():
    pytest.importorskip("openpyxl")

    assert xlsx.document(small()) == xlsx.document(small())


def test_outputs_have_two_decimals_and_gaps_where_nothing_was_read():
    header, *rows = (
        csv_tables.table(csv_tables.output_columns(small(), np.arange(len(small().records)))).decode().splitlines()
    )

    assert header.startswith("id,truth,output_0")
    cells = [cell for row in rows for cell in row.split(",")[2:]]
    assert "" in cells
    assert all(len(cell.partition(".")[2]) <= 2 for cell in cells)


def test_excel_and_pandas_read_a_table_with_a_byte_order_mark():
    import pandas as pd

    context = ReportContext(csv_bom=True)
    marked, plain = csv_tables.document(small(), context), csv_tables.document(small())

    assert b"\xef\xbb\xbf" + plain == marked
    assert list(pd.read_csv(io.BytesIO(plain)).columns) == list(pd.read_csv(io.BytesIO(marked)).columns)


def test_a_wide_table_has_small_letters_so_that_it_fits_the_page():
    narrow = booktabs("tab:a", "A.", "ll", [("Figure", "Value"), ("Accuracy", "98.7")])
    wide = booktabs("tab:b", "B.", "l" * 12, [[str(i) for i in range(12)], ["1,000"] * 12])

    assert "footnotesize" not in narrow
    assert "\\centering\n\\footnotesize\n\\setlength{\\tabcolsep}{3pt}\n\\begin{tabular}" in wide


def test_what_latex_takes_for_a_command_is_escaped():
    assert r"\textbackslash{}input\{a\_b\}\%\#\&\$\textasciicircum{}" == escaped(r"\input{a_b}%#&$^")
    for line in latex.document(hostile()).decode().splitlines():
        assert line.isprintable()


@pytest.mark.slow
def test_first_digits_are_drawn_with_their_predictions():
    pytest.importorskip("matplotlib")
    seen = cv2.imencode(".png", np.zeros((28, 28), np.uint8))[1].tobytes()
    rows = np.flatnonzero(small().records.has_prediction).tolist()
    pictures = {row: Picture(None, seen) for row in rows}
    evaluation = replace(small(), records=replace(small().records, pictures=pictures))
    texts = [text.text for text in ElementTree.fromstring(dict(plots.files(evaluation))["first_digits.svg"]).iter()]

    record = evaluation.record(rows[0])
    assert f"{record.truth or '?'}, read as {record.read_as} ({record.confidence:.2f})" in texts
