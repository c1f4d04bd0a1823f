"""Limit what the page does at a time: uploads in memory, and work in threads."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import ParamSpec, TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import Request

from batch_eval.cores import available_cores

MAX_BYTES = 64 << 20
"""Largest upload. Photos of phones are smaller."""
MAX_UPLOADS = 8
"""Large uploads in memory at a time. Others wait when ``SMALL_BYTES`` of them have arrived."""
SMALL_BYTES = 1 << 20
"""Bytes of an upload that need no turn. So uploads that stop after a few bytes keep nobody waiting."""
LENGTH_DIGITS = 19
"""Most digits of a Content-Length. No file is longer, and Python refuses numbers with thousands of digits."""
SECONDS = 60
"""Time limit for an upload to arrive, with the time that it waits for its turn."""
PAUSE_SECONDS = 10
"""Time limit for the next piece of an upload."""
READING_SECONDS = 30
"""Time limit for the work on one upload. A PNG of 190 megapixels, larger than an upload may be, took 7.5 s."""
EVALUATION_SECONDS = 600
"""Time limit for evaluating all that was collected."""

P = ParamSpec("P")
T = TypeVar("T")


class Workload:
    """Runs work in threads, as many as there are cores, so that the page stays responsive."""

    def __init__(self) -> None:
        self._threads = anyio.CapacityLimiter(available_cores())
        self._uploads = anyio.Semaphore(MAX_UPLOADS)
        self._evaluations = anyio.CapacityLimiter(1)  # two at once would write the same files

    async def run(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run ``work`` in a thread and return its result."""
        return await run_sync(lambda: work(*arguments, **options), limiter=self._threads)

    async def with_upload(self, request: Request, work: Callable[[bytes], T]) -> T:
        """Run ``work`` on the bytes that a request sends and return its result.

        Raises HTTPException: 413 as soon as there are too many bytes, 408 if they take too long, 400 for an invalid
        length, 503 if the work takes too long.
        """
        # This bounds memory however many clients send at once: few large uploads are held, and each is limited.
        async with AsyncExitStack() as turn:
            data = await self._body(request, turn)
            return await _in_time(
                lambda: work(data),
                self._threads,
                READING_SECONDS,
                busy="The page is busy with other images. Try again.",
                late=f"Reading the image takes longer than {READING_SECONDS} seconds. Try a smaller copy of it.",
            )

    async def evaluating(self, work: Callable[[], T]) -> T:
        """Run an evaluation in a thread and return its result; it waits for the one before.

        Raises HTTPException 503 if that or the evaluation takes too long.
        """
        return await _in_time(
            work,
            self._evaluations,
            EVALUATION_SECONDS,
            busy="Another evaluation is running. Try again when it is done.",
            late=f"The evaluation takes longer than {EVALUATION_SECONDS} seconds. It goes on; its report will stand at "
            "/report/report.html. For a large folder, use batch-eval run.",
        )

    async def _body(self, request: Request, turn: AsyncExitStack) -> bytes:
        """Return the bytes that a request sends; ``turn`` is held from ``SMALL_BYTES`` on."""
        _check_announced(request.headers.get("content-length", ""))
        # Count while it arrives: the header may be missing, as in chunked uploads, or lie.
        data, pieces, held = bytearray(), request.stream(), False
        try:
            with anyio.fail_after(SECONDS):
                while True:
                    if len(data) >= SMALL_BYTES and not held:
                        await turn.enter_async_context(self._uploads)
                        held = True
                    with anyio.fail_after(PAUSE_SECONDS):
                        piece = await anext(pieces, None)
                    if piece is None:
                        return bytes(data)
                    data += piece
                    if len(data) > MAX_BYTES:
                        raise _too_large()
        except TimeoutError:
            raise HTTPException(
                408,
                f"The upload took longer than {SECONDS} seconds, or paused longer than {PAUSE_SECONDS}. Try again.",
            ) from None


async def _in_time(work: Callable[[], T], places: anyio.CapacityLimiter, seconds: float, *, busy: str, late: str) -> T:
    """Run ``work`` in a thread, in one of the places, and return its result.

    Raises HTTPException 503: ``busy`` where no place becomes free, ``late`` where the work takes too long.
    """
    holder = object()
    try:
        with anyio.fail_after(SECONDS):
            await places.acquire_on_behalf_of(holder)
    except TimeoutError:
        raise HTTPException(503, busy) from None
    # Nothing can end a thread. One that takes too long keeps its place until it is done, so there are never more.
    running = asyncio.ensure_future(run_sync(work, limiter=anyio.CapacityLimiter(math.inf)))

    def finished(done: asyncio.Future[T]) -> None:
        places.release_on_behalf_of(holder)
        if not done.cancelled():
            done.exception()  # was seen, also where nobody waits for it any more

    running.add_done_callback(finished)
    ended, _ = await asyncio.wait({running}, timeout=seconds)
    if not ended:
        raise HTTPException(503, late)
    return running.result()


def _check_announced(length: str) -> None:
    """Raise HTTPException for a Content-Length that is invalid or too large."""
    if len(length) > LENGTH_DIGITS:
        raise HTTPException(
            400, f"The header Content-Length has {len(length):,} characters. Expected a number of bytes."
        )
    if length.isascii() and length.isdigit() and int(length) > MAX_BYTES:
        raise _too_large()


def _too_large() -> HTTPException:
    return HTTPException(413, f"The file is too large. The limit is {MAX_BYTES >> 20} MiB.")
