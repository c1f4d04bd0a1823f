"""Sets whose rows are too many for the memory: the figures are those of one run, the errors a fair sample."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import processes
import pytest
from drawn_digits import ink, on_paper
from hypothesis import given, settings
from hypothesis import strategies as st
from report_examples import provenance

from batch_eval.api import joined
from batch_eval.errors import ConfigError
from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Records
from batch_eval.evaluation.breakdown import by_flag, by_slice, calibration, coverage, usable_slices
from batch_eval.evaluation.paired import NothingSharedError, compare, paired_counts
from batch_eval.evaluation.ranking import Entry, rank
from batch_eval.evaluation.saved import dump_evaluation, load_evaluation, parse_evaluation, stored_provenance
from batch_eval.evaluation.summing import sums_of
from batch_eval.evaluation.sums import THRESHOLDS
from batch_eval.gates import Limits, check
from batch_eval.gates.limits import ClassLimit, SliceLimit
from batch_eval.publishing import whole
from batch_eval.reports.json_files import flat_metrics
from batch_eval.reports.writing import write_reports

pytest.importorskip("pyarrow")

import pyarrow.parquet as pq
from made_parts import CLASSES, job_of, runs, written

from batch_eval.evaluation.every_row import RowsFile
from batch_eval.evaluation.every_row import written as rows_file
from batch_eval.evaluation.streamed import joint
from batch_eval.parts import large
from batch_eval.parts.merging import find_parts, merge

EPOCH = "1700000000"
EVERY_GATE = Limits(
    fail_under=0.5,
    fail_under_low=0.5,
    fail_under_class=(ClassLimit(None, 0.5),),
    fail_under_slice=(SliceLimit("paper", None, 0.5),),
    max_unreadable=0.1,
    max_unlabelled=0.1,
    max_out_of_range=0.1,
    max_ece=0.2,
)


@pytest.fixture(autouse=True, scope="module")
def fixed_time():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", EPOCH)
        yield


def both(run, part_rows: int, folder: Path) -> tuple[Evaluation, Evaluation]:
    """Return the evaluation of one run, and that of its parts merged as a large set."""
    dataset, rows = run
    parts = written(dataset, rows, part_rows, folder)
    one = joined(dataset, rows, CLASSES, job_of(dataset, parts[0].job.plan).provenance, None)
    return one, merge(parts, whole_up_to=0)


def saved(evaluation: Evaluation, folder: Path) -> Evaluation:
    """Return an evaluation that was saved and loaded again."""
    write_reports(evaluation, folder, ["json"])
    return load_evaluation(folder / "evaluation.json")


def ordered(breakdowns) -> list:
    return [(one.name, sorted(one.tallies)) for one in breakdowns]


@given(run=runs(), part_rows=st.integers(1, 41))
@settings(max_examples=12)
def test_the_figures_of_a_large_set_are_those_of_one_run(tmp_path_factory, run, part_rows):
    folder = tmp_path_factory.mktemp("large")
    one, merged = both(run, part_rows, folder / "parts")
    for found in (merged, saved(merged, folder / "out")):
        assert one.counts == found.counts
        assert flat_metrics(one) == flat_metrics(found)
        assert repr(one.per_class) == repr(found.per_class)
        assert np.array_equal(one.confusion, found.confusion)
        assert repr(calibration(one)) == repr(calibration(found))
        assert coverage(one, THRESHOLDS) == coverage(found, THRESHOLDS)
        assert sorted(by_flag(one), key=repr) == sorted(by_flag(found), key=repr)
        assert ordered(by_slice(one)) == sorted(ordered(by_slice(found)), key=lambda part: part[0] != "paper")
        assert usable_slices(one).left_out == usable_slices(found).left_out
        assert usable_slices(one).shown.keys() == usable_slices(found).shown.keys()
        assert sorted(check(one, EVERY_GATE), key=repr) == sorted(check(found, EVERY_GATE), key=repr)
        assert one.trials == found.trials


@given(run=runs(), part_rows=st.integers(1, 41), order=st.randoms())
@settings(max_examples=12)
def test_parts_in_any_order_make_the_same_large_set(tmp_path_factory, run, part_rows, order):
    folder = tmp_path_factory.mktemp("large")
    written(*run, part_rows, folder / "parts")
    written(*run, 7, folder / "others")
    paths = list((folder / "parts").glob("*.json"))
    order.shuffle(paths)
    merged, again = merge(find_parts(paths), whole_up_to=0), merge(find_parts([folder / "others"]), whole_up_to=0)

    assert dump_evaluation(merged) == dump_evaluation(again)
    assert pq.read_table(_file(merged, folder)).equals(pq.read_table(_file(again, folder)))


@given(run=runs(), part_rows=st.integers(1, 41))
@settings(max_examples=12)
def test_the_rows_of_a_large_set_are_those_of_the_parquet_report(tmp_path_factory, run, part_rows):
    folder = tmp_path_factory.mktemp("large")
    one, merged = both(run, part_rows, folder / "parts")
    write_reports(one, folder / "one", ["parquet"])
    expected, found = pq.read_table(folder / "one" / "predictions.parquet"), pq.read_table(_file(merged, folder))

    added = set(found.column_names) - set(expected.column_names)
    assert added <= {"digit_score"}
    assert all(set(found[name].to_pylist()) == {None} for name in added)
    assert expected.to_pydict() == found.select(expected.column_names).to_pydict()


def _file(evaluation: Evaluation, folder: Path) -> Path:
    path = folder / "rows.parquet"
    path.write_bytes(whole(evaluation.every_row.pieces()))
    return path


@given(run=runs(), part_rows=st.integers(1, 41), most=st.integers(1, 5))
@settings(max_examples=12)
def test_the_errors_shown_are_as_many_of_each_confusion(tmp_path_factory, run, part_rows, most):
    folder = tmp_path_factory.mktemp("large")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large, "sampled_per_cell", lambda sums: most)
        one, merged = both(run, part_rows, folder)
    r, s = one.records, merged.records
    by_cell: dict = {}
    for row in np.flatnonzero(r.outcome != OUTCOMES.index(Outcome.CORRECT)).tolist():
        by_cell.setdefault(cell(one, row), []).append(row)
    drawn = {row for rows in by_cell.values() for row in sorted(rows, key=lambda i: large.hashed(r.ids[i]))[:most]}

    assert [r.ids[row] for row in sorted(drawn)] == list(s.ids)
    assert [one.record(row) for row in sorted(drawn)] == [merged.record(row) for row in range(len(s))]
    assert [r.pictures.get(row) for row in sorted(drawn)] == [s.pictures.get(row) for row in range(len(s))]
    assert [[r.slices[name][row] for row in sorted(drawn)] for name in r.slices] == [*map(list, s.slices.values())]
    assert {name: flag[sorted(drawn)].tolist() for name, flag in r.flags.items()} == {
        name: flag.tolist() for name, flag in s.flags.items()
    }


def cell(evaluation: Evaluation, row: int) -> tuple:
    record = evaluation.record(row)
    return (record.outcome, record.truth, record.predicted) if record.outcome.scored else (record.outcome,)


def relabelled(evaluation: Evaluation, seed: int) -> Evaluation:
    """Return an evaluation by another model, in which some images have other labels or are gone."""
    rng, r = np.random.default_rng(seed), evaluation.records
    kept = [row for row in range(len(r)) if rng.random() < 0.8] or [0]
    rng.shuffle(kept)
    probabilities = np.roll(r.probabilities, 1, axis=1)[kept]
    truth = [r.truth[row] if rng.random() < 0.8 else CLASSES[0] for row in kept]
    read = [CLASSES[p.argmax()] if p.any() else None for p in probabilities]
    outcome = [
        Outcome.UNLABELLED
        if t is None
        else Outcome.OUT_OF_RANGE
        if t not in CLASSES
        else Outcome.BLANK
        if p is None
        else Outcome.CORRECT
        if p == t
        else Outcome.WRONG
        for t, p in zip(truth, read, strict=True)
    ]
    records = Records(
        tuple(r.ids[row] for row in kept),
        tuple(truth),
        np.array([OUTCOMES.index(one) for one in outcome], np.uint8),
        probabilities,
        slices={name: tuple(values[row] for row in kept) for name, values in r.slices.items()},
    )
    return replace(evaluation, records=records, trials=())


def streamed(evaluation: Evaluation, folder: Path) -> Evaluation:
    """Return an evaluation as one of a large set."""
    stored = stored_provenance(evaluation.provenance)
    write_reports(evaluation, folder, ["parquet"])
    path = folder / "predictions.parquet"
    names = dict(zip(evaluation.records.slices, pq.read_schema(path).names[8:], strict=False))
    tables = [pq.read_table(path)]
    path.write_bytes(b"".join(rows_file(tables, stored, names)))
    return replace(evaluation, sums=sums_of(evaluation), every_row=RowsFile(path, stored))


@given(run=runs(), part_rows=st.integers(1, 41), seed=st.integers(0, 1 << 32))
@settings(max_examples=12)
def test_large_sets_are_compared_as_small_ones(tmp_path_factory, run, part_rows, seed):
    folder = tmp_path_factory.mktemp("large")
    one, merged = both(run, part_rows, folder / "parts")
    other = relabelled(one, seed)
    joint.cache_clear()
    second = streamed(other, folder / "other")
    same = {i: t for i, t, o in zip(*_labels(other), strict=True) if OUTCOMES[o].scored}
    if not any(same.get(i) == t for i, t, o in zip(*_labels(one), strict=True) if OUTCOMES[o].scored):
        said = []
        for pair in ([one, other], [merged, second]):
            with pytest.raises(NothingSharedError) as found:
                compare(pair, ["a", "b"])
            said.append(str(found.value))
        assert said[0] == said[1]
        return
    expected = compare([one, other], ["a", "b"])
    found = compare([merged, second], ["a", "b"])

    assert expected.pair(1) == found.pair(1) == paired_counts(merged, second)
    assert (expected.images, expected.relabelled) == (found.images, found.relabelled)
    assert expected.tallies == found.tallies
    plain = [(s.group, s.value.encode("utf-8", "backslashreplace").decode(), s.pair) for s in expected.subgroups(1)]
    assert sorted(plain) == sorted((s.group, s.value, s.pair) for s in found.subgroups(1))
    for way in ("fixed", "broke"):
        changed = {(c.id, c.truth, c.first, c.second) for c in getattr(expected, way)(1)}
        assert changed == {(c.id, c.truth, c.first, c.second) for c in getattr(found, way)(1)}


def _labels(evaluation: Evaluation) -> tuple:
    return evaluation.records.ids, evaluation.records.truth, evaluation.records.outcome.tolist()


def test_rows_in_another_order_are_matched_in_buckets(tmp_path):
    ids = [f"{i}.png" for i in range(1000)]
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.3] * 3, 1000).astype(np.float32)
    truth = [CLASSES[i] for i in rng.integers(0, 3, 1000)]
    outcome = [
        OUTCOMES.index(Outcome.CORRECT if CLASSES[p.argmax()] == t else Outcome.WRONG)
        for p, t in zip(probabilities, truth, strict=True)
    ]
    records = Records(tuple(ids), tuple(truth), np.array(outcome, np.uint8), probabilities)
    one = Evaluation(CLASSES, records, provenance())
    other = relabelled(one, 1)
    first, second = streamed(one, tmp_path / "a"), streamed(other, tmp_path / "b")
    few = joint((first.every_row, second.every_row), (), 70)
    many = joint((first.every_row, second.every_row), (), 1 << 20)

    assert few.pairs[0].counts.tolist() == many.pairs[0].counts.tolist()
    assert sorted(few.pairs[0].fixed, key=repr) == sorted(many.pairs[0].fixed, key=repr)
    assert compare([one, other], ["a", "b"]).pair(1) == compare([first, second], ["a", "b"]).pair(1)


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Forty drawn digits, half of them with wrong labels: one run, its parts, and these merged as a large set."""
    folder = tmp_path_factory.mktemp("results")
    for i in range(40):
        path = folder / "set" / str((i + i % 2) % 10) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), on_paper(ink(i, i % 10)))
    (folder / "set" / "4" / "broken.png").write_bytes(b"no image")
    call("run", "set", "--shard", "1/1", "--out", "parts", cwd=folder)
    call("run", "set", "--out", "one", cwd=folder)
    call("merge", "parts", "--whole-up-to", "40", "--out", "large", *FORMATS, cwd=folder)
    return folder


