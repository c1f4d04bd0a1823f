"""Sets in a bucket, from a server of the test's own that answers as it is told."""

import errno
import io
import os
import pickle
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from object_servers import CREDENTIALS, SECRET, Bucket, forget_stores, serving

from batch_eval.api import evaluate
from batch_eval.dataset import Dataset, Sample
from batch_eval.dataset.loading import load_dataset
from batch_eval.dataset.sources import objects, stores
from batch_eval.dataset.sources.objects import AHEAD, RANGE, Objects, indexed_objects, open_objects
from batch_eval.dataset.sources.stores import address_of
from batch_eval.engines.local import Task
from batch_eval.errors import ConfigError, DatasetError, ReportError, StoreError, UnreadableImageError
from batch_eval.imaging import preprocessor

pytest.importorskip("obstore", reason="needs the extra cloud")
PNG = cv2.imencode(".png", np.zeros((28, 28), np.uint8))[1].tobytes()
SET = "s3://digits/set"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget_stores(monkeypatch.setenv, monkeypatch.delenv, list(os.environ))
    stores._store.cache_clear()
    yield
    stores._store.cache_clear()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with serving(Bucket({"set/7/a.png": PNG, "set/3/b.png": PNG, "set/.junk/c.png": PNG})) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.parametrize("place", ["s3://digits/set/", Path("s3://digits/set")])
def test_an_address_is_told_from_a_path(place: str | Path) -> None:
    assert address_of(place) == SET
    assert address_of("photos/s3") is None


def test_plain_http_is_for_this_machine() -> None:
    assert address_of("http://127.0.0.1:80/a") == "http://127.0.0.1:80/a"
    assert address_of("http://example.org/a") is None


def test_class_folders_in_a_bucket_are_labels(bucket: Bucket) -> None:
    dataset = load_dataset(Path(SET))

    assert [(sample.id, sample.truth) for sample in dataset.samples] == [("3/b.png", "3"), ("7/a.png", "7")]
    assert dataset.source.read("7/a.png") == PNG


def test_a_label_file_in_a_bucket_is_read(bucket: Bucket) -> None:
    bucket.objects = {"set/a.png": PNG, "set/labels.csv": b"file,label\na.png,4\n"}

    assert [sample.truth for sample in load_dataset(SET).samples] == ["4"]


def test_a_table_in_a_bucket_names_its_images(bucket: Bucket) -> None:
    table = b"file,label\na.png,4\ns3://digits/set/x/b.png,5\n"
    bucket.objects = {"set/a.png": PNG, "set/x/b.png": PNG, "set/other.png": PNG, "set/labels.csv": table}

    dataset = load_dataset(f"{SET}/labels.csv")

    assert [(sample.id, sample.truth) for sample in dataset.samples] == [("a.png", "4"), ("x/b.png", "5")]
    assert not any("list" in path for path in bucket.asked)


def test_one_image_in_a_bucket_is_a_set(bucket: Bucket) -> None:
    dataset = load_dataset(f"{SET}/7/a.png")

    assert [sample.id for sample in dataset.samples] == ["a.png"]
    assert dataset.source.read("a.png") == PNG


def test_no_secret_is_pickled(bucket: Bucket) -> None:
    source = open_objects(SET)
    source.read("7/a.png")

    content = pickle.dumps(source)

    assert SECRET.encode() not in content
    assert pickle.loads(content) == source


@pytest.mark.parametrize("fault", ["403", "503", "reset"])
def test_a_store_that_refuses_stops_the_run(bucket: Bucket, fault: str) -> None:
    source = open_objects(SET)
    bucket.faults["a.png"] = fault

    with pytest.raises(StoreError, match=r"s3://digits/set cannot be read: .*credentials") as caught:
        source.read("7/a.png")

    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_requests_are_tried_again(bucket: Bucket) -> None:
    bucket.faults["a.png"] = ["503", "reset", "500"]

    assert open_objects(SET).read("7/a.png") == PNG


@pytest.mark.parametrize("fault", ["hang", "slow"])
def test_a_store_that_does_not_answer_in_time_stops_the_run(
    bucket: Bucket, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "REQUEST_SECONDS", 1)
    monkeypatch.setattr(objects, "REQUEST_SECONDS", 1)
    monkeypatch.setattr(stores, "ALL_SECONDS", 2)
    bucket.faults["a.png"] = fault

    with pytest.raises(StoreError, match="cannot be read"):
        Objects(SET, ["7/a.png"], [], {}).read("7/a.png")

    assert len(bucket.asked) <= 1 + stores.RETRIES


