"""Ctrl-C in a training: stop between two batches.

So the best weights so far are kept.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from batch_eval import interrupts


@contextmanager
def stopping_between_batches(worth_keeping: Callable[[], object]) -> Iterator[Any]:
    """Yield a Keras callback that raises KeyboardInterrupt at the end of a batch after Ctrl-C.

    Ctrl-C acts as before while there is nothing ``worth_keeping``, and when it is pressed again. Where something is,
    the process is not ended from outside: the training saves it first.
    """
    # Why not at once: TensorFlow imports modules between epochs. An interrupt inside an import may get lost or end
    # the process, and the training with it.
    from keras.callbacks import LambdaCallback

    before = signal.getsignal(signal.SIGINT)
    pressed = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        again, saves = pressed.is_set(), worth_keeping()
        pressed.set()
        if saves:
            interrupts.answered()  # before what may raise
        if callable(before) and (again or not saves):
            before(number, frame)

    def stop(batch: int, logs: Any = None) -> None:  # noqa: ARG001 - Keras passes these names
        if pressed.is_set():
            raise KeyboardInterrupt

    # Only the main thread may set handlers, and under nohup the signal is ignored: `before` is not callable then.
    ours = callable(before) and threading.current_thread() is threading.main_thread()
    if ours:
        signal.signal(signal.SIGINT, note)
    try:
        yield LambdaCallback(on_train_batch_end=stop)
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
