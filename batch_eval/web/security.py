"""Keep other websites out: check each request's Host and Origin, and send security headers."""

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
"""Sent with every response: no other origin may serve content to the page, get its data, or frame it.

See https://www.w3.org/TR/CSP3/. ``data:`` allows the pictures that `answers` makes.
"""


class Guard:
    """ASGI middleware that refuses requests to another host, or from another page."""

    # A server on 127.0.0.1 is not safe from websites: a page that the user visits runs in a browser on this machine.
    # - DNS rebinding: evil.example first resolves to its own server, then to 127.0.0.1. The browser takes both for one
    #   origin, so the page may read our answers. But it still sends `Host: evil.example`, which we refuse. See Jackson
    #   et al., Protecting browsers from DNS rebinding attacks, CCS 2007.
    # - Cross-site request forgery: the page posts to http://127.0.0.1:8028. It cannot read the answer, but could save
    #   or delete. The browser adds `Origin` and `Sec-Fetch-Site`, which the page cannot change.

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app, self._host = app, host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or answer 403 with the reason."""
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
    """Return why a request is refused, or an empty string. ``bound`` is the host that the server listens on."""
    host = headers.get("host", "")
    if not is_own(host, bound):
        return f"The host {host!r} is not this page's. Open the address that `batch-eval serve` printed."
    # https too, for a reverse proxy with TLS in front of this server.
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
        return f"The request came from another page, {origin}."
    # GET changes nothing, so links from other pages may work. Older browsers lack Sec-Fetch-Site but send Origin.
    if method not in ("GET", "HEAD") and headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return "The request came from another page."
    return ""


def is_own(host: str, bound: str) -> bool:
    """Return whether a `Host` header names this server.

    These names are its own:

    - the host that it listens on, and the names of the loopback address;
    - if other machines can reach it, also this machine's name and any IP address.
    """
    # An IP address is safe: DNS rebinding needs a name.
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