def test_a_truncated_object_is_unreadable(bucket: Bucket) -> None:
    source = open_objects(SET)
    bucket.faults["a.png"] = "truncated"

    with pytest.raises(UnreadableImageError, match="end early"):
        source.read("7/a.png")


def test_an_object_that_is_truncated_once_is_read(bucket: Bucket) -> None:
    source = open_objects(SET)
    bucket.faults["a.png"] = ["truncated"]

    assert source.read("7/a.png") == PNG


def test_a_missing_object_is_unreadable(bucket: Bucket) -> None:
    source = open_objects(SET)
    del bucket.objects["set/7/a.png"]

    with pytest.raises(UnreadableImageError, match="not in the bucket"):
        source.read("7/a.png")


def test_a_missing_bucket_stops_the_run(bucket: Bucket) -> None:
    with pytest.raises(StoreError, match="s3://other/set cannot be read"):
        open_objects("s3://other/set")
    with pytest.raises(StoreError, match="cannot be read"):
        Objects("s3://other/set", ["a.png"], [], {}).read("a.png")
    with pytest.raises(StoreError, match="cannot be read"):
        indexed_objects("s3://other/set", "a.png")


def test_a_prefix_without_images_is_refused(bucket: Bucket) -> None:
    with pytest.raises(DatasetError, match="holds no images"):
        open_objects("s3://digits/nothing")


