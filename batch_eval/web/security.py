"""What keeps other pages out: every request's Host and Origin, and the headers of every response."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""Sent with every response: nothing is loaded from, sent to, or framed by another origin."""


class Guard:
    """ASGI middleware that refuses requests meant for another host, or made by another page.

    A page of a stranger can have its name resolve to this machine (DNS rebinding); then its `Host` is that name. It can
    also post here without reading the answer (cross-site request forgery); then its `Origin` is its own.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app, self._host = app, host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with a reason."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        reason = refusal(Headers(scope=scope), scope["method"], self._host)
        app = JSONResponse({"error": reason}, 403) if reason else self._app
        await app(scope, receive, send_with_headers)


def refusal(headers: Headers, method: str, bound: str) -> str:
    """Return why a request is refused, or nothing; ``bound`` is the host that the server listens on."""
    host = headers.get("host", "")
    if not is_own(host, bound):
        return f"The host {host!r} is not this page's. Open the address that batch-eval serve printed."
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
        return f"The request was made by another page, {origin}."
    if method not in ("GET", "HEAD") and headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return "The request was made by another page."
    return ""


def is_own(host: str, bound: str) -> bool:
    """Say whether a `Host` header names this server.

    It does with the name that the server was started with, and with those of the loopback address; where other machines
    may ask, also with any address in digits, which no foreign name can stand for, and with this machine's name.
    """
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if not name or set(host) & set("@/?#\\"):
        return False
    if name in LOOPBACK or name == bound.lower():
        return True
    return bound not in LOOPBACK and (_is_address(name) or name in _own_names())


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _own_names() -> Iterable[str]:
    name = socket.gethostname().lower()
    return name, f"{name}.local"
