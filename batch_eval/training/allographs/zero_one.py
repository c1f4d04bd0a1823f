"""How people write 0 and 1."""

import math

from batch_eval.training.allographs.register import writes
from batch_eval.training.writer import Stroke, Writer, join


def _ring(writer: Writer) -> Stroke:
    """Draw an oval that starts near the top. It may stay open or overlap."""
    width = writer.between(0.2, 0.48)
    sweep = (360 + writer.between(-30, 45)) * (-1 if writer.chance(0.8) else 1)
    return writer.arc((0.35, 0.5), (width, 0.5), -90 + writer.between(-45, 45), sweep)


@writes(0, 6)
def zero_oval(writer: Writer) -> list[Stroke]:
    """Draw a plain oval."""
    return [_ring(writer)]


@writes(0, 1)
def zero_hooked(writer: Writer) -> list[Stroke]:
    """Draw an oval with a tail. Fast writers leave one inside or above."""
    inward = writer.between(-0.08, 0.3)
    ring = writer.arc((0.35, 0.5), (writer.between(0.22, 0.42), 0.5), -100, -360)
    end = ring[-1]
    return [
        join(ring, writer.curve(tuple(end), (end[0] - 0.1, end[1] + inward), (end[0] - 0.22, end[1] + inward * 1.1)))
    ]


@writes(0, 0.8)
def zero_curled(writer: Writer) -> list[Stroke]:
    """Draw a spiral: an oval that starts inside, or far past its top."""
    width = writer.between(0.22, 0.42)
    inward = writer.between(-0.15, 0.35)
    start = (0.35 + width * writer.between(0.1, 0.6), 0.02 + inward)
    ring = writer.arc((0.35, 0.5), (width, 0.5), -80, -(350 + writer.between(-20, 40)))
    return [join(writer.curve(start, (0.38 + width * 0.2, inward * 0.3), tuple(ring[0])), ring)]


@writes(0, 1.2)
def zero_slashed(writer: Writer) -> list[Stroke]:
    """Draw an oval with a slash, short or beyond both ends."""
    reach = writer.between(0.55, 1.25)
    dx, dy = 0.36 * reach, 0.46 * reach
    if writer.chance(0.12):
        # A few slashes lean the other way.
        dx = -dx
    return [_ring(writer), writer.line((0.35 + dx, 0.5 - dy), (0.35 - dx, 0.5 + dy))]


def _flag(writer: Writer, top: tuple[float, float], length: float, rise: float) -> Stroke:
    """Draw a flag up to ``top``. Its ``rise`` is in degrees above the horizontal."""
    dx, dy = length * math.cos(math.radians(rise)), length * math.sin(math.radians(rise))
    start = (top[0] - dx, top[1] + dy)
    sag = writer.between(-0.05, 0.12) * length
    middle = (top[0] - dx / 2 + sag / 2, top[1] + dy / 2 + sag)
    return writer.curve(start, middle, top)


def _any_flag(writer: Writer, top: tuple[float, float]) -> Stroke:
    """Draw a flag of any length. Short flags may be flat, long ones are steep."""
    # A long flat flag would be the bar of a 7.
    length = writer.between(0.1, 0.62)
    flattest = 24 if length < 0.25 else 24 + (length - 0.25) * 40
    return _flag(writer, top, length, writer.between(flattest, 66))


def _stem(writer: Writer, lean: float = 0.0) -> Stroke:
    """Draw a downstroke from (0, 0) to (lean, 1), straight or slightly bowed."""
    bow = float(writer.rng.normal(0, 0.02))
    return writer.curve((0, 0), (lean / 2 + bow, 0.5), (lean, 1))


def _base(writer: Writer, x: float) -> Stroke:
    """Draw the level foot of a 1."""
    left, right = writer.between(0.06, 0.38), writer.between(0.06, 0.38)
    return writer.line((x - left, 1), (x + right, 1 + writer.between(-0.05, 0.03)))


@writes(1, 2)
def one_plain(writer: Writer) -> list[Stroke]:
    """Draw a single downstroke."""
    return [_stem(writer)]


@writes(1, 4)
def one_flag(writer: Writer) -> list[Stroke]:
    """Draw a downstroke with a flag."""
    return [join(_any_flag(writer, (0, 0)), _stem(writer))]


@writes(1, 2)
def one_long_flag(writer: Writer) -> list[Stroke]:
    """Draw a flag nearly as long as the stem, as in Poland, Germany or Vietnam. A quarter have a foot."""
    reach = writer.between(0.4, 1.0)
    # The farther down the flag reaches, the steeper it must be, or it would be the bar of a 7.
    rise = writer.between(44 + 10 * reach, 76)
    lean = writer.between(-0.12, 0.3)
    one = join(_flag(writer, (0, 0), reach / math.sin(math.radians(rise)), rise), _stem(writer, lean))
    return [one, _base(writer, lean)] if writer.chance(0.25) else [one]


@writes(1, 2.5)
def one_flag_and_base(writer: Writer) -> list[Stroke]:
    """Draw a downstroke with a flag and a foot, as in print."""
    return [join(_any_flag(writer, (0, 0)), _stem(writer)), _base(writer, 0)]


@writes(1, 0.3)
def one_flat_flag_and_base(writer: Writer) -> list[Stroke]:
    """Draw a short level flag and a foot. Only these two tell it from a 7."""
    flag = _flag(writer, (0, 0), writer.between(0.1, 0.3), writer.between(0, 25))
    return [join(flag, _stem(writer)), _base(writer, 0)]


@writes(1, 0.5)
def one_base(writer: Writer) -> list[Stroke]:
    """Draw a downstroke with a foot only."""
    return [_stem(writer), _base(writer, 0)]


@writes(1, 0.3)
def one_hooked_foot(writer: Writer) -> list[Stroke]:
    """Draw a flag, and a stem that curves into its foot."""
    foot = writer.curve((0, 0.85), (0.03, 0.97), (0.12, 1), (writer.between(0.18, 0.3), 0.95))
    stem = writer.line((0, 0), (0, 0.85))
    return [join(_any_flag(writer, (0, 0)), stem, foot)]
