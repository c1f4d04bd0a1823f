"""A pool of worker processes that outlives the death of each of them.

A process may die: memory runs out, or a decoder crashes. Then its chunk is done again in parts, by fresh processes. A
part on which another one dies is lost, and nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import wait
from typing import Any

from batch_eval.engines.work import AHEAD, Work
from batch_eval.engines.worker_process import DiedError, Process, fork, start
from batch_eval.errors import WorkerError

_DEPTH = 2
"""Chunks that a process has at once. The next one waits in its pipe, so that the process never waits."""
_STILLBORN = 3
"""Processes in a row that end before they begin. Then no further one is started."""


@dataclass(slots=True, eq=False)
class _Piece:
    """A chunk with its result, once it is ``done``. A part of a chunk on which a process died is ``alone``."""

    chunk: Any
    alone: bool = False
    done: bool = False
    result: Any = None


class Processes:
    """Worker processes, asked by one thread. So there is no other, and a dead one can be replaced by forking again."""

    def __init__(self, work: Work[Any, Any], pickled: bytes | None = None) -> None:
        """Let processes do the work. Where it is ``pickled``, they are started anew, and else forked."""
        self._work, self._pickled = work, pickled
        self._living: list[Process] = []
        self._stillborn = 0
        self._order: list[_Piece] = []  # as results are yielded
        self._unsent: deque[_Piece] = deque()

    def begin(self, jobs: int) -> bool:
        """Start processes, and return as soon as one can work; False if none can."""
        while len(self._living) < jobs and self._start():
            pass
        while self._living and not any(process.ready for process in self._living):
            self._receive()
        return bool(self._living)

    def results(self, chunks: Iterable[Any], jobs: int) -> Iterator[Any]:
        """Yield the results of chunks, in order."""
        remaining = iter(chunks)
        # All at once, before a chunk is drawn: that may start threads, and forking beside threads is unsafe.
        while len(self._living) < jobs and self._start():
            pass
        while True:
            fresh = [_Piece(chunk) for chunk in islice(remaining, max(0, jobs * AHEAD - len(self._order)))]
            self._order += fresh
            self._unsent += fresh
            if not self._order:
                return
            self._send(jobs)
            if self._order[0].done:
                yield self._order.pop(0).result
            else:
                self._receive()

    def end(self) -> None:
        """End all processes."""
        while self._living:
            self._living.pop().end()

    def _send(self, jobs: int) -> None:
        """Give every process something to do; start those that are missing."""
        while self._unsent and len(self._living) < jobs and self._start():
            pass
        # one for each first: a process that has two while another has none would make the run longer
        for depth in range(1, _DEPTH + 1):
            for process in self._living:
                if self._unsent and len(process.asked) < depth:
                    piece = self._unsent.popleft()
                    process.asked.append(piece)
                    process.ask(piece.chunk)

    def _start(self) -> bool:
        """Start a process. Where that fails, the others go on; raises WorkerError if there are none."""
        try:
            process = fork(self._work, self._living) if self._pickled is None else start()
        except OSError as error:
            if self._living:
                return False
            raise WorkerError(f"a worker process cannot be started: {error.strerror}. Run with --jobs 1.") from error
        self._living.append(process)
        if self._pickled is not None:
            process.send(self._pickled)
        return True

    def _receive(self) -> None:
        """Wait for answers, and note them."""
        answered = wait([process.answers for process in self._living])
        for process in [process for process in self._living if process.answers in answered]:
            try:
                answer = process.receive()
            except DiedError:
                self._living.remove(process)
                process.end()
                self._died(process)
                continue
            self._stillborn = 0
            if answer is not None:
                result, error = answer
                if error is not None:
                    raise error
                piece = process.asked.popleft()
                piece.result, piece.done = result, True

    def _died(self, process: Process) -> None:
        """Let other processes do what a dead one had to do."""
        pieces = list(process.asked)
        if not process.ready:
            # it was not the chunk
            self._stillborn += 1
            if self._stillborn >= _STILLBORN:
                raise WorkerError(
                    "worker processes end as they start, perhaps because memory ran out. Run again with fewer --jobs."
                )
        elif pieces:
            pieces[:1] = self._again(pieces[0])
        self._unsent.extendleft(reversed(pieces))

    def _again(self, piece: _Piece) -> Sequence[_Piece]:
        """Return the parts of a piece on which a process died; of a part nothing, as it is lost."""
        if piece.alone:
            piece.result, piece.done = self._work.lost(piece.chunk), True
            return ()
        parts = [_Piece(part, alone=True) for part in self._work.parts(piece.chunk)]
        place = self._order.index(piece)
        self._order[place : place + 1] = parts
        return parts
