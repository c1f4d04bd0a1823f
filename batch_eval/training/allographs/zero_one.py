"""How people write 0 and 1."""

import math

from batch_eval.training.allographs.register import writes
from batch_eval.training.hand import Hand, Stroke, join


def _ring(hand: Hand) -> Stroke:
    """Draw an oval begun near the top; it may stay open or overlap."""
    width = hand.between(0.2, 0.48)
    sweep = (360 + hand.between(-30, 45)) * (-1 if hand.chance(0.8) else 1)
    return hand.arc((0.35, 0.5), (width, 0.5), -90 + hand.between(-45, 45), sweep)


@writes(0, 6)
def zero_oval(hand: Hand) -> list[Stroke]:
    """Draw a plain oval."""
    return [_ring(hand)]


@writes(0, 1)
def zero_hooked(hand: Hand) -> list[Stroke]:
    """Draw an oval whose end runs on into it or stands out above, as fast writers leave it."""
    inward = hand.between(-0.08, 0.3)
    ring = hand.arc((0.35, 0.5), (hand.between(0.22, 0.42), 0.5), -100, -360)
    end = ring[-1]
    return [join(ring, hand.curve(tuple(end), (end[0] - 0.1, end[1] + inward), (end[0] - 0.22, end[1] + inward * 1.1)))]


@writes(0, 0.8)
def zero_curled(hand: Hand) -> list[Stroke]:
    """Draw an oval that the pen begins inside or far past its top, as a spiral."""
    width = hand.between(0.22, 0.42)
    inward = hand.between(-0.15, 0.35)
    start = (0.35 + width * hand.between(0.1, 0.6), 0.02 + inward)
    ring = hand.arc((0.35, 0.5), (width, 0.5), -80, -(350 + hand.between(-20, 40)))
    return [join(hand.curve(start, (0.38 + width * 0.2, inward * 0.3), tuple(ring[0])), ring)]


@writes(0, 1.2)
def zero_slashed(hand: Hand) -> list[Stroke]:
    """Draw an oval with a slash, inside it or beyond both ends."""
    reach = hand.between(0.55, 1.25)
    dx, dy = 0.36 * reach, 0.46 * reach
    if hand.chance(0.12):
        dx = -dx
    return [_ring(hand), hand.line((0.35 + dx, 0.5 - dy), (0.35 - dx, 0.5 + dy))]


def _flag(hand: Hand, top: tuple[float, float], length: float, rise: float) -> Stroke:
    """Draw a stroke that climbs to ``top`` at ``rise`` degrees above the horizontal; straight or hollow."""
    dx, dy = length * math.cos(math.radians(rise)), length * math.sin(math.radians(rise))
    start = (top[0] - dx, top[1] + dy)
    sag = hand.between(-0.05, 0.12) * length
    middle = (top[0] - dx / 2 + sag / 2, top[1] + dy / 2 + sag)
    return hand.curve(start, middle, top)


def _any_flag(hand: Hand, top: tuple[float, float]) -> Stroke:
    """Draw a flag of any length: short ones may be rather flat, long ones are steep."""
    length = hand.between(0.1, 0.62)
    flattest = 24 if length < 0.25 else 24 + (length - 0.25) * 40
    return _flag(hand, top, length, hand.between(flattest, 66))


def _stem(hand: Hand, lean: float = 0.0) -> Stroke:
    """Draw a downstroke from (0, 0) to (lean, 1), straight or slightly bowed."""
    bow = float(hand.rng.normal(0, 0.02))
    return hand.curve((0, 0), (lean / 2 + bow, 0.5), (lean, 1))


def _base(hand: Hand, x: float) -> Stroke:
    """Draw the level foot of a 1."""
    left, right = hand.between(0.06, 0.38), hand.between(0.06, 0.38)
    return hand.line((x - left, 1), (x + right, 1 + hand.between(-0.05, 0.03)))


@writes(1, 2)
def one_plain(hand: Hand) -> list[Stroke]:
    """Draw a single downstroke."""
    return [_stem(hand)]


@writes(1, 4)
def one_flag(hand: Hand) -> list[Stroke]:
    """Draw a downstroke with a flag."""
    return [join(_any_flag(hand, (0, 0)), _stem(hand))]


@writes(1, 2)
def one_long_flag(hand: Hand) -> list[Stroke]:
    """Draw a flag nearly as long as the stem, as in Poland, Germany or Vietnam, now and then with a foot."""
    reach = hand.between(0.4, 1.0)
    rise = hand.between(44 + 10 * reach, 76)
    lean = hand.between(-0.12, 0.3)
    one = join(_flag(hand, (0, 0), reach / math.sin(math.radians(rise)), rise), _stem(hand, lean))
    return [one, _base(hand, lean)] if hand.chance(0.25) else [one]


@writes(1, 2.5)
def one_flag_and_base(hand: Hand) -> list[Stroke]:
    """Draw a downstroke with a flag and a foot, as printed."""
    return [join(_any_flag(hand, (0, 0)), _stem(hand)), _base(hand, 0)]


@writes(1, 0.3)
def one_flat_flag_and_base(hand: Hand) -> list[Stroke]:
    """Draw a short level flag; only the foot and the shortness tell it from a 7."""
    flag = _flag(hand, (0, 0), hand.between(0.1, 0.3), hand.between(0, 25))
    return [join(flag, _stem(hand)), _base(hand, 0)]


@writes(1, 0.5)
def one_base(hand: Hand) -> list[Stroke]:
    """Draw a downstroke with a foot only."""
    return [_stem(hand), _base(hand, 0)]


@writes(1, 0.3)
def one_hooked_foot(hand: Hand) -> list[Stroke]:
    """Draw a flag, and a foot that the pen swings into."""
    foot = hand.curve((0, 0.85), (0.03, 0.97), (0.12, 1), (hand.between(0.18, 0.3), 0.95))
    stem = hand.line((0, 0), (0, 0.85))
    return [join(_any_flag(hand, (0, 0)), stem, foot)]
