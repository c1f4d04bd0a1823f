"""How much the page does at a time: uploads held in memory, and work in threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import Request

from batch_eval.cores import available_cores

MAX_BYTES = 64 << 20
"""Of an upload: the largest photos of phones have less."""
MAX_UPLOADS = 8
"""Uploads that are held in memory at a time; others wait before their bytes are read."""
LENGTH_DIGITS = 19
"""Of an announced length in bytes: no file is so long, and Python reads no number of thousands of digits."""
SECONDS = 60
"""Time for an upload to arrive."""

P = ParamSpec("P")
T = TypeVar("T")


class Workload:
    """Runs work in as many threads as there are cores, so that the page answers meanwhile."""

    def __init__(self) -> None:
        self._threads = anyio.CapacityLimiter(available_cores())
        self._uploads = anyio.Semaphore(MAX_UPLOADS)

    async def run(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Return what some work gives, done in a thread."""
        return await run_sync(lambda: work(*arguments, **options), limiter=self._threads)

    async def with_upload(self, request: Request, work: Callable[[bytes], T]) -> T:
        """Return what some work makes of the bytes that a request sends.

        Raises HTTPException 413 as soon as they are too many, 408 when they take too long, 400 for an absurd length.
        """
        async with self._uploads:
            return await self.run(work, await _body(request))


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if len(announced) > LENGTH_DIGITS:
        raise HTTPException(
            400, f"The header Content-Length has {len(announced):,} characters. Expected a number of bytes."
        )
    if announced.isascii() and announced.isdigit() and int(announced) > MAX_BYTES:
        raise _too_large()
    data = bytearray()
    try:
        with anyio.fail_after(SECONDS):
            async for chunk in request.stream():
                data += chunk
                if len(data) > MAX_BYTES:
                    raise _too_large()
    except TimeoutError:
        raise HTTPException(408, f"The upload took longer than {SECONDS} seconds. Try it again.") from None
    return bytes(data)


def _too_large() -> HTTPException:
    return HTTPException(413, f"The file is too large. At most {MAX_BYTES >> 20} MiB are taken.")
