"""Parts: whatever the partition and the order of merging, the result is that of one run, to the bit."""

import json
import os
import random
import signal
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import processes
import pytest
import set_files
from drawn_digits import ink, on_paper
from hypothesis import given, settings
from hypothesis import strategies as st
from killing import killed
from processes import ROOT, content

from batch_eval.api import joined
from batch_eval.dataset import Dataset, Sample, load_dataset
from batch_eval.engines.rows import Rows
from batch_eval.errors import ConfigError, DatasetError
from batch_eval.evaluation import OUTCOMES, Evaluation, Records
from batch_eval.evaluation.breakdown import calibration
from batch_eval.evaluation.metrics import reliability_of
from batch_eval.evaluation.saved import dump_evaluation
from batch_eval.evaluation.summing import sums_of
from batch_eval.evaluation.sums import Sums

pytest.importorskip("pyarrow")

from made_parts import CLASSES, NAMES, Bytes, cut, hexed, job_of, judged, runs, written

from batch_eval.parts.ledger import read_ledger
from batch_eval.parts.merging import check_complete, find_parts, merge
from batch_eval.parts.places import PartFolder
from batch_eval.parts.plan import Plan, Shard, parse_shard, rows_per_part

EPOCH = "1700000000"


@given(run=runs(), part_rows=st.integers(1, 41), order=st.randoms())
@settings(max_examples=60)
def test_any_partition_merged_in_any_order_is_one_run(tmp_path_factory, run, part_rows, order):
    dataset, rows = run
    folder = tmp_path_factory.mktemp("parts")
    parts = written(dataset, rows, part_rows, folder)
    job = job_of(dataset, parts[0].job.plan)
    paths = list(folder.glob("*.json"))
    order.shuffle(paths)
    os.environ["SOURCE_DATE_EPOCH"] = EPOCH
    try:
        one = joined(dataset, rows, CLASSES, job.provenance, None)
        merged = merge(find_parts(paths))
    finally:
        del os.environ["SOURCE_DATE_EPOCH"]
    one = replace(one, provenance=replace(one.provenance, created=merged.provenance.created))

    assert dump_evaluation(one) == dump_evaluation(merged)


@given(run=runs(), part_rows=st.integers(1, 41), order=st.randoms())
@settings(max_examples=60)
def test_sums_of_parts_in_any_order_are_those_of_one_run(run, part_rows, order):
    dataset, rows = run
    plan = Plan(len(dataset.samples), part_rows)
    job = job_of(dataset, plan)
    parts = []
    for number in range(plan.parts):
        p = plan.part(number)
        some = replace(dataset, samples=dataset.samples[p.start : p.stop])
        records = Records.of_samples(some.samples, some.slice_values, cut(rows, p))
        parts.append(sums_of(Evaluation(CLASSES, records, job.provenance)))
    whole = Evaluation(CLASSES, Records.of(dataset, rows), job.provenance)
    order.shuffle(parts)
    total = Sums.total(parts, len(CLASSES))

    assert json.dumps(sums_of(whole).to_json()) == json.dumps(total.to_json())
    assert total == Sums.from_json(json.loads(json.dumps(total.to_json())))
    assert repr(calibration(whole)) == repr(reliability_of(*zip(*total.bins, strict=True)))


@pytest.fixture
def parts(tmp_path) -> Path:
    """Five parts of a set of ten images."""
    rng = np.random.default_rng(7)
    samples = tuple(Sample(f"{i}.png", str(i), CLASSES[i % 3], ("ruled", str(i))) for i in range(10))
    rows = Rows(range(10), len(CLASSES), digests=True)
    rows.probabilities[:] = rng.dirichlet([0.5] * 3, 10).astype(np.float32)
    for i in range(10):
        rows.outcome[i] = OUTCOMES.index(judged(samples[i].truth, rows.probabilities[i], rng))
    dataset = Dataset(Bytes([b""] * 10), samples, "labels.csv", NAMES.slices, labels_sha256=hexed(samples))
    written(dataset, rows, 2, tmp_path / "parts")
    return tmp_path / "parts"


def changed(parts: Path, number: int, *keys: str, value: object) -> None:
    """Change an entry in the JSON of a part."""
    path = parts / f"part-{number:05}.json"
    content = json.loads(path.read_text())
    entry = content
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = value
    path.write_text(json.dumps(content))


