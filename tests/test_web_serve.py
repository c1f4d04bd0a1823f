"""`batch-eval serve` as a process: how it starts and ends, and whether it survives what comes over the network."""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from image_files import png
from processes import ROOT, batch_eval
from typer.testing import CliRunner
from web_server import served

from batch_eval.cli.app import application
from batch_eval.web import server
from batch_eval.web.workload import MAX_BYTES

pytestmark = pytest.mark.slow

SEVEN = ROOT / "sample_images" / "7-1-dotted-felt-tip.png"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with served(tmp_path_factory.mktemp("served")) as site:
        yield site


def ask(site, method, path, body=None, **headers):
    """Return the status and the JSON of a request of its own connection; None where it was closed unanswered."""
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=60)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def best(site):
    """Return what the server reads in a seven."""
    status, answer = ask(site, "POST", "/api/read", SEVEN.read_bytes())

    assert 200 == status
    return answer["guesses"][0]["name"]


def test_it_says_where_it_is_and_listens_on_loopback_alone(running):
    url = urlsplit(running.url)

    assert "127.0.0.1" == url.hostname
    assert 200 == urlopen(running.url).status


def test_a_hundred_requests_at_once_are_all_answered(running):
    """Good images, images that are none, and bombs, each with its own answer."""
    bodies = [SEVEN.read_bytes(), b"<svg/>", png(60_000, 60_000, 8, 0, b""), SEVEN.read_bytes()[:300]]
    with ThreadPoolExecutor(100) as pool:
        asked = [pool.submit(ask, running, "POST", "/api/read", bodies[i % 4]) for i in range(100)]
        statuses = [one.result()[0] for one in asked]

    assert [200, 422, 422, 422] * 25 == statuses
    assert "7" == best(running)


def test_a_large_image_that_compresses_well_is_read(running):
    """100 megapixels in some 100 kB are within the limits."""
    bomb = png(10_000, 10_000, 8, 0, b"\0" * (10_001 * 10_000))
    status, answer = ask(running, "POST", "/api/read", bomb)

    assert (200, "no ink was found") == (status, answer["reason"])
    assert "7" == best(running)


def test_an_upload_that_announces_too_much_is_refused_before_it_comes(running):
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=60)
    connection.putrequest("POST", "/api/read")
    connection.putheader("Content-Length", str(MAX_BYTES + 1))
    connection.endheaders()
    response = connection.getresponse()

    assert 413 == response.status
    assert "64 MiB" in json.loads(response.read())["error"]
    connection.close()
    assert "7" == best(running)


def test_an_upload_that_is_broken_off_harms_nobody(running):
    with socket.create_connection((urlsplit(running.url).hostname, urlsplit(running.url).port)) as connection:
        connection.sendall(b"POST /api/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nabc")

    assert "7" == best(running)


@pytest.mark.parametrize(
    "request_line", [b"GET / HTTP/1.1\r\n\r\n", b"GET /../../etc/passwd HTTP/1.0\r\n\r\n", b"\x16\x03\x01\0\0\r\n\r\n"]
)
def test_requests_without_a_host_are_refused(running, request_line):
    with socket.create_connection((urlsplit(running.url).hostname, urlsplit(running.url).port)) as connection:
        connection.sendall(request_line)

        assert connection.recv(100).split()[1] in (b"400", b"403")


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}], ids=str)
def test_another_page_is_refused(running, headers):
    status, answer = ask(running, "POST", "/api/evaluate", **headers)

    assert 403 == status
    assert "page" in answer["error"]


def test_what_is_collected_is_evaluated_by_run(running):
    for label in (7, 7, 1):
        status, _ = ask(running, "POST", f"/api/collected?label={label}&kind=photo", SEVEN.read_bytes())
        assert 201 == status
    done = batch_eval("run", running.collected, "--out", running.collected.parent / "by hand")

    assert (0, "2 of 3") == (done.returncode, "2 of 3" if "2 of 3" in done.stdout else done.stdout)


