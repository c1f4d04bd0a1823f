"""Columns of pyarrow that are made from buffers are those that pyarrow makes of the values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import modules_after

from batch_eval import arrow
from batch_eval.texts import Coded, Texts

pa = pytest.importorskip("pyarrow")

WORDS = st.lists(st.text(max_size=4), max_size=20)


@given(values=st.lists(st.none() | st.integers(-9, 9), max_size=20))
def test_numbers(values):
    plain = np.array([value or 0 for value in values], np.int64)

    assert arrow.numbers(pa, plain).equals(pa.array(plain))
    valid = np.array([value is not None for value in values], np.bool_)
    assert arrow.numbers(pa, plain, valid).equals(pa.array(values, pa.int64()))
    assert arrow.numbers(pa, np.zeros((4, 3), np.float32)[:, 1]).to_pylist() == [0] * 4


@given(values=st.lists(st.booleans(), max_size=20))
def test_flags(values):
    assert arrow.flags(pa, np.array(values, np.bool_)).equals(pa.array(values, pa.bool_()))


@given(values=WORDS, absent=st.booleans())
def test_texts(values, absent):
    some = [None if absent and value == "" else value for value in values]

    assert arrow.texts(pa, Texts.of(values)).equals(pa.array(values, pa.string()))
    assert arrow.texts(pa, Coded.of(some)).equals(pa.array(some, pa.string()))


@given(values=st.lists(st.text(st.characters(exclude_categories=()), max_size=3), max_size=9))
def test_texts_that_are_no_unicode_come_back(values):
    assert arrow.listed(arrow.texts(pa, Texts.of(values))) == values
    assert arrow.listed(arrow.texts(pa, Coded.of([None, *values]))) == [None, *values]


@given(values=st.lists(st.none() | st.binary(max_size=3), max_size=20))
def test_files_and_digests(values):
    assert arrow.files(pa, values).equals(pa.array(values, pa.binary()))
    rows = np.arange(32, dtype=np.uint8).reshape(2, 16)
    assert arrow.digests(pa, rows).equals(pa.array([row.tobytes() for row in rows], pa.binary(16)))


def test_a_part_is_written_without_pandas():
    pytest.importorskip("pandas")
    code = """
import numpy as np
from batch_eval.dataset.sample import Sample, Samples
from batch_eval.engines.rows import Picture, Rows
from batch_eval.parts.tables import Names, PartTable, pictures_file, rows_file
names = Names(("paper",), ("0", "1"))
samples = Samples.of([Sample("a.png", "a.png", "1", ("ruled",)), Sample("b.png", "b.png", None, ("",))])
rows = Rows(range(2), 2, digests=True)
rows.flags["blurred"] = [1]
rows_file(PartTable(samples, rows), names)
pictures_file({1: Picture(b"1", None)})
"""
    assert not {"pandas", "pyarrow.dataset"} & modules_after(code)