def refusal(*places: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        merge(find_parts(places))
    return str(caught.value)


def test_missing_parts_are_named(parts):
    for number in (1, 3):
        (parts / f"part-{number:05}.json").unlink()

    assert "2 of 5 parts are missing: part-00001, part-00003." in refusal(parts)


def test_a_part_that_is_there_twice_is_named(parts, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for path in parts.glob("part-00002*"):
        (other / path.name).write_bytes(path.read_bytes())

    assert f"{parts}/part-00002 and {other}/part-00002 are the same part, twice" in refusal(parts, other)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("model_sha256", "9" * 64, "another model: model.keras (222222222222) and model.keras (999999999999)"),
        ("preprocess_sha256", "9" * 64, "another recipe: photo (333333333333) and photo (999999999999)"),
        ("version", "9.9", "another version of batch_eval"),
        ("labels_sha256", "9" * 64, "another set of images or labels"),
    ],
)
def test_a_part_of_another_model_recipe_version_or_set_is_named(parts, key, value, said):
    changed(parts, 4, "provenance", key, value=value)

    message = refusal(parts)

    assert f"{parts}/part-00000 and {parts}/part-00004 are of {said}" in message


def test_parts_of_another_length_are_named(parts):
    changed(parts, 1, "set", "part_rows", value=3)
    changed(parts, 1, "sums", "outcomes", value={outcome: 3 * (outcome == "correct") for outcome in OUTCOMES})

    assert "parts of another length: 2 and 3 rows" in refusal(parts)


@pytest.mark.parametrize("ending", [".rows.parquet", ".pictures.parquet"])
def test_a_part_whose_files_have_changed_is_named(parts, ending):
    path = parts / f"part-00003{ending}"
    path.write_bytes(path.read_bytes() + b" ")

    assert f"{path} is damaged: it is not what was written." in refusal(parts)


def test_a_part_whose_files_are_gone_is_named(parts):
    (parts / "part-00003.rows.parquet").unlink()

    assert "part-00003.rows.parquet cannot be read: No such file" in refusal(parts)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b'{"format": 2}', b"[" * 100_000, b'{"format": 2, "class_names": 3}', b"\xff"]
)
def test_a_json_that_is_no_part_is_named(parts, content):
    (parts / "part-00003.json").write_bytes(content)

    assert f"{parts}/part-00003.json is damaged or no part" in refusal(parts)


def test_a_part_of_a_newer_format_is_named(parts):
    changed(parts, 3, "format", value=99)

    assert "part-00003.json has format 99; this version reads formats up to 2" in refusal(parts)


def test_a_part_of_an_older_format_is_named(parts):
    changed(parts, 3, "format", value=1)

    said = refusal(parts)
    assert "part-00003.json has format 1, of an older version; parts now have format 2. Delete the parts" in said


def test_parts_with_other_labels_than_their_set_s_are_refused(parts):
    changed(parts, 3, "sums", "labels_sha256", value="0" * 64)

    assert "are not those of the set that they name" in refusal(parts)


def test_a_folder_without_parts_is_named(tmp_path):
    assert f"there are no parts in {tmp_path}." in refusal(tmp_path)


@pytest.mark.parametrize("count", [1, 2, 5, 16, 100])
@pytest.mark.parametrize("rows", [1, 16, 17, 1000, 600_000])
def test_shards_share_all_parts_evenly(rows, count):
    plan = Plan(rows, rows_per_part(rows))
    shares = [plan.shard(Shard(number, count)) for number in range(1, count + 1)]

    assert list(range(plan.parts)) == [part for share in shares for part in share]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert list(range(rows)) == [row for number in range(plan.parts) for row in plan.part(number)]


@pytest.mark.parametrize("text", ["0/16", "17/16", "0/0"])
def test_a_shard_that_does_not_count_from_one_is_explained(text):
    with pytest.raises(ConfigError, match=r"shards count from 1.+ add one: --shard \$\(\(INDEX \+ 1\)\)/"):
        parse_shard(text)


@pytest.mark.parametrize("text", ["", "3", "3/", "/16", "a/b", "-1/16", "3/16/2", "1.5/2"])
def test_a_shard_that_is_none_is_refused(text):
    with pytest.raises(ConfigError, match="Expected a number and a count, such as 3/16"):
        parse_shard(text)


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """Eighty drawn digits in class folders, some of which are no images, are blank, equal or have odd names."""
    folder = tmp_path_factory.mktemp("set") / "digits"
    for i in range(80):
        path = folder / str(i % 10) / f"{i}% é.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), on_paper(ink(i, i % 10)))
    (folder / "3" / "broken.png").write_bytes(b"no image")
    cv2.imwrite(str(folder / "4" / "blank.png"), np.full((50, 50), 230, np.uint8))
    (folder / "5" / "copy.png").write_bytes((folder / "7" / "7% é.png").read_bytes())
    with open(os.fsencode(folder / "6") + b"/\xff.png", "wb") as file:
        file.write((folder / "6" / "6% é.png").read_bytes())
    return folder


