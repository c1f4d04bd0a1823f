"""The server: listens where it is told, and runs the application until it is stopped."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from batch_eval.errors import ConfigError

SECONDS_TO_END = 3
"""Time that requests in progress have to end after Ctrl-C."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes any free one. Raises ConfigError where that is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {_reason(error)}. "
            "Choose another port with --port, 0 for any free one, or another address with --host."
        ) from error


def _reason(error: OSError) -> str:
    """Return what the system says, without the address that Python adds to it."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return str(error.strerror or error)
    return os.strerror(error.errno)


def address(listening: socket.socket) -> str:
    """Return the URL under which a browser on this machine finds a listening socket."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - read, not bound
    return f"http://{shown}:{port}/"


def serve(app: ASGIApp, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until Ctrl-C, which raises KeyboardInterrupt; call ``ready`` once Ctrl-C ends it quietly."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    server = uvicorn.Server(config)
    # uvicorn listens to signals only once its loop runs; a Ctrl-C while the loop is made would break it off half made
    before = signal.signal(signal.SIGINT, server.handle_exit)
    try:
        ready()
        server.run(sockets=[listening])
    finally:
        signal.signal(signal.SIGINT, before)
    if server.should_exit:
        raise KeyboardInterrupt
