"""How people write 6 and 7."""

from batch_eval.training.allographs.register import writes
from batch_eval.training.hand import Hand, Stroke, join


def _six(hand: Hand, start: tuple[float, float], bend: float, size: float) -> Stroke:
    """Draw a stroke from ``start`` down into a ring of height ``size``; ``bend`` moves the back to the left."""
    reach = hand.between(0.44, 0.62)
    top = 1 - size
    close = hand.between(-0.02, 0.12)
    return hand.curve(
        start,
        (0.13 - bend, 0.36),
        (0, 0.72),
        (reach * 0.45, 1),
        (reach, 1 - size * 0.45),
        (reach * 0.55, top),
        (0.02 + close, top + size * 0.45),
    )


@writes(6, 3)
def six_curved(hand: Hand) -> list[Stroke]:
    """Draw a bent back and a ring."""
    return [
        _six(
            hand, (hand.between(0.3, 0.55), hand.between(0, 0.06)), hand.between(-0.02, 0.08), hand.between(0.34, 0.72)
        )
    ]


@writes(6, 2)
def six_straight(hand: Hand) -> list[Stroke]:
    """Draw a straight back and a ring."""
    return [_six(hand, (hand.between(0.14, 0.42), 0), hand.between(-0.06, -0.01), hand.between(0.3, 0.55))]


@writes(6, 1.5)
def six_hooked(hand: Hand) -> list[Stroke]:
    """Draw a back that begins with a hook, short or as deep as a G's, and a ring."""
    deep = hand.between(0.08, 0.42)
    hook = hand.curve((0.58 - deep * hand.between(0, 0.5), deep), (0.56, deep * 0.4), (0.5, 0.02), (0.36, 0))
    return [join(hook, _six(hand, (0.36, 0), 0.06, hand.between(0.34, 0.55)))]


@writes(6, 1)
def six_ring_last(hand: Hand) -> list[Stroke]:
    """Draw a back and a nearly closed oval that ends inside or past it."""
    size = hand.between(0.22, 0.4)
    back = hand.curve((hand.between(0.25, 0.5), 0), (0.1, 0.35), (0.02, 1 - size))
    return [join(back, hand.arc((0.28, 1 - size), (0.27, size), 180, -(330 + hand.between(0, 60))))]


@writes(6, 0.4)
def six_square(hand: Hand) -> list[Stroke]:
    """Draw a 6 of straight pieces."""
    width, level = hand.between(0.4, 0.6), hand.between(0.4, 0.55)
    return [hand.line((hand.between(0, width), 0), (0, 0.02), (0, 1), (width, 1), (width, level), (0, level))]


def _bar(hand: Hand, width: float) -> Stroke:
    """Draw the nearly level bar of a 7, from far left to (width, 0): straight, hollow or waved."""
    tilt = hand.between(-0.1, 0.17) * width
    wave = hand.between(-0.05, 0.05)
    start = (0, tilt)
    if hand.chance(0.6):
        return hand.line(start, (width, 0))
    return hand.curve(start, (width * 0.3, tilt * 0.7 - wave), (width * 0.7, tilt * 0.3 + wave), (width, 0))


def _leg(hand: Hand, x: float) -> Stroke:
    """Draw the downstroke of a 7 from (x, 0): straight or bowed, to the lower left."""
    foot = x - hand.between(0.05, 0.5)
    bow = hand.between(-0.12, 0.03)
    return hand.curve((x, 0), (x + (foot - x) * 0.55 + bow, 0.45), (foot, 1))


def _serif(hand: Hand) -> Stroke:
    """Draw the small downward start of a 7's bar."""
    return hand.line((hand.between(-0.04, 0.06), hand.between(0.08, 0.24)), (0, 0))


def _seven(hand: Hand) -> list[Stroke]:
    """Draw bar and leg, with or without the start serif."""
    width = hand.between(0.36, 0.72)
    parts = [_bar(hand, width), _leg(hand, width)]
    return [join(_serif(hand), *parts) if hand.chance(0.25) else join(*parts)]


def _cross(hand: Hand, seven: Stroke) -> Stroke:
    """Draw the short bar through the leg, level or slanted."""
    below = seven[seven[:, 1] > hand.between(0.36, 0.6)]
    x, y = below[0] if len(below) else seven[-1]
    half, tilt = hand.between(0.1, 0.28), hand.between(-0.16, 0.06)
    shift = hand.between(-0.07, 0.07)
    return hand.line((x + shift - half, y - tilt / 2), (x + shift + half, y + tilt / 2))


@writes(7, 4)
def seven_plain(hand: Hand) -> list[Stroke]:
    """Draw bar and leg."""
    return _seven(hand)


@writes(7, 4)
def seven_crossed(hand: Hand) -> list[Stroke]:
    """Draw bar, leg and a cross stroke, as in much of Europe, Asia and Latin America."""
    strokes = _seven(hand)
    return [*strokes, _cross(hand, strokes[0])]


def _wave(hand: Hand, width: float) -> Stroke:
    """Draw a bar that first falls or climbs and then swings to (width, 0), as in school hands."""
    depth = hand.between(0.06, 0.4)
    start = (0, hand.between(-0.06, 0.06) if hand.chance(0.5) else hand.between(0.1, 0.2) + depth * 0.6)
    return hand.curve(start, (width * 0.22, 0.02 + depth * hand.between(-0.1, 0.6)), (width * 0.55, depth), (width, 0))


@writes(7, 2.6)
def seven_waved(hand: Hand) -> list[Stroke]:
    """Draw a bar with a wave, as deep as an N at times, often crossed."""
    width = hand.between(0.5, 0.8)
    seven = join(_wave(hand, width), _leg(hand, width))
    return [seven, _cross(hand, seven)] if hand.chance(0.65) else [seven]


@writes(7, 0.5)
def seven_hooked_foot(hand: Hand) -> list[Stroke]:
    """Draw a crossed 7 whose leg ends in a hook to the left, or swings on into the cross stroke."""
    width = hand.between(0.45, 0.75)
    leg = hand.line((width, 0), (width * 0.55, 0.9))
    foot = hand.curve((width * 0.55, 0.9), (width * 0.45, 1), (width * 0.25, hand.between(0.85, 0.97)))
    if hand.chance(0.5):
        foot = join(foot, hand.curve((0, 0), (0.02, -0.18), (0.3, hand.between(-0.5, -0.35))))
        return [join(_wave(hand, width), leg, foot)]
    seven = join(_bar(hand, width), leg, foot)
    return [seven, _cross(hand, seven)]


@writes(7, 0.5)
def seven_upright(hand: Hand) -> list[Stroke]:
    """Draw a bar and an upright leg, as on a display."""
    width = hand.between(0.36, 0.6)
    return [hand.line((0, hand.between(0, 0.04)), (width, 0), (width - hand.between(0, 0.06), 1))]
