"""How people write 2 and 3."""

from batch_eval.training.allographs.register import writes
from batch_eval.training.hand import Hand, Stroke, join


def _two_top(hand: Hand) -> Stroke:
    """Draw the bow of a 2, from its left end over the top down to the lower left corner at (0, 0.95)."""
    start_y = hand.between(0.1, 0.38)
    width = hand.between(0.5, 0.72)
    belly = hand.between(0.2, 0.34)
    return hand.curve(
        (hand.between(0, 0.1), start_y),
        (width * 0.45, 0),
        (width, belly),
        (width * 0.72, belly + 0.26),
        (width * 0.35, 0.78),
        (0, 0.95),
    )


@writes(2, 3)
def two_corner(hand: Hand) -> list[Stroke]:
    """Draw a bow, a sharp corner and a level or rising base."""
    end = hand.between(0.5, 0.8)
    return [join(_two_top(hand), hand.line((0, 0.95), (end, 0.95 + hand.between(-0.08, 0.08))))]


@writes(2, 2)
def two_wavy_base(hand: Hand) -> list[Stroke]:
    """Draw a bow and a base that swings up and down."""
    wave = hand.between(0.02, 0.09)
    end = hand.between(0.6, 0.9)
    base = hand.curve((0, 0.95), (end * 0.25, 0.95 - wave), (end * 0.7, 0.97 + wave), (end, 0.95 - wave))
    return [join(_two_top(hand), base)]


@writes(2, 2)
def two_loop(hand: Hand) -> list[Stroke]:
    """Draw a bow, a small loop at the lower left and a swinging base."""
    size = hand.between(0.05, 0.13)
    end = hand.between(0.6, 0.9)
    loop = hand.curve(
        (0, 0.95), (-0.06, 1 - size / 3), (-0.02, 0.95 - size), (0.1, 0.93), (end * 0.6, 1.02), (end, 0.94)
    )
    return [join(_two_top(hand), loop)]


@writes(2, 1)
def two_angular(hand: Hand) -> list[Stroke]:
    """Draw a 2 with corners, close to a Z but for its drooping start."""
    width = hand.between(0.45, 0.65)
    droop, level = hand.between(0.08, 0.25), hand.between(0.15, 0.35)
    top = hand.line((0, droop), (0.12, 0.02), (width, 0), (width, level), (0, 1), (width + hand.between(0, 0.15), 1))
    return [top]


@writes(2, 0.7)
def two_hooked_start(hand: Hand) -> list[Stroke]:
    """Draw a 2 that begins with a small downstroke or hook before its bow."""
    start = hand.line((-0.04, hand.between(0, 0.1)), (0.02, hand.between(0.14, 0.26)))
    end = hand.between(0.5, 0.85)
    return [join(start, _two_top(hand), hand.line((0, 0.95), (end, 0.95 + hand.between(-0.08, 0.08))))]


@writes(2, 0.5)
def two_square(hand: Hand) -> list[Stroke]:
    """Draw a 2 as on a display with seven bars."""
    width = hand.between(0.4, 0.65)
    return [hand.line((0, 0), (width, 0), (width, 0.5), (0, 0.5), (0, 1), (width, 1))]


def _bowl(hand: Hand, x: float, y: float) -> Stroke:
    """Draw the lower half of a 3, from its waist at (x, y) to its left end."""
    reach = hand.between(0.5, 0.68)
    end = hand.between(0.78, 0.98)
    return hand.curve((x, y), (reach * 0.8, y + 0.06), (reach, (y + 1) / 2 + 0.03), (reach * 0.6, 1), (0, end))


@writes(3, 4)
def three_round(hand: Hand) -> list[Stroke]:
    """Draw two bows that meet at the waist."""
    waist = hand.between(0.18, 0.4)
    level = hand.between(0.4, 0.5)
    start = hand.between(0.05, 0.24)
    top = hand.curve((0.03, start), (0.3, 0), (hand.between(0.46, 0.62), 0.2), (0.45, level - 0.08), (waist, level))
    return [join(top, _bowl(hand, waist, level))]


@writes(3, 1.6)
def three_flat_top(hand: Hand) -> list[Stroke]:
    """Draw a level bar, a diagonal to the waist and a bowl."""
    waist = hand.between(0.15, 0.35)
    level = hand.between(0.34, 0.46)
    width = hand.between(0.48, 0.65)
    return [join(hand.line((0, hand.between(-0.02, 0.05)), (width, 0), (waist, level)), _bowl(hand, waist, level))]


@writes(3, 0.8)
def three_looped(hand: Hand) -> list[Stroke]:
    """Draw two bows with a small loop at the waist."""
    level = hand.between(0.42, 0.5)
    top = hand.curve((0.03, 0.12), (0.3, 0), (0.55, 0.18), (0.38, level - 0.06), (0.22, level + 0.02))
    loop = hand.curve((0.22, level + 0.02), (0.14, level), (0.2, level - 0.07), (0.3, level))
    return [join(top, loop, _bowl(hand, 0.3, level))]


@writes(3, 0.8)
def three_curled(hand: Hand) -> list[Stroke]:
    """Draw a small upper bow that begins with a curl, and a large bowl."""
    level = hand.between(0.24, 0.46)
    curl = hand.between(0.3, 0.95) * level
    top = hand.curve(
        (0.16, curl), (0.06, level * 0.5), (0.3, 0), (0.5, level * 0.45), (0.4, level * 0.85), (0.24, level)
    )
    return [join(top, _bowl(hand, 0.24, level))]


@writes(3, 0.6)
def three_angular(hand: Hand) -> list[Stroke]:
    """Draw a 3 of straight pieces, its middle bar long or only a notch."""
    width = hand.between(0.4, 0.65)
    notch = hand.between(0, width * 0.7)
    if hand.chance(0.5):
        return [hand.line((0, 0), (width, 0.0), (width, 0.48), (notch, 0.48), (width, 0.5), (width, 1), (0, 1))]
    return [hand.line((0, 0.02), (width, 0), (notch, 0.45), (width, 0.7), (width * 0.7, 0.97), (0, 0.97))]