FORMATS = [
    word for name in ("json", "csv", "html", "junit", "sarif", "markdown", "github", "latex") for word in ("-f", name)
]


call = partial(processes.call, SOURCE_DATE_EPOCH=EPOCH)


def test_no_report_of_a_large_set_has_a_line_for_every_image(results):
    large = results / "large"
    names = {path.name for path in large.iterdir()}
    one = load_evaluation(results / "one" / "evaluation.json")
    right = {one.records.ids[row] for row in one.records.rows(Outcome.CORRECT)}

    assert {"evaluation.json", "predictions.parquet", "report.html", "misclassified.csv"} <= names
    assert not {"predictions.csv", "outputs.csv"} & names
    assert (results / "one" / "metrics.json").read_text() == (large / "metrics.json").read_text()
    assert (results / "one" / "misclassified.csv").read_text() == (large / "misclassified.csv").read_text()
    assert 41 == pq.read_table(large / "predictions.parquet").num_rows
    page = (large / "report.html").read_text()
    assert "Outcomes of 41 files" in page
    assert "All 41 images count in the figures" in page
    stored = json.loads((large / "evaluation.json").read_text())
    assert 5 == stored["format"]
    assert right
    assert not right & set(stored["ids"])


def test_a_large_set_is_reported_again(results, tmp_path):
    call("report", "large", *FORMATS, "--out", tmp_path / "again", cwd=results)
    files = [path.name for path in sorted((results / "large").iterdir()) if path.is_file()]

    assert files == [path.name for path in sorted((tmp_path / "again").iterdir()) if path.is_file()]
    for name in files:
        assert (results / "large" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    assert call("report", "large", "-f", "text", "--out", "-", cwd=results).count("of a sample") == 1


def test_large_sets_are_compared_and_are_baselines(results, tmp_path):
    options = ["--preprocess", "none"]
    call("run", "set", "--shard", "1/1", "--out", tmp_path / "parts", *options, cwd=results)
    call("run", "set", "--out", tmp_path / "one", *options, cwd=results)
    call("merge", tmp_path / "parts", "--whole-up-to", "0", "--out", tmp_path / "large", cwd=results)
    for places in (["one", tmp_path / "one"], ["large", tmp_path / "large"]):
        call(
            "compare", *places, "-f", "json", "-f", "html", "-f", "markdown", "--out", tmp_path / places[0], cwd=results
        )
    whole, large = (json.loads((tmp_path / name / "comparison.json").read_text()) for name in ("one", "large"))
    for found in (*whole["models"], *large["models"]):
        del found["name"]
    for pair in (*whole["pairs"], *large["pairs"]):
        del pair["first"], pair["second"]
        for way in ("fixed_images", "broke_images"):
            pair[way].sort(key=lambda image: image["id"])
    gates = ["--fail-if-worse", "--max-drop", "0.9"]
    said = []
    for words in (
        ["report", tmp_path / "one", "--baseline", "one"],
        ["report", tmp_path / "large", "--baseline", "large"],
        ["merge", tmp_path / "parts", "--whole-up-to", "0", "--baseline", "large"],
    ):
        shown = call(*words, *gates, "-f", "markdown", "--out", tmp_path / "x", cwd=results, code=1)
        report = (tmp_path / "x" / "report.md").read_text().splitlines()
        sentence = next(line for line in report if "Compared with" in line)
        said.append([sentence, *(line for line in shown.splitlines() if line.startswith(("passed ", "FAILED ")))])

    assert whole == large
    assert whole["pairs"][0]["broke"]
    assert said[0] == said[1] == said[2]
    assert 3 == len(said[0])


@pytest.mark.parametrize("option", [["-f", "xlsx"], ["-f", "plots"], ["--group-errors"]])
def test_what_needs_every_row_in_memory_is_refused(results, tmp_path, option):
    said = call("report", "large", *option, "--out", tmp_path, cwd=results, code=2)

    assert f"{' '.join(option).replace('-f', '--format')} would take every row of this set into memory" in said


def test_a_large_set_is_not_ranked_or_compared_with_a_small_one(results):
    large, one = (load_evaluation(results / name / "evaluation.json") for name in ("large", "one"))

    with pytest.raises(ConfigError, match="compared in pairs with others of its kind, not ranked"):
        rank([Entry("a", large), Entry("b", large)])
    with pytest.raises(ConfigError, match=r"each with its predictions\.parquet"):
        compare([large, one], ["a", "b"])


def test_rows_that_are_missing_or_others_are_named(results, tmp_path):
    (tmp_path / "evaluation.json").write_bytes((results / "large" / "evaluation.json").read_bytes())
    found = load_evaluation(tmp_path / "evaluation.json")

    with pytest.raises(ConfigError, match=r"predictions.parquet is missing. It holds the rows of the evaluation.json"):
        compare([found, found], ["a", "b"])
    (tmp_path / "predictions.parquet").write_bytes(b"PAR1")
    with pytest.raises(ConfigError, match="is damaged"):
        compare([found, found], ["a", "c"])
    write_reports(load_evaluation(results / "one" / "evaluation.json"), tmp_path, ["parquet"])
    with pytest.raises(ConfigError, match="is of another evaluation"):
        compare([found, found], ["a", "d"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("confusion", [1]),
        ("outcomes", {}),
        ("bins", []),
        ("coverage", [[1, 2]]),
        ("truths", {"3": [1, 2]}),
        ("slices", {"none": {}}),
        ("labels_sha256", "x"),
    ],
)
def test_sums_that_contradict_themselves_are_refused(results, name, value):
    stored = json.loads((results / "large" / "evaluation.json").read_text())
    stored["sums"][name] = value

    with pytest.raises(ConfigError, match="is damaged"):
        parse_evaluation(json.dumps(stored).encode())