@pytest.fixture
def stopped(monkeypatch):
    """Serve nothing; return what is listened on, and the addresses that a browser was told to open."""
    bound, launched = [], []

    def close(_app, listening, ready):
        ready()
        bound.append(listening.getsockname()[0])
        listening.close()

    monkeypatch.setattr(server, "serve", close)
    monkeypatch.setattr("typer.launch", launched.append)
    return bound, launched


def test_open_opens_the_page_in_a_browser(stopped):
    done = CliRunner().invoke(application(), ["serve", "--port", "0", "--open"])

    assert ["127.0.0.1"] == stopped[0]
    assert [re.search(r"http://\S+", done.stdout)[0]] == stopped[1]
    assert "" == done.stderr


def test_a_note_says_when_others_can_come(stopped):
    done = CliRunner().invoke(application(), ["serve", "--port", "0", "--host", "0.0.0.0"])

    assert (["0.0.0.0"], []) == stopped
    assert "Note: anyone who can reach this machine can use the page" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_it_without_a_traceback(tmp_path):
    with served(tmp_path) as site:
        site.process.send_signal(signal.SIGINT)
        out, talk = site.process.communicate(timeout=60)

    assert (130, "", "Stopped.\n") == (site.process.returncode, out, talk)


def test_a_port_in_use_is_said(running):
    done = batch_eval("serve", "--port", urlsplit(running.url).port)

    assert 2 == done.returncode
    assert "Address already in use. Choose another port with --port" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
        (["--preprocess", "foto"], "Did you mean 'photo'"),
        (["--model", "nothing.keras"], "There is no model at nothing.keras"),
        (["--folder", "nowhere"], "The folder nowhere does not exist"),
        (["--collect", "sample_images"], "labels.csv would hide what is collected"),
    ],
)
def test_what_the_user_must_change_is_said_before_anything_is_served(options, message):
    done = batch_eval("serve", *options)

    assert (2, "") == (done.returncode, done.stdout)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_it_tells_how_to_install_it():
    code = (
        "import sys; sys.modules['starlette'] = None; sys.argv[1:] = ['serve']; from batch_eval.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert 2 == done.returncode
    assert re.search(r"Install them with: .*pip install .+\[web\]'", done.stderr)


@pytest.mark.parametrize(
    ("bound", "url"),
    [
        (("127.0.0.1", 80), "http://127.0.0.1:80/"),
        (("0.0.0.0", 80), "http://127.0.0.1:80/"),
        (("::", 80, 0, 0), "http://[::1]:80/"),
        (("::1", 80, 0, 0), "http://[::1]:80/"),
    ],
)
def test_the_address_is_one_that_a_browser_here_can_open(bound, url):
    class Listening:
        def getsockname(self):
            return bound

    assert url == server.address(Listening())


class Probe:
    """A datagram socket of a machine with one address, or without a network."""

    def __init__(self, own):
        self.own = own

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def connect(self, _):
        if self.own is None:
            raise OSError("Network is unreachable")

    def getsockname(self):
        return self.own, 5000


@pytest.mark.parametrize(
    ("bound", "own", "url"),
    [
        (("0.0.0.0", 80), "192.168.1.5", "http://192.168.1.5:80/"),
        (("0.0.0.0", 80), None, ""),
        (("10.0.0.7", 80), None, "http://10.0.0.7:80/"),
    ],
)
def test_the_address_is_one_that_a_phone_can_open(monkeypatch, bound, own, url):
    class Listening:
        def getsockname(self):
            return bound

    monkeypatch.setattr(server.socket, "socket", lambda *_: Probe(own))

    assert url == server.network_address(Listening())


def test_the_files_of_the_page_are_in_the_package():
    """The build takes the whole folder; what it leaves out, it does so by .gitignore."""
    files = [path for path in (ROOT / "batch_eval" / "web" / "files").rglob("*") if path.is_file()]
    command = ["git", "check-ignore", *map(str, files)]

    assert {".jinja", ".css", ".js", ".svg"} == {Path(file).suffix for file in files}
    assert "" == subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
