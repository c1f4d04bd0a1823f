"""Parquet read back, and plots that are pictures."""

import builtins
import io
from dataclasses import replace
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from report_examples import HOSTILE, empty, hostile, small

from batch_eval.errors import ConfigError
from batch_eval.reports import parquet, plots


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


@pytest.mark.parametrize("evaluation", [small, hostile])
def test_plots_are_png_and_svg(evaluation):
    pytest.importorskip("matplotlib")
    files = dict(plots.files(evaluation()))

    assert {f"{n}.{k}" for n in ("confusion_matrix", "reliability", "coverage") for k in ("png", "svg")} == set(files)
    for name, data in files.items():
        if name.endswith("png"):
            assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None
        else:
            assert ElementTree.fromstring(data).tag == "{http://www.w3.org/2000/svg}svg"


def test_plots_are_the_same_twice():
    pytest.importorskip("matplotlib")

    assert dict(plots.files(small())) == dict(plots.files(small()))


def test_nothing_scored_gives_no_plot():
    assert [] == list(plots.files(empty()))


@pytest.mark.parametrize(("format_", "package"), [(parquet, "pyarrow"), (plots, "matplotlib")])
def test_a_missing_package_is_an_error_that_says_what_to_install(format_, package, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith(package):
            raise ModuleNotFoundError(f"No module named {package!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=f"needs {package} .*pip install .+\\["):
        list(format_.files(small()))
