"""Connections of the page over real sockets: what stays unfinished ends, and keeps nobody else out."""

import json
import socket
import threading
from contextlib import ExitStack, contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from batch_eval.web import connections, server, workload
from batch_eval.web.failures import HANDLED, error_response

SECONDS = 60
"""A socket that is still open after this time fails its test."""
HEAD = b"POST /length HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@contextmanager
def listening(**handlers):
    """Serve an upload's length and what else the handlers do; yield the port."""
    load = workload.Workload()

    async def length(request: Request) -> Response:
        return JSONResponse({"length": await load.with_upload(request, len)})

    routes = [Route(f"/{name}", handler) for name, handler in handlers.items()]
    app = Starlette(
        routes=[Route("/length", length, methods=["POST"]), *routes],
        exception_handlers=dict.fromkeys(HANDLED, error_response),
    )
    with server.listen("127.0.0.1", 0) as bound:
        running = server.server_of(app)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield bound.getsockname()[1]
        finally:
            running.should_exit = True
            thread.join()


def connected(port):
    return socket.create_connection(("127.0.0.1", port), SECONDS)


def answer(connection):
    """Return everything that comes until the connection ends; b"" where it is reset."""
    pieces = []
    try:
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def whole_request(port):
    """Return the status and the JSON of a whole upload."""
    with connected(port) as connection:
        connection.sendall(HEAD + b"Content-Length: 3\r\nConnection: close\r\n\r\nabc")
        head, _, body = answer(connection).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.fixture
def impatient(monkeypatch):
    """Short times."""
    monkeypatch.setattr(connections, "WAITING_SECONDS", 0.2)
    monkeypatch.setattr(workload, "PAUSE_SECONDS", 0.2)


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /length HT", HEAD, HEAD + b"Content-Length: 3\r\nConnection: close\r\n\r\nabc" + HEAD],
    ids=["nothing", "part of a line", "part of a head", "a request and part of the next"],
)
def test_a_head_that_does_not_end_is_broken_off(impatient, sent):
    with listening() as port, connected(port) as connection:
        connection.sendall(sent)
        answer(connection)

        assert (200, {"length": 3}) == whole_request(port)


def test_a_head_that_trickles_is_broken_off(impatient):
    """Each byte comes in time, the head never ends."""
    with listening() as port, connected(port) as connection:
        connection.settimeout(0.05)
        connection.sendall(HEAD)
        ended = False
        for _ in range(1000):
            try:
                connection.sendall(b"x")
                ended = not connection.recv(1)
            except TimeoutError:
                continue
            except OSError:
                ended = True
            if ended:
                break

        assert ended


def test_a_body_that_does_not_end_is_answered_and_closed(impatient):
    with listening() as port, connected(port) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\nabc")
        said = answer(connection)

    assert b"HTTP/1.1 408" == said[:12]
    assert b"paused longer" in said


def test_an_answer_that_nobody_reads_is_broken_off(impatient, monkeypatch):
    lost, size = threading.Event(), 64 << 20
    before = connections.TimedProtocol.connection_lost
    monkeypatch.setattr(
        connections.TimedProtocol, "connection_lost", lambda self, error: (before(self, error), lost.set())
    )

    async def much(_: Request) -> Response:
        return Response(bytes(size))

    with listening(much=much) as port, connected(port) as connection:
        connection.sendall(b"GET /much HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

        assert lost.wait(SECONDS)
        assert len(answer(connection)) < size


def test_many_unfinished_uploads_keep_nobody_out():
    """With the times of use: what waits longest makes room."""
    with listening() as port, ExitStack() as stack:
        for _ in range(300):
            connection = stack.enter_context(connected(port))
            connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\nabc")

        assert [(200, {"length": 3})] * 3 == [whole_request(port) for _ in range(3)]


def test_where_all_are_busy_the_next_is_told_so(monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 4)
    entered, release = threading.Semaphore(0), threading.Event()

    def busy(_: Request) -> Response:
        entered.release()
        release.wait(SECONDS)
        return JSONResponse({})

    with listening(busy=busy) as port, ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(connected(port))
            connection.sendall(b"GET /busy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            entered.acquire()
        with connected(port) as connection:
            said = answer(connection)
        release.set()

    assert b"HTTP/1.1 503" == said[:12]
    assert {"error"} == set(json.loads(said.partition(b"\r\n\r\n")[2]))


def test_an_evaluation_has_a_time_limit_and_the_next_waits_for_it(monkeypatch):
    monkeypatch.setattr(workload, "EVALUATION_SECONDS", 0.2)
    monkeypatch.setattr(workload, "SECONDS", 0.2)
    load, release, ended = workload.Workload(), threading.Event(), threading.Event()

    def work() -> dict[str, int]:
        release.wait(SECONDS)
        ended.set()
        return {"scored": 3}

    async def evaluate(_: Request) -> Response:
        return JSONResponse(await load.evaluating(work))

    with listening(evaluate=evaluate) as port:
        assert b"takes longer than" in got(port, "evaluate")
        assert b"Another evaluation is running" in got(port, "evaluate")
        release.set()
        assert ended.wait(SECONDS)
        monkeypatch.setattr(workload, "SECONDS", SECONDS)
        assert got(port, "evaluate").endswith(b'{"scored":3}')


def got(port, name):
    with connected(port) as connection:
        connection.sendall(f"GET /{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        return answer(connection)
