"""Limit what the page does at a time: uploads in memory, and work in threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import Request

from batch_eval.cores import available_cores

MAX_BYTES = 64 << 20
"""Largest upload. Photos of phones are smaller."""
MAX_UPLOADS = 8
"""Uploads in memory at a time. Others wait before their bytes are read."""
LENGTH_DIGITS = 19
"""Most digits of a Content-Length. No file is longer, and Python refuses numbers with thousands of digits."""
SECONDS = 60
"""Time limit for an upload to arrive."""

P = ParamSpec("P")
T = TypeVar("T")


class Workload:
    """Runs work in threads, as many as there are cores, so that the page stays responsive."""

    def __init__(self) -> None:
        self._threads = anyio.CapacityLimiter(available_cores())
        self._uploads = anyio.Semaphore(MAX_UPLOADS)

    async def run(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run ``work`` in a thread and return its result."""
        return await run_sync(lambda: work(*arguments, **options), limiter=self._threads)

    async def with_upload(self, request: Request, work: Callable[[bytes], T]) -> T:
        """Run ``work`` on the bytes that a request sends and return its result.

        Raises HTTPException: 413 as soon as there are too many bytes, 408 if they take too long, 400 for an invalid
        length.
        """
        # This bounds memory however many clients send at once: few uploads are held, and each is limited.
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
    # Count while it arrives: the header may be missing, as in chunked uploads, or lie.
    data = bytearray()
    try:
        with anyio.fail_after(SECONDS):
            async for chunk in request.stream():
                data += chunk
                if len(data) > MAX_BYTES:
                    raise _too_large()
    except TimeoutError:
        raise HTTPException(408, f"The upload took longer than {SECONDS} seconds. Try again.") from None
    return bytes(data)


def _too_large() -> HTTPException:
    return HTTPException(413, f"The file is too large. The limit is {MAX_BYTES >> 20} MiB.")