call = partial(processes.call, SOURCE_DATE_EPOCH=EPOCH)
FORMATS = [word for name in ("json", "csv", "html", "junit", "sarif", "markdown", "parquet") for word in ("-f", name)]


def test_shards_of_a_folder_merge_into_the_reports_of_one_run(digits, tmp_path):
    for number in (3, 1, 2):
        call("run", digits, "--shard", f"{number}/3", "--out", f"parts{number}", cwd=tmp_path)
    call("merge", "parts3", "parts1", "parts2", "--out", "merged", *FORMATS, cwd=tmp_path)
    call("run", digits, "--out", "one", *FORMATS, cwd=tmp_path)

    assert content(tmp_path / "one") == content(tmp_path / "merged")


@pytest.mark.slow
def test_a_manifest_is_run_as_its_folder_is(digits, tmp_path):
    call("index", digits, "--rows", "30", cwd=tmp_path)
    call("run", "manifest.parquet", "--resume", "--out", "parts", cwd=tmp_path)
    call("merge", "parts", "--out", "merged", cwd=tmp_path)
    call("run", "manifest.parquet", "--out", "whole", cwd=tmp_path)
    call("run", digits, "--out", "one", cwd=tmp_path)

    assert 9 == len(list((tmp_path / "parts").iterdir()))
    assert content(tmp_path / "one") == content(tmp_path / "merged") == content(tmp_path / "whole")


@pytest.mark.slow
def test_a_low_accuracy_is_explained_as_by_one_run_where_the_images_are_named(digits, tmp_path):
    options = ["--preprocess", "none"]
    call("run", digits, "--shard", "1/1", "--out", "parts", *options, cwd=tmp_path)
    said = call("merge", "parts", "--out", "without", cwd=tmp_path)
    call("merge", "parts", "--out", "merged", "--images", digits, *options, cwd=tmp_path)
    call("run", digits, "--out", "one", *options, cwd=tmp_path)

    assert "To try what would explain it, name the set with --images" in said
    assert content(tmp_path / "one") == content(tmp_path / "merged")
    assert "another recipe: none" in call("merge", "parts", "--images", digits, "--out", "x", cwd=tmp_path, code=2)


def test_gates_work_on_a_merge(digits, tmp_path):
    call("run", digits, "--shard", "1/1", "--out", "parts", cwd=tmp_path)

    said = call("merge", "parts", "--fail-under", "1.0", "--out", "a", cwd=tmp_path, code=1)
    assert "at least 100.0 % is required" in said
    call("merge", "parts", "--fail-under", "0.2", "--baseline", "a", "--max-drop", "0", "--out", "b", cwd=tmp_path)
    call("report", "b", "--fail-under", "1.0", cwd=tmp_path, code=1)
    assert "0 fixed" in call("compare", "a", "b", cwd=tmp_path)


def test_finished_parts_are_verified_and_not_redone(digits, tmp_path):
    call("run", digits, "--shard", "1/2", "--out", "parts", cwd=tmp_path)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()}
    leftover = tmp_path / "parts" / ".batch_eval-part-00005.json-0123abcd"
    leftover.write_bytes(b"{")
    said = call("run", digits, "--resume", "--out", "parts", cwd=tmp_path)

    assert "Shard 1/1: 6 of 6 parts, 3 of them done." in said
    assert times == {path: path.stat().st_mtime_ns for path in times}
    assert not leftover.exists()
    assert "6 of them done" in call("run", digits, "--resume", "--out", "parts", cwd=tmp_path)


@pytest.mark.slow
def test_resuming_with_another_recipe_or_a_damaged_part_is_refused(digits, tmp_path):
    call("run", digits, "--shard", "1/2", "--out", "parts", cwd=tmp_path)
    said = call("run", digits, "--resume", "--out", "parts", "--preprocess", "mnist", cwd=tmp_path, code=2)
    assert "part-00000 is of another recipe: mnist" in said
    (tmp_path / "parts" / "part-00002.rows.parquet").write_bytes(b"")
    said = call("run", digits, "--resume", "--out", "parts", cwd=tmp_path, code=2)

    assert "part-00002.rows.parquet is damaged" in said
    for path in (tmp_path / "parts").glob("part-00002*"):  # the advice
        path.unlink()
    assert "2 of them done" in call("run", digits, "--resume", "--out", "parts", cwd=tmp_path)


