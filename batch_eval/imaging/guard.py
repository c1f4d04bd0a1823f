"""One net below each image: whatever an image causes makes this image unreadable, and no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import cv2

from batch_eval.errors import StoreError, UnreadableImageError
from batch_eval.wording import message

OUT_OF_MEMORY = "memory ran out while it was read"
"""The reason where an allocation failed."""
DEFECT = "a defect in batch_eval; please report it with this image"
"""Begins the reason where nobody foresaw the exception."""

P = ParamSpec("P")
T = TypeVar("T")


def one_image(work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Return what ``work`` makes of one image.

    Every exception but StoreError becomes UnreadableImageError, with a reason that is short and printable.
    """
    try:
        return work(*arguments, **options)
    except StoreError:  # no image can be read
        raise
    except UnreadableImageError as error:
        raise UnreadableImageError(message(str(error))) from error
    except Exception as error:
        raise UnreadableImageError(message(unforeseen(error))) from error


def unforeseen(error: Exception) -> str:
    """Return the reason for an exception that no decoder or step is known to raise."""
    if ran_out_of_memory(error):
        return OUT_OF_MEMORY
    return f"{DEFECT}: {type(error).__name__}: {error}"


def ran_out_of_memory(error: Exception) -> bool:
    """Whether an exception says that an allocation failed. OpenCV and libjpeg have their own ways to."""
    if isinstance(error, cv2.error):
        return error.code == cv2.Error.StsNoMem
    return isinstance(error, MemoryError) or "insufficient memory" in str(error).lower()
