"""How people write 8 and 9."""

from batch_eval.training.allographs.register import writes
from batch_eval.training.hand import Hand, Stroke, join


@writes(8, 4)
def eight_s_start(hand: Hand) -> list[Stroke]:
    """Draw an S that runs back up to its start, closed or open at the top."""
    upper, lower = hand.between(0.2, 0.3), hand.between(0.24, 0.36)
    gap = hand.between(-0.06, 0.12)
    waist = hand.between(0.4, 0.52)
    return [
        hand.curve(
            (0.3 + upper * 0.8, 0.12 + gap / 2),
            (0.3, 0),
            (0.3 - upper, waist * 0.45),
            (0.3, waist),
            (0.3 + lower, (1 + waist) / 2),
            (0.3, 1),
            (0.3 - lower, (1 + waist) / 2 + 0.02),
            (0.3, waist),
            (0.3 + upper, waist * 0.45),
            (0.3 + upper * 0.4 + gap, 0.03),
        )
    ]


@writes(8, 2)
def eight_two_rings(hand: Hand) -> list[Stroke]:
    """Draw two ovals, one above the other, that touch or overlap."""
    split = hand.between(0.22, 0.56)
    lean = hand.between(-0.05, 0.05)
    lower = (1 - split) / 2 + hand.between(-0.02, 0.05)
    widths = split * hand.between(0.35, 0.6), (1 - split) * hand.between(0.35, 0.65)
    top = hand.arc((0.3 + lean, split / 2), (widths[0], split / 2), 90, 360 + hand.between(-15, 30))
    bottom = hand.arc((0.3, 1 - lower), (widths[1], lower), -90, 360 + hand.between(-15, 30))
    return [top, bottom]


@writes(8, 1.2)
def eight_crossed(hand: Hand) -> list[Stroke]:
    """Draw begun at the upper right with a straight diagonal through the waist; the top may not close."""
    gap = hand.between(-0.04, 0.12)
    return [
        hand.curve(
            (0.55, 0.02),
            (0.3, 0.44),
            (0.05, 0.78),
            (0.28, 1),
            (0.54, 0.8),
            (0.32, 0.46),
            (0.06, 0.2),
            (0.28, 0),
            (0.52 - gap, 0.06),
        )
    ]


@writes(8, 1.2)
def eight_ribbon(hand: Hand) -> list[Stroke]:
    """Draw a ribbon that crosses itself high up: a small or narrow loop above a long one."""
    waist = hand.between(0.2, 0.5)
    upper, lower = hand.between(0.05, 0.18), hand.between(0.1, 0.3)
    start = (0.3 + upper * hand.between(-0.2, 1), hand.between(-0.12, 0.08))
    return [
        hand.curve(
            start,
            (0.3 - upper, waist * 0.5),
            (0.3, waist),
            (0.3 + lower, waist + (1 - waist) * 0.65),
            (0.3, 1),
            (0.3 - lower, waist + (1 - waist) * 0.65),
            (0.3, waist),
            (0.3 + upper, waist * 0.45),
            (0.3, 0),
        )
    ]


@writes(8, 0.4)
def eight_square(hand: Hand) -> list[Stroke]:
    """Draw an 8 of straight pieces."""
    width, level = hand.between(0.35, 0.65), hand.between(0.4, 0.56)
    return [hand.line((0, 0), (width, 0), (width, 1), (0, 1), (0, 0)), hand.line((0, level), (width, level))]


def _head(hand: Hand) -> Stroke:
    """Draw the ring of a 9, from its upper right anticlockwise back to (0.5, 0.2)."""
    height, width = hand.between(0.2, 0.31), hand.between(0.2, 0.32)
    sweep = -(330 + hand.between(-25, 45))
    start = -20 + hand.between(-35, 10)
    return hand.arc((0.5 - width, height), (width, height), start, sweep)


@writes(9, 3)
def nine_straight(hand: Hand) -> list[Stroke]:
    """Draw a ring and a straight stem."""
    head = _head(hand)
    x, y = head[-1]
    return [join(head, hand.line((x, y), (0.5, 0.12), (hand.between(0.28, 0.54), 1)))]


@writes(9, 3)
def nine_hooked(hand: Hand) -> list[Stroke]:
    """Draw a ring and a tail that hooks to the left, short or as deep as a g's."""
    head = _head(hand)
    x, y = head[-1]
    depth = hand.between(0.03, 0.25)
    tail = hand.curve((0.5, 0.15), (0.51, 0.6), (0.42, 0.94), (0.2, 1), (hand.between(-0.1, 0.08), 1 - depth))
    return [join(head, hand.line((x, y), (0.5, 0.15)), tail)]


