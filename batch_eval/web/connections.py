"""Connections that end in time: nobody keeps one open by sending slowly, by reading slowly, or by opening many.

uvicorn has a time limit for the pause between two requests alone. It waits for ever for the rest of a request's head
and for a client that does not read its answer. Its ``limit_concurrency`` refuses the newcomer, so whoever opens many
connections and sends nothing would keep everybody else out. Here the connection goes that waits longest for its client.
The limits of an upload are in `workload`.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 128
"""Connections at a time. A browser opens six; many systems allow a process 256 files."""
WAITING_SECONDS = 20.0
"""Time for a request's head to arrive, and for a piece of an answer to be read."""
BUSY = b'{"error": "The page has too many requests in progress. Try again."}'
"""The answer where every connection has a request in progress."""


class TimedProtocol(H11Protocol):
    """uvicorn's protocol for HTTP/1.1 with a limit of connections and of the time that one may wait."""

    _waiting: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None
    _heard = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client its time; end another connection where there are too many."""
        super().connection_made(transport)
        self._heard = self.loop.time()
        self._wait_for_request()
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Note when the client was last heard."""
        self._heard = self.loop.time()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait_for_request()

    def pause_writing(self) -> None:
        """Give the client its time to read: the answer fills the buffers."""
        super().pause_writing()
        self._writing = self.loop.call_later(WAITING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        _cancel(self._writing)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the times."""
        _cancel(self._waiting)
        _cancel(self._writing)
        super().connection_lost(exc)

    def _wait_for_request(self) -> None:
        _cancel(self._waiting)
        self._waiting = self.loop.call_later(WAITING_SECONDS, self._end_unless_asked)

    def _end_unless_asked(self) -> None:
        if not self._is_asked():
            self.transport.abort()  # close() would wait for the client to read what is left

    def _is_asked(self) -> bool:
        """Whether a request is in progress: its head has arrived, and its answer is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    def _waits_for_client(self) -> bool:
        """Whether the next step is the client's: it sends a head or a body, or closes the connection."""
        return not self._is_asked() or self.cycle.more_body

    def _make_room(self) -> None:
        """End the connection that waits longest for its client; without one, refuse this connection."""
        others = [one for one in self.connections if one is not self and isinstance(one, TimedProtocol)]
        waiting = [one for one in others if one._waits_for_client()]
        if waiting:
            min(waiting, key=lambda one: one._heard).transport.abort()
            return
        head = f"HTTP/1.1 503 Service Unavailable\r\ncontent-length: {len(BUSY)}\r\n"
        self.transport.write(f"{head}content-type: application/json\r\nconnection: close\r\n\r\n".encode() + BUSY)
        self.transport.close()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
