"""Columns of texts: sequences like any other, in less memory."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_eval import json_stream, texts
from batch_eval.dataset.sample import Sample, Samples
from batch_eval.json_stream import Base64, entries, from_base64, pieces
from batch_eval.texts import Coded, Texts

ANY = st.text(st.characters(exclude_categories=()), max_size=6)
"""Also lone surrogates: Python spells bytes of file names so that are not UTF-8."""
VALUES = st.lists(ANY, max_size=40)


@pytest.fixture(autouse=True, scope="module", params=[3, 10_000])
def block(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "BLOCK", request.param)
        patch.setattr(json_stream, "BLOCK", request.param)
        yield


@pytest.mark.parametrize("kind", [Texts, Coded])
@given(values=VALUES, data=st.data())
def test_a_column_is_a_sequence_of_its_texts(kind, values, data):
    column = kind.of(iter(values))
    rows = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=9)) if values else []

    assert len(column) == len(values)
    assert list(column) == values
    assert column == values == list(kind.of(column))
    assert [column[i] for i in range(-len(values), len(values))] == values * 2
    assert column[1:5] == values[1:5]
    assert column[-3:] == values[-3:]
    assert column[np.array(rows, np.intp)] == [values[row] for row in rows]
    assert column[np.arange(len(values))] == values
    assert pickle.loads(pickle.dumps(column)) == values
    assert column != [*values, ""]


@pytest.mark.parametrize("kind", [Texts, Coded])
@given(parts=st.lists(VALUES, max_size=5))
def test_columns_are_joined(kind, parts):
    assert kind.joined(map(kind.of, parts)) == kind.of(text for part in parts for text in part)


@pytest.mark.parametrize("kind", [Texts, Coded])
def test_a_row_beyond_the_end_raises(kind):
    with pytest.raises(IndexError):
        kind.of(["a"])[1]


@pytest.mark.parametrize("other", [None, 7, b"a"])
def test_only_texts_are_texts(other):
    with pytest.raises(TypeError):
        Texts.of(["a", other])


@given(values=VALUES)
def test_texts_that_are_there_twice_are_found(values):
    assert Texts.of(values).are_different() == (len(set(values)) == len(values))


@given(values=VALUES, data=st.data())
def test_the_texts_of_a_mask_are_kept(values, data):
    mask = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))

    assert Texts.of(values).kept(np.array(mask, np.bool_)) == [v for v, kept in zip(values, mask, strict=True) if kept]


@given(values=st.lists(st.sampled_from(["a", "b", "", None]), max_size=30), data=st.data())
def test_a_coded_column_counts_as_a_dict_does(values, data):
    column = Coded.of(values)
    rows = sorted(data.draw(st.sets(st.integers(0, len(values) - 1)))) if values else []
    some = [values[row] for row in rows]
    part = column.at(np.array(rows, np.intp))

    assert [*column.counts().items()] == [(v, values.count(v)) for v in dict.fromkeys(values)]
    assert part == some
    assert [*part.values] == [*dict.fromkeys(some)]
    assert column.having(["a", None]).tolist() == [v in ("a", None) for v in values]


@pytest.mark.parametrize("distinct", [1, 256, 257, 65_537])
def test_codes_take_as_few_bytes_as_they_need(distinct):
    column = Coded.of(range(distinct))

    assert column.codes.itemsize == (1 if distinct <= 256 else 2 if distinct <= 65_536 else 4)
    assert column[distinct - 1] == distinct - 1


@given(values=VALUES, slices=st.booleans())
def test_samples_are_made_when_they_are_asked_for(values, slices):
    made = [Sample(v, v + "x" * (i % 2), v or None, (v, "p") if slices else ()) for i, v in enumerate(values)]
    columns = Samples.of(iter(made))

    assert columns == made
    assert list(columns) == made
    assert columns[1:3] == tuple(made[1:3])
    assert [columns[i] for i in range(len(made))] == made


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY, inner, max_size=4),
    max_leaves=12,
)


@given(content=st.dictionaries(ANY, JSON, max_size=6), spaces=st.sampled_from([None, 2]))
def test_entries_are_those_that_json_reads(content, spaces):
    text = json.dumps(content, indent=spaces)

    assert dict(entries(f" {text}\n")) == json.loads(text)
    assert json.loads(b"".join(pieces(content))) == json.loads(text)
    assert b"".join(pieces(content)) == json.dumps(content, separators=(",", ":")).encode()


@given(text=st.text('{}[]":, \n1ae', max_size=12))
def test_what_is_no_json_raises_as_json_does(text):
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"line|column|Expecting|Extra|Invalid|Unterminated"):
            dict(entries(text))
    else:
        assert dict(entries(text)) == (expected if isinstance(expected, dict) else {})


@given(values=VALUES, numbers=st.lists(st.integers(0, 255), max_size=40))
def test_columns_are_written_as_lists(values, numbers):
    content = {"texts": Texts.of(values), "coded": Coded.of(values), "numbers": np.array(numbers, np.uint8)}
    plain = {"texts": values, "coded": values, "numbers": numbers}

    assert b"".join(pieces(content)) == json.dumps(plain, separators=(",", ":")).encode()
    assert b"".join(pieces([content])) == json.dumps([plain], separators=(",", ":")).encode()


@given(data=st.binary(max_size=100))
def test_bytes_are_read_as_they_were_written(data):
    assert from_base64(json.loads(b"".join(pieces(Base64(np.frombuffer(data, np.uint8)))))) == data
