"""Sets in a bucket, from an S3 server of the test's own that answers as it is told."""

import pickle
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import pytest

from batch_eval.dataset.loading import load_dataset
from batch_eval.dataset.sources.objects import Objects, _store, address_of, open_objects
from batch_eval.errors import DatasetError, UnreadableImageError

pytest.importorskip("obstore", reason="needs the extra cloud")
PNG = cv2.imencode(".png", np.zeros((28, 28), np.uint8))[1].tobytes()


class Bucket(ThreadingHTTPServer):
    """An S3 bucket named digits. ``faults`` are ways of answering, by path."""

    daemon_threads = True
    objects: dict[str, bytes]
    faults: dict[str, str]
    asked: list[str]


class Answers(BaseHTTPRequestHandler):
    server: Bucket

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        bucket, _, key = url.path.lstrip("/").partition("/")
        self.server.asked.append(key)
        fault = self.server.faults.get(key, "")
        if bucket != "digits":
            self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        elif fault.isdigit():
            self._answer(int(fault), b"<Error><Code>Fault</Code></Error>")
        elif fault == "reset":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "truncated":
            self._answer(200, PNG[:20], len(PNG))
            self.close_connection = True
        elif "list-type" in url.query:
            self._list(parse_qs(url.query).get("prefix", [""])[0])
        elif key in self.server.objects:
            self._answer(200, self.server.objects[key])
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def _list(self, prefix: str) -> None:
        found = {key: data for key, data in self.server.objects.items() if key.startswith(prefix)}
        rows = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(data)}</Size><ETag>a</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key, data in found.items()
        )
        text = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        self._answer(200, text.encode())

    def _answer(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("ETag", '"a"')
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    server = Bucket(("127.0.0.1", 0), Answers)
    server.objects = {"set/7/a.png": PNG, "set/3/b.png": PNG, "set/.junk/c.png": PNG}
    server.faults, server.asked = {}, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    _store.cache_clear()
    yield server
    server.shutdown()
    server.server_close()
    _store.cache_clear()


@pytest.mark.parametrize("place", ["s3://digits/set/", Path("s3://digits/set")])
def test_an_address_is_told_from_a_path(place: str | Path) -> None:
    assert address_of(place) == "s3://digits/set"
    assert address_of("photos/s3") is None


def test_class_folders_in_a_bucket_are_labels(bucket: Bucket) -> None:
    dataset = load_dataset(Path("s3://digits/set"))

    assert [(sample.id, sample.truth) for sample in dataset.samples] == [("3/b.png", "3"), ("7/a.png", "7")]
    assert dataset.source.read("7/a.png") == PNG


def test_a_label_file_in_a_bucket_is_read(bucket: Bucket) -> None:
    bucket.objects = {"set/a.png": PNG, "set/labels.csv": b"file,label\na.png,4\n"}

    assert [sample.truth for sample in load_dataset("s3://digits/set").samples] == ["4"]


def test_no_secret_is_pickled(bucket: Bucket) -> None:
    source = open_objects("s3://digits/set")

    content = pickle.dumps(source)

    assert b"very-secret" not in content
    assert pickle.loads(content) == source


@pytest.mark.parametrize("fault", ["403", "503", "reset"])
def test_a_store_that_refuses_stops_the_run(bucket: Bucket, fault: str) -> None:
    source = open_objects("s3://digits/set")
    bucket.faults["set/7/a.png"] = fault

    with pytest.raises(DatasetError, match=r"s3://digits/set cannot be read: .*credentials"):
        source.read("7/a.png")


def test_a_truncated_object_is_unreadable(bucket: Bucket) -> None:
    source = open_objects("s3://digits/set")
    bucket.faults["set/7/a.png"] = "truncated"

    with pytest.raises(UnreadableImageError, match="end early"):
        source.read("7/a.png")


def test_a_missing_object_is_unreadable(bucket: Bucket) -> None:
    source = open_objects("s3://digits/set")
    del bucket.objects["set/7/a.png"]

    with pytest.raises(UnreadableImageError, match="no longer in the bucket"):
        source.read("7/a.png")


def test_a_missing_bucket_stops_the_run(bucket: Bucket) -> None:
    with pytest.raises(DatasetError, match="s3://other/set cannot be read"):
        open_objects("s3://other/set")
    with pytest.raises(DatasetError, match="cannot be read"):
        Objects("s3://other/set", ["a.png"], [], {}).read("a.png")


def test_a_prefix_without_images_is_refused(bucket: Bucket) -> None:
    with pytest.raises(DatasetError, match="holds no images"):
        open_objects("s3://digits/nothing")
