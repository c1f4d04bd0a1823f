"""How far a packed file may unpack. Images hardly shrink. What shrinks a hundredfold is made to fill a memory."""

from __future__ import annotations

HARMLESS = 64 << 20
"""Bytes up to which a file may be packed however tightly."""
TIGHTEST = 200
"""How many times its packed size a larger file may have. MNIST shrinks to a fifth, a blank bitmap to a thousandth."""


def is_bomb(packed: int, unpacked: int) -> bool:
    """Whether a file of ``packed`` bytes unpacks to more than any set of images does."""
    return unpacked > max(HARMLESS, TIGHTEST * packed)