def test_a_shard_beyond_the_parts_has_nothing_to_do(digits, tmp_path):
    said = call("run", digits, "--shard", "1/100", "--out", "parts", cwd=tmp_path)

    assert "0 of 6 parts" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shard", "1/2"], "Name it with --out, such as --out parts"),
        (["--resume", "--out", "-"], "Name it with --out, such as --out parts"),
        (["--shard", "1/2", "--out", "p", "--fail-under", "0.9", "-f", "json"], "--fail-under, --format"),
        (["--shard", "0/2", "--out", "p"], "shards count from 1"),
    ],
)
def test_what_parts_cannot_use_is_refused(digits, tmp_path, arguments, said):
    found = call("run", digits, *arguments, cwd=tmp_path, code=2)

    assert all(word in found for word in said.split(", "))


POINTS = ("os.fsync", "os.replace", "batch_eval.engines.local.Task.read")
"""Functions before which a run in parts is killed."""


def cut_short(point: int, *arguments, cwd: Path) -> int:
    return killed(point, POINTS, *arguments, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.parametrize("points", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_a_run_that_was_killed_at_any_point_ends_as_one_that_never_was(digits, tmp_path, points):
    call("run", digits, "--shard", "1/1", "--jobs", "1", "--out", "never", cwd=tmp_path)
    chosen = random.Random(points)
    arguments = ["run", digits, "--resume", "--jobs", "1", "--out", "parts"]
    for _ in range(points):
        if cut_short(chosen.randrange(40), *arguments, cwd=tmp_path) == 0:
            for path in (tmp_path / "parts").iterdir():  # it is done: once more from the start
                path.unlink()
    call(*arguments, cwd=tmp_path)

    assert content(tmp_path / "never") == content(tmp_path / "parts")


def test_a_killed_writer_is_killed():
    """The test above would pass if nothing were killed."""
    assert -signal.SIGKILL == cut_short(0, "run", ROOT / "sample_images", "--resume", "--out", "x", cwd=Path("/tmp"))


KINDS = {
    "zip": set_files.zipped,
    "tar": set_files.tarred,
    "npz": set_files.npz,
    "IDX": set_files.idx,
    "pixels": set_files.pixels,
    "encoded": set_files.encoded,
    "Parquet": set_files.parquet,
    "listed": set_files.listed,
}


def runs_alike(tmp_path: Path, *places: Path, labels: Sequence[str] = ()) -> bool:
    """Whether a set and its manifest give the same evaluation."""
    call("index", *places, *labels, "--out", "m.parquet", cwd=tmp_path)
    call("run", "m.parquet", "--out", "a", "-f", "json", cwd=tmp_path)
    call("run", *places, *labels, "--out", "b", "-f", "json", cwd=tmp_path)
    return content(tmp_path / "a") == content(tmp_path / "b")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_sets_of_all_kinds_are_indexed(tmp_path, kind):
    (tmp_path / "set").mkdir()

    assert runs_alike(tmp_path, KINDS[kind](tmp_path / "set"))


@pytest.mark.slow
def test_several_places_are_indexed_as_one_set(digits, tmp_path):
    assert runs_alike(tmp_path, digits / "3", set_files.npz(tmp_path))


@pytest.mark.slow
def test_single_images_are_indexed(digits, tmp_path):
    assert runs_alike(tmp_path, *sorted((digits / "3").iterdir()), labels=["--label-pattern", "(?P<label>[0-9])% "])


def test_a_manifest_takes_no_labels_and_no_other_classes(digits, tmp_path):
    call("index", digits, cwd=tmp_path)

    with pytest.raises(ConfigError, match="holds its labels"):
        load_dataset(tmp_path / "manifest.parquet", "labels.csv")
    with pytest.raises(ConfigError, match="Index the set again with --classes a,b"):
        load_dataset(tmp_path / "manifest.parquet", class_names=("a", "b"))


def test_a_manifest_whose_images_are_gone_says_where_they_were(digits, tmp_path):
    (tmp_path / "photos").symlink_to(digits)
    call("index", "photos", cwd=tmp_path)
    (tmp_path / "photos").unlink()

    with pytest.raises(DatasetError, match=f"it names photos, seen from {tmp_path}. Mount them there"):
        load_dataset(tmp_path / "manifest.parquet")


def test_a_manifest_that_moves_with_its_images_is_read(digits, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "photos").symlink_to(digits)
    call("index", "photos", cwd=tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")

    assert 84 == len(load_dataset(tmp_path / "b" / "manifest.parquet").samples)


def test_check_complete_returns_what_all_parts_share(parts):
    found = find_parts([parts])

    assert found[0].job.plan == check_complete(found).plan
    assert read_ledger(PartFolder(parts), "part-00001.json").rows == range(2, 4)