def test_a_large_object_is_read_in_ranges(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    large = bytes(range(256)) * (RANGE // 256) + b"end"
    bucket.objects["set/large.png"] = large

    assert open_objects(SET).read("large.png") == large
    assert Objects(SET, (), (), {}).read("large.png") == large  # of an unknown size
    monkeypatch.setattr(objects, "MAX_IMAGE_MB", 4)
    with pytest.raises(UnreadableImageError, match="more than 4 MB"):
        open_objects(SET).read("large.png")


def test_a_bounded_number_of_objects_is_requested_ahead(bucket: Bucket) -> None:
    files = [f"{i}.png" for i in range(3 * AHEAD)]
    bucket.objects = {f"set/{file}": file.encode() for file in files}
    source = Objects(SET, files, [], {})
    bucket.faults = dict.fromkeys(files[1:], "hang")

    source.expect(files)

    assert source.read(files[0]) == files[0].encode()  # which makes room for one more
    window = objects._ahead.window
    assert len(window._requested) == AHEAD
    bucket.release.set()
    bucket.faults = {}


def test_few_objects_of_an_unknown_large_size_are_requested_ahead(bucket: Bucket) -> None:
    files = [f"{i}.png" for i in range(2 * AHEAD)]
    bucket.objects = {f"set/{file}": bytes(RANGE) for file in files}
    source = Objects(SET, files, [], {})

    source.expect(files)
    for file in files[: AHEAD + 1]:
        source.read(file)

    assert len(objects._ahead.window._requested) <= 1 + objects.AHEAD_BYTES // RANGE


def test_objects_that_are_requested_ahead_are_the_right_ones(bucket: Bucket) -> None:
    files = [f"{i}.png" for i in range(50)]
    bucket.objects = {f"set/{file}": file.encode() for file in files}
    source = Objects(SET, files, [], {})

    source.expect(files)

    assert source.read("40.png") == b"40.png"  # out of turn
    assert [source.read(file) for file in files] == [file.encode() for file in files]
    assert source.read("40.png") == b"40.png"


def test_objects_are_read_in_processes(bucket: Bucket) -> None:
    digit = np.zeros((28, 28), np.uint8)
    cv2.line(digit, (14, 4), (14, 24), 255, 3)
    content = cv2.imencode(".png", digit)[1].tobytes()
    bucket.objects = {f"set/1/{i}.png": content for i in range(600)}
    bucket.objects["set/1/broken.png"] = b"no image"

    found = evaluate(SET, preprocess="none", jobs=2)

    assert len(found.records.ids) == 601
    assert [found.records.ids[row] for row in found.records.reasons] == ["1/broken.png"]
    assert found.provenance.path == SET


def test_a_refusal_stops_a_run_in_processes(bucket: Bucket) -> None:
    bucket.objects = {f"set/1/{i}.png": PNG for i in range(600)}
    bucket.faults["/300.png"] = "403"

    with pytest.raises(StoreError, match="cannot be read"):
        evaluate(SET, preprocess="none", jobs=2)


class Refusing:
    """A set, one image of which raises an error that is no store's."""

    name, roots, labels, notes, images, others = "set", ("/set",), None, (), ("a", "b"), ()

    def read(self, file: str) -> bytes:
        if file == "a":
            raise DatasetError("the table is damaged here")
        return PNG

    def read_other(self, path: str) -> bytes:
        raise KeyError(path)

    def size(self, file: str) -> int:
        return 0


def test_other_sources_errors_are_of_one_image() -> None:
    from batch_eval.models import open_model

    task = Task(Dataset(Refusing(), (), "none"), preprocessor("none"), open_model())

    with pytest.raises(UnreadableImageError, match="damaged here"):
        task.read(Sample("a", "a", None))
    assert task.read(Sample("b", "b", None)).image.shape == (28, 28)


def test_a_public_bucket_is_read_without_a_signature(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")

    assert open_objects(SET).read("7/a.png") == PNG
    assert not any(bucket.signed)


def test_google_buckets_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DatasetError, match="gcloud auth application-default login"):
        open_objects("gs://digits/set")
    with serving(Bucket({"set/7/a.png": PNG})) as server:
        monkeypatch.setenv("GOOGLE_BASE_URL", server.url)
        monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")

        assert open_objects("gs://digits/set").read("7/a.png") == PNG


def test_azure_without_credentials_is_refused_without_asking_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")

    with pytest.raises(DatasetError, match=r"no credentials for az://digits/set.*AZURE_STORAGE_ACCOUNT_KEY"):
        open_objects("az://digits/set")


def test_a_server_names_images_by_a_table() -> None:
    with serving(Bucket({"set/a.png": PNG, "set/labels.csv": b"file,label\na.png,4\nb.png,5\n"})) as server:
        dataset = load_dataset(f"{server.url}/digits/set/labels.csv")

        assert [(sample.id, sample.truth) for sample in dataset.samples] == [("a.png", "4"), ("b.png", "5")]
        assert dataset.source.read("a.png") == PNG
        with pytest.raises(UnreadableImageError, match="not in the bucket"):
            dataset.source.read("b.png")
        server.faults["a.png"] = "503"
        with pytest.raises(StoreError, match="Check the address"):
            dataset.source.read("a.png")


def test_a_server_that_does_not_list_is_refused() -> None:
    with serving(Bucket({"set/a.png": PNG})) as server:
        server.faults["set"] = "405"

        with pytest.raises(DatasetError, match="takes WebDAV"):
            open_objects(f"{server.url}/digits/set")


@pytest.mark.parametrize("address", ["https://me:word@example.org/set", "https://example.org/set/a?sig=secret"])
def test_addresses_with_secrets_are_refused(address: str) -> None:
    with pytest.raises(DatasetError, match="stand in reports") as caught:
        open_objects(address)
    assert "word@" not in str(caught.value)
    assert "sig=secret" not in str(caught.value)


def test_without_obstore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.exceptions", None)

    with pytest.raises(DatasetError, match="obstore is not installed"):
        open_objects(SET)


class TestBoto3:
    """Credentials of boto3: profiles, and a machine's role only where it is asked for."""

    @pytest.fixture(autouse=True)
    def _boto3(self, monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
        pytest.importorskip("boto3", reason="needs boto3")
        for name in CREDENTIALS:
            monkeypatch.delenv(name)

    def test_a_profile_gives_credentials(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bucket: Bucket) -> None:
        (tmp_path / "config").write_text(
            f"[profile digits]\nregion=eu-west-3\naws_access_key_id=key\naws_secret_access_key={SECRET}\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_PROFILE", "digits")

        assert open_objects(SET).read("7/a.png") == PNG
        assert all(bucket.signed)

    def test_an_unknown_profile_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")

        with pytest.raises(DatasetError, match="nobody"):
            open_objects(SET)

    def test_a_program_that_gives_no_credentials_stops_the_run(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "config").write_text(f"[default]\ncredential_process={sys.executable} -c 1/0\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

        with pytest.raises(DatasetError, match="cannot be read"):
            open_objects(SET)

    def test_a_machine_is_asked_for_its_role_only_on_demand(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(Bucket()) as machine:
            monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{machine.url}/")

            with pytest.raises(DatasetError, match=r"no credentials.*AWS_ACCESS_KEY_ID.*AWS_EC2_METADATA_DISABLED"):
                open_objects(SET)
            assert machine.asked == []

            monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
            with pytest.raises(DatasetError, match="no credentials"):
                open_objects(SET)
            assert any(re.search("security-credentials", path) for path in machine.asked)


def indexed(count: int) -> bytes:
    """Return a manifest of some images in the bucket, ten rows a part."""
    from batch_eval.dataset.labels.spelling import DIGITS
    from batch_eval.dataset.manifest import Origin, Place, write_manifest
    from batch_eval.dataset.options import LabelOptions

    samples = [Sample(f"7/{i}", f"7/image-{i:06}.png", "7", (str(i),)) for i in range(count)]
    dataset = Dataset(Objects(SET, (), (), {}), samples, "folders", ("time",))
    written = io.BytesIO()
    write_manifest(dataset, Origin(Place.of([Path(SET)]), DIGITS, LabelOptions(), (0,)), 10, written)
    return written.getvalue()


def test_of_a_manifest_in_a_bucket_only_what_is_needed_is_read(bucket: Bucket) -> None:
    pytest.importorskip("pyarrow")
    from batch_eval.dataset.manifest import Manifest

    bucket.objects["m.parquet"] = indexed(2000)
    manifest = Manifest.open(Path("s3://digits/m.parquet"))
    assert manifest
    assert [sample.id for sample in manifest.part(150)] == [f"7/{i}" for i in range(1500, 1510)]
    footer, bucket.sent = bucket.sent, 0

    assert [sample.slices for sample in manifest.part(3)] == [(str(i),) for i in range(30, 40)]
    assert 0 < bucket.sent < 2000 < footer, "the footer is read twice, and no more"


def test_a_manifest_in_a_bucket_names_images_anywhere(bucket: Bucket) -> None:
    pytest.importorskip("pyarrow")
    bucket.objects["m.parquet"] = indexed(3)

    dataset = load_dataset("s3://digits/m.parquet")

    assert (dataset.source.roots, dataset.samples[2].file) == ((SET,), "7/image-000002.png")


@pytest.mark.parametrize(
    ("content", "fault", "error", "message"),
    [
        (None, "", DatasetError, "m.parquet cannot be read: the object is not in the bucket. Check the address"),
        (b"PAR1 and no more", "", DatasetError, "m.parquet is no readable manifest"),
        (b"", "403", StoreError, "s3://digits cannot be read"),
        (b"", "503", StoreError, "s3://digits cannot be read"),
    ],
)
def test_a_manifest_that_a_bucket_does_not_give_is_refused(
    bucket: Bucket, content: bytes | None, fault: str, error: type[Exception], message: str
) -> None:
    pytest.importorskip("pyarrow")
    if content is not None:
        bucket.objects["m.parquet"] = content
    bucket.faults["m.parquet"] = fault

    with pytest.raises(error, match=message):
        load_dataset("s3://digits/m.parquet")


def test_a_manifest_cannot_be_written_to_a_web_server() -> None:
    from batch_eval.dataset.manifest import check_target

    with pytest.raises(ConfigError, match="web servers are only read"):
        check_target(Path("https://example.org/m.parquet"))
    with pytest.raises(ConfigError, match=r"s3://digits/m.csv must end in \.parquet"):
        check_target(Path("s3://digits/m.csv"))
    with pytest.raises(ConfigError, match=r"s3://m.parquet is a bucket\."):
        check_target(Path("s3://m.parquet"))


def test_a_bucket_may_end_as_a_manifest_does(bucket: Bucket) -> None:
    with pytest.raises(StoreError, match=r"s3://m\.parquet cannot be read"):
        load_dataset("s3://m.parquet")


def test_a_full_disk_writes_no_object(bucket: Bucket) -> None:
    def write() -> None:
        with stores.whole_object("s3://digits/m.parquet") as file:
            file.write(b"PAR1")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ReportError, match=r"No space left on device\. Make room in .*TMPDIR"):
        write()
    assert not bucket.asked
