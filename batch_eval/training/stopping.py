"""Ctrl-C in a training: it ends between two batches, so that the best weights so far are never lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def stopping_between_batches(worth_keeping: Callable[[], object]) -> Iterator[Any]:
    """Yield a Keras callback that raises KeyboardInterrupt after the batch in which Ctrl-C was pressed.

    In the middle of a batch, a library that is just being imported may lose it, or the process end at once. Ctrl-C
    does what it did before while there is nothing ``worth_keeping``, and when it is pressed again.
    """
    from keras.callbacks import LambdaCallback

    before = signal.getsignal(signal.SIGINT)
    pressed = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if callable(before) and (pressed.is_set() or not worth_keeping()):
            before(number, frame)
        pressed.set()

    def stop(batch: int, logs: Any = None) -> None:  # noqa: ARG001 - called by these names
        if pressed.is_set():
            raise KeyboardInterrupt

    ours = callable(before) and threading.current_thread() is threading.main_thread()  # nohup has it ignored
    if ours:
        signal.signal(signal.SIGINT, note)
    try:
        yield LambdaCallback(on_train_batch_end=stop)
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
