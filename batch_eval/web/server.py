"""The server: listen on a socket, and run the application until Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from batch_eval.errors import ConfigError
from batch_eval.web.connections import TimedProtocol

SHUTDOWN_SECONDS = 1
"""Time for requests in progress to finish after Ctrl-C, which ends the process after two at most."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Port 0 takes any free one. Raises ConfigError if that fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {_reason(error)}. "
            "Choose another port with --port (0 takes any free one), or another address with --host."
        ) from error


def _reason(error: OSError) -> str:
    """Return the system's message, without the address that Python adds to it."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return str(error.strerror or error)
    return os.strerror(error.errno)


def address(listening: socket.socket) -> str:
    """Return the URL of a listening socket, for a browser on this machine."""
    host, port = listening.getsockname()[:2]
    # 0.0.0.0 and :: mean all addresses. Browsers cannot open them.
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - read, not bound
    return f"http://{shown}:{port}/"


def network_address(listening: socket.socket) -> str:
    """Return the URL for other machines, such as a phone; empty without a network."""
    host, port = listening.getsockname()[:2]
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - read, not bound
        return address(listening)
    # Connecting a datagram socket sends nothing. It only chooses the address by which this machine reaches others.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation: RFC 5737
        except OSError:
            return ""
        return f"http://{probe.getsockname()[0]}:{port}/"


def server_of(app: ASGIApp) -> uvicorn.Server:
    """Return the server of an application, ready to run."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        http=TimedProtocol,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return uvicorn.Server(config)


def serve(app: ASGIApp, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C, which raises KeyboardInterrupt. Call ``ready`` once Ctrl-C is handled."""
    server = server_of(app)
    # uvicorn handles signals only once its event loop runs. A Ctrl-C before that would leave the loop half made.
    before = signal.signal(signal.SIGINT, server.handle_exit)
    try:
        ready()
        server.run(sockets=[listening])
    finally:
        signal.signal(signal.SIGINT, before)
    if server.should_exit:
        raise KeyboardInterrupt