@writes(9, 1.5)
def nine_curved(hand: Hand) -> list[Stroke]:
    """Draw a ring and a tail in one sweep to the lower left."""
    head = _head(hand)
    x, y = head[-1]
    tail = hand.curve((x, y), (0.52, 0.25), (0.46, 0.65), (hand.between(0.05, 0.35), 1))
    return [join(head, tail)]


@writes(9, 0.7)
def nine_looped(hand: Hand) -> list[Stroke]:
    """Draw a ring and a tail that closes into a loop below."""
    head = _head(hand)
    x, y = head[-1]
    tail = hand.curve(
        (0.5, 0.15), (0.5, 0.62), (0.38, 0.97), (0.12, 0.98), (0.08, 0.84), (0.3, 0.74), (hand.between(0.45, 0.7), 0.62)
    )
    return [join(head, hand.line((x, y), (0.5, 0.15)), tail)]


@writes(9, 0.4)
def nine_square(hand: Hand) -> list[Stroke]:
    """Draw a 9 of straight pieces."""
    width, level = hand.between(0.4, 0.62), hand.between(0.4, 0.54)
    ring = hand.line((width, level), (0, level), (0, 0), (width, 0), (width, 1))
    return [join(ring, hand.line((width, 1), (hand.between(0, width * 0.6), 1)))] if hand.chance(0.5) else [ring]


@writes(9, 1)
def nine_small_head(hand: Hand) -> list[Stroke]:
    """Draw a small or narrow ring, perhaps closed to a blob, and a long tail, straight or bent like a hook."""
    height, width = hand.between(0.07, 0.2), hand.between(0.05, 0.16)
    head = hand.arc((0.5 - width, height), (width, height), hand.between(-60, 0), -(300 + hand.between(0, 60)))
    x, y = head[-1]
    bend = hand.between(0, 0.2)
    foot = 0.5 - bend * 2 - hand.between(0, 0.2)
    tail = hand.curve((x, y), (0.5 + bend * 0.4, 0.4), (0.5 + bend * 0.2, 0.75), (foot, 1))
    hook = hand.curve((foot, 1), (foot - 0.12, 0.98), (foot - 0.2, 1 - hand.between(0.05, 0.2)))
    return [join(head, tail, hook) if hand.chance(0.5) else join(head, tail)]


@writes(9, 0.5)
def nine_large_ring(hand: Hand) -> list[Stroke]:
    """Draw a ring of nearly the whole height and a short tail, straight or bent below it."""
    height, width = hand.between(0.3, 0.44), hand.between(0.26, 0.44)
    head = hand.arc((0.5 - width, height), (width, height), hand.between(-70, -10), -(330 + hand.between(0, 40)))
    x, y = head[-1]
    if hand.chance(0.5):
        return [join(head, hand.line((x, y), (0.5, 0.1), (hand.between(0.36, 0.54), 1)))]
    tail = hand.curve((0.5, 0.1), (0.52, 0.6), (0.4, 0.94), (0.1, 1), (hand.between(-0.4, 0), 0.97))
    return [join(head, hand.line((x, y), (0.5, 0.1)), tail)]


@writes(9, 0.9)
def nine_tail_below(hand: Hand) -> list[Stroke]:
    """Draw a ring that closes at its foot, and a tail that swings out from there, as in a g or a yogh."""
    height, width = hand.between(0.16, 0.27), hand.between(0.16, 0.28)
    head = hand.arc((0.3, height), (width, height), hand.between(60, 120), -(330 + hand.between(0, 60)))
    x, y = head[-1]
    swing = hand.between(0.05, 0.3)
    tail = hand.curve((x, y), (0.3 + swing, y + 0.18), (0.3 + swing * 0.9, 0.8), (hand.between(0.05, 0.4), 1))
    if hand.chance(0.5):
        foot = tail[-1]
        return [join(head, tail, hand.curve(tuple(foot), (foot[0] - 0.14, 0.99), (foot[0] - 0.22, 0.9)))]
    return [join(head, tail)]


@writes(9, 0.8)
def nine_curled(hand: Hand) -> list[Stroke]:
    """Draw a ring that the pen begins inside, as a spiral, and a stem."""
    height, width = hand.between(0.2, 0.29), hand.between(0.2, 0.32)
    middle, inner = 0.5 - width, hand.between(0.1, 0.5)
    curl = hand.curve(
        (middle - width * inner * 0.3, height * (1 + inner * 0.5)),
        (middle + width * inner, height * (1 + inner * 0.3)),
        (middle + width * 0.9, height * 0.6),
    )
    ring = hand.arc((middle, height), (width, height), -30, -(330 + hand.between(-20, 30)))
    x, y = ring[-1]
    tail = hand.curve((x, y), (0.51, 0.45), (hand.between(0.4, 0.54), 0.8), (hand.between(0.1, 0.5), 1))
    return [join(curl, ring, tail)]
