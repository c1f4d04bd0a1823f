"""Zeros where pixels should be: what a stopped download leaves in a file that was made at full size."""

from batch_eval.errors import UnreadableImageError

MIN_ZEROS = 16
"""Zero bytes at the end of packed data from which it may be cut short. Encoders end with fewer."""


def trailing_zeros(data: bytes) -> int:
    """Return the number of zero bytes at the end."""
    return len(data) - len(data.rstrip(b"\0"))


def cut_short(kind: str, zeros: int) -> UnreadableImageError:
    """Return the error for an image of a format whose last bytes are zeros."""
    amount = f"{zeros / 1000:,.0f} kB" if zeros >= 1000 else f"{zeros} bytes"
    return UnreadableImageError(f"{kind} data ends early: the last {amount} are zeros, the copy was cut short")
