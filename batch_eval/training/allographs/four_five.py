"""How people write 4 and 5."""

from batch_eval.training.allographs.register import writes
from batch_eval.training.hand import Hand, Stroke, join


@writes(4, 3)
def four_open(hand: Hand) -> list[Stroke]:
    """Draw an angle, then a stem across its bar; open above."""
    level = hand.between(0.5, 0.72)
    stem_x = hand.between(0.38, 0.55)
    start_x = hand.between(0.04, 0.3)
    angle = hand.line((start_x, hand.between(0, 0.08)), (0, level), (stem_x + hand.between(0.02, 0.25), level))
    stem_top = hand.between(0, 0.42)
    return [angle, hand.line((stem_x + hand.between(0, 0.08), stem_top), (stem_x, 1))]


@writes(4, 1.6)
def four_cup(hand: Hand) -> list[Stroke]:
    """Draw a round cup, then a stem on its right, in one stroke or two."""
    level = hand.between(0.42, 0.6)
    cup = hand.curve((0.05, 0), (0, level * 0.7), (0.12, level), (0.36, level * 0.92), (0.5, level * 0.7))
    top = hand.between(0, 0.15)
    if hand.chance(0.4):
        return [join(cup, hand.line((0.5, level * 0.7), (0.5, top), (0.46, 1)))]
    return [cup, hand.line((0.52, top), (0.48, 1))]


@writes(4, 2.5)
def four_closed(hand: Hand) -> list[Stroke]:
    """Draw a triangle and a stem from its tip, in one stroke or two."""
    level = hand.between(0.55, 0.75)
    stem_x = hand.between(0.38, 0.58)
    bar_end = stem_x + hand.between(0.04, 0.28)
    if hand.chance(0.5):
        return [hand.line((stem_x, 0), (0, level), (bar_end, level)), hand.line((stem_x, 0), (stem_x, 1))]
    return [hand.line((stem_x, 1), (stem_x, 0), (0, level), (bar_end, level))]


@writes(4, 1.4)
def four_lightning(hand: Hand) -> list[Stroke]:
    """Draw an angle with a short stem that crosses only its bar, or hangs from its end."""
    level = hand.between(0.5, 0.68)
    end = hand.between(0.45, 0.65)
    slope = hand.between(-0.08, 0.04)
    angle = hand.line((hand.between(0.1, 0.42), 0), (0, level), (end, level + slope))
    x = end - hand.between(0, 0.2)
    return [angle, hand.line((x + 0.04, level - hand.between(0.08, 0.28)), (x - hand.between(0, 0.08), 1))]


@writes(4, 1)
def four_looped(hand: Hand) -> list[Stroke]:
    """Draw written without lifting the pen: down, right, a narrow loop up and the stem."""
    level = hand.between(0.5, 0.7)
    top = hand.between(0.02, 0.35)
    first = hand.line((hand.between(0.1, 0.3), 0), (0, level))
    turn = hand.curve((0, level), (0.3, level - 0.03), (0.52, (level + top) / 2), (0.54, top), (0.46, level), (0.4, 1))
    return [join(first, turn)]


@writes(4, 0.4)
def four_square(hand: Hand) -> list[Stroke]:
    """Draw a 4 as on a display with seven bars."""
    width, level = hand.between(0.35, 0.6), hand.between(0.42, 0.58)
    return [hand.line((0, 0), (0, level), (width, level)), hand.line((width, 0), (width, 1))]


def _belly(hand: Hand, x: float, y: float) -> Stroke:
    """Draw the bow of a 5, from the stem's foot at (x, y) to its left end, which may curl up to the stem."""
    reach = hand.between(0.5, 0.68)
    rise = hand.between(-0.01, 0.09)
    end = hand.between(0.82, 0.98)
    bow = (x, y), (reach * 0.62, y - rise), (reach, (y + 1) / 2), (reach * 0.62, 0.98)
    if hand.chance(0.2):
        return hand.curve(*bow, (0.1, 1), (hand.between(-0.1, 0.05), hand.between(0.72, 0.92)))
    return hand.curve(*bow, (-0.02, end))


@writes(5, 3)
def five_bar(hand: Hand) -> list[Stroke]:
    """Draw stem and belly, then the bar on top, which may be detached, overlapping or slanted."""
    level = hand.between(0.36, 0.52)
    stem_x = hand.between(0.04, 0.14)
    body = join(hand.line((stem_x, 0), (0.03, level)), _belly(hand, 0.03, level))
    gap = hand.between(-0.1, 0.09)
    return [
        body,
        hand.line((stem_x + gap, hand.between(-0.04, 0.05)), (hand.between(0.45, 0.75), hand.between(-0.08, 0.05))),
    ]


@writes(5, 2.5)
def five_one_stroke(hand: Hand) -> list[Stroke]:
    """Draw from the bar's right end without lifting the pen."""
    level = hand.between(0.36, 0.5)
    top = hand.line((hand.between(0.42, 0.7), hand.between(-0.03, 0.04)), (0.1, 0), (0.03, level))
    return [join(top, _belly(hand, 0.03, level))]


@writes(5, 1.2)
def five_s_like(hand: Hand) -> list[Stroke]:
    """Draw a 5 close to an S."""
    reach = hand.between(0.45, 0.6)
    return [hand.curve((reach, 0), (0.14, 0.06), (0.08, 0.36), (0.36, 0.46), (reach, 0.7), (0.3, 0.99), (-0.02, 0.9))]


@writes(5, 0.7)
def five_square(hand: Hand) -> list[Stroke]:
    """Draw a 5 of straight pieces."""
    width, level = hand.between(0.4, 0.62), hand.between(0.4, 0.54)
    return [hand.line((width, 0), (0, 0), (0, level), (width, level), (width, 1), (0, hand.between(0.94, 1)))]
