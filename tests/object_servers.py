"""Servers of objects on this machine: rclone's S3 and WebDAV, and one before them that answers as it is told."""

import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

SECRET = "very-secret"
CREDENTIALS = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": SECRET}
FORGET = re.compile("AWS_.*|GOOGLE_.*|AZURE_.*|GCE_.*")
"""Variables of the person who runs the tests."""


class Bucket(ThreadingHTTPServer):
    """A bucket named digits, or a proxy before a server on the port ``upstream``.

    ``faults`` are ways of answering by the end of the path, which may have the method before it: a list is used up, a
    word holds for good. ``asked`` are the paths of all requests, ``signed`` whether each was signed, ``written`` the
    paths of objects that were taken, ``sent`` the bytes of all answers.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, objects: dict[str, bytes] | None = None, upstream: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.objects, self.upstream = objects or {}, upstream
        self.faults: dict[str, str | list[str]] = {}
        self.asked: list[str] = []
        self.signed: list[bool] = []
        self.written: list[str] = []
        self.sent = 0
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fault(self, path: str) -> str:
        found = next((value for end, value in self.faults.items() if path.endswith(end)), "")
        return (found.pop(0) if found else "") if isinstance(found, list) else found


class _Answers(BaseHTTPRequestHandler):
    server: Bucket
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # the client has given up, as it should
            self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PROPFIND(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(path)
        self.server.signed.append("Authorization" in self.headers)
        fault = self.server.fault(f"{self.command} {path}")
        if fault.isdigit():
            self._answer(int(fault), b"<Error><Code>Fault</Code></Error>")
        elif fault == "reset":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "hang":
            self.server.release.wait()
            self.close_connection = True
        else:
            answer = self._real(body)
            if self.command == "PUT" and answer[0] == 200:
                self.server.written.append(path)
            self._answer(*answer, fault=fault)

    def _real(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """Return what an unbroken server answers."""
        if self.server.upstream:
            connection = HTTPConnection("127.0.0.1", self.server.upstream)
            connection.request(self.command, self.path, body or None, dict(self.headers))
            answer = connection.getresponse()
            headers = dict(answer.getheaders())
            # rclone's S3 sends a range as 200, where S3 itself says 206
            found = 206 if "Content-Range" in headers else answer.status, answer.read(), headers
            connection.close()
            return found
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        if bucket != "digits":
            return 404, b"<Error><Code>NoSuchBucket</Code></Error>", {}
        if "list-type" in url.query:
            return 200, _listing(self.server.objects, parse_qs(url.query).get("prefix", [""])[0]), {}
        if key not in self.server.objects:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>", {}
        data = self.server.objects[key]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            return 200, data, {}
        start, end = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
        return 206, data[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{len(data)}"}

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, fault: str = "") -> None:
        shown = {"last-modified": "Thu, 01 Jan 2026 00:00:00 GMT", "etag": '"a"'}
        shown |= {name.lower(): value for name, value in (headers or {}).items()}
        length = shown.pop("content-length", "") if self.command == "HEAD" else ""
        for name in ("content-length", "transfer-encoding", "connection"):
            shown.pop(name, None)
        self.send_response_only(status)
        for name, value in shown.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.server.sent += len(body)
        half = body[: len(body) // 2]
        if fault == "truncated":
            self.wfile.write(half)
            self.close_connection = True
        elif fault == "slow":  # for good: the first half arrives, and no more
            self.wfile.write(half)
            self.wfile.flush()
            self.server.release.wait()
            self.close_connection = True
        else:
            self.wfile.write(body)


def _listing(objects: dict[str, bytes], prefix: str) -> bytes:
    rows = "".join(
        f"<Contents><Key>{key}</Key><Size>{len(data)}</Size><ETag>a</ETag>"
        "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
        for key, data in objects.items()
        if key.startswith(prefix)
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()


FRESH = ("--dir-cache-time", "0", "--poll-interval", "0")
"""rclone else remembers the files of a folder for five minutes."""


@contextmanager
def serving(server: Bucket) -> Iterator[Bucket]:
    """Let a server answer. At the end, requests that hang are let go."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()


def forget_stores(setenv: Callable[[str, str], None], delenv: Callable[[str], None], names: list[str]) -> None:
    """Let a test have no credentials but those that it sets."""
    for name in filter(FORGET.fullmatch, names):
        delenv(name)
    setenv("AWS_CONFIG_FILE", "/nonexistent")
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


def rclone(kind: str) -> str | None:
    """Return an rclone that can serve so. Return None without one."""
    places = [str(Path(sys.executable).with_name("rclone")), shutil.which("rclone")]
    for place in filter(None, places):
        if Path(place).exists():
            known = subprocess.run([place, "serve", kind, "--help"], capture_output=True, check=False)
            if known.returncode == 0:
                return place
    return None


@contextmanager
def rclone_serving(program: str, kind: str, folder: Path, *options: str) -> Iterator[int]:
    """Serve a folder. Yields the port, on loopback, once the server listens."""
    address = ("--config", "", "--addr", "127.0.0.1:0")
    command = [program, "serve", kind, *address, *FRESH, *options, str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield next(int(found[1]) for line in process.stderr if (found := re.search(r"127\.0\.0\.1:(\d+)", line)))
        finally:
            process.kill()
