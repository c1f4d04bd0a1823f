"""Rarer ways to write each digit: open rings, flags, loops, swashes."""

from batch_eval.training.allographs.register import writes
from batch_eval.training.writer import Stroke, Writer, join


def _leaning(lean: float, *points: tuple[float, float]) -> list[tuple[float, float]]:
    """Move points to the right, the farther the higher they lie: by ``lean`` at the top, and not at all at 1."""
    return [(x + lean * (1 - y), y) for x, y in points]


@writes(0, 0.4, rare=True)
def zero_open(writer: Writer) -> list[Stroke]:
    """Draw an oval whose ends miss each other above."""
    width = writer.between(0.2, 0.42)
    # A sweep of 300 to 345 degrees never closes the ring. Half of the rings are drawn the other way round.
    ring = writer.arc((0.35, 0.52), (width, 0.48), -90 + writer.between(15, 45), -(300 + writer.between(0, 45)))
    if writer.chance(0.5):
        ring = writer.arc((0.35, 0.52), (width, 0.48), -90 - writer.between(15, 45), 300 + writer.between(0, 45))
    x, y = ring[-1]
    end = writer.line((x, y), (x + writer.between(-0.04, 0.12), y - writer.between(0.02, 0.16)))
    return [join(ring, end) if writer.chance(0.5) else ring]


@writes(1, 0.25, rare=True)
def one_swash(writer: Writer) -> list[Stroke]:
    """Draw a flag, a stem and a foot. A small loop leads to the foot."""
    rise = writer.between(0.1, 0.3)
    flag = writer.curve((-writer.between(0.12, 0.3), rise), (-0.05, rise * 0.4), (0, 0))
    end = writer.between(0.15, 0.4)
    foot = writer.curve((0, 0.9), (-0.05, 1), (-0.2, 1), (-0.24, 0.93), (-0.1, 0.9), (end, 0.97))
    return [join(flag, writer.line((0, 0), (-0.02, 0.9)), foot)]


@writes(1, 0.25, rare=True)
def one_bowed(writer: Writer) -> list[Stroke]:
    """Draw a single bowed downstroke, or one with a small hook at an end."""
    bow = writer.between(-0.1, 0.1)
    stem = writer.curve((0, 0), (bow, 0.5), (writer.between(-0.05, 0.05), 1))
    if writer.chance(0.5):
        x, y = stem[-1]
        return [join(stem, writer.curve((x, y), (x + 0.05, y + 0.02), (x + writer.between(0.08, 0.16), y - 0.04)))]
    return [stem]


@writes(2, 0.45, rare=True)
def two_cursive(writer: Writer) -> list[Stroke]:
    """Draw a 2 like a cursive z: a bow, a diagonal and a swinging base."""
    width = writer.between(0.45, 0.7)
    top = writer.curve((0.02, writer.between(0.1, 0.3)), (width * 0.5, 0), (width, writer.between(0.12, 0.3)))
    x, y = top[-1]
    diagonal = writer.curve((x, y), (width * 0.55, 0.6), (0, 0.92))
    swing = writer.between(0.02, 0.14)
    base = writer.curve((0, 0.92), (0.16, 0.86), (width * 0.7, 0.92 + swing), (width + writer.between(0, 0.35), 0.9))
    return [join(top, diagonal, base)]


@writes(2, 0.3, rare=True)
def two_open_loop(writer: Writer) -> list[Stroke]:
    """Draw a 2 whose base begins with a wide, flat loop."""
    width = writer.between(0.45, 0.65)
    wide, high = writer.between(0.1, 0.24), writer.between(0.08, 0.22)
    bow = writer.curve((0.03, 0.2), (width * 0.45, 0), (width, 0.24), (width * 0.75, 0.55), (wide, 0.95))
    loop = writer.curve(
        (wide, 0.95),
        (0, 1),
        (-wide * 0.5, 0.96 - high * 0.4),
        (wide * 0.4, 0.98 - high),
        (width * 0.7, 0.97),
        (width, 0.93),
    )
    return [join(bow, loop)]


@writes(2, 0.15, rare=True)
def two_bare(writer: Writer) -> list[Stroke]:
    """Draw a tall 2 with hardly a bow and a short base. It is close to an L."""
    lean = writer.between(0.1, 0.3)
    top = writer.curve(
        (lean - writer.between(0.1, 0.25), writer.between(0.08, 0.22)), (lean * 1.2, 0), (lean * 1.6, 0.2)
    )
    x, y = top[-1]
    return [
        join(
            top, writer.curve((x, y), (lean, 0.6), (0, 0.95)), writer.line((0, 0.95), (writer.between(0.3, 0.5), 0.96))
        )
    ]


@writes(3, 0.35, rare=True)
def three_closed_top(writer: Writer) -> list[Stroke]:
    """Draw a 3 that begins inside its upper bow. The bow is nearly a ring."""
    level = writer.between(0.36, 0.5)
    inner = writer.between(0.25, 0.8) * level
    start = (writer.between(0.12, 0.3), inner)
    top = writer.curve(start, (0.02, level * 0.55), (0.2, 0.01), (0.5, level * 0.4), (0.4, level * 0.9), (0.2, level))
    reach = writer.between(0.5, 0.66)
    end = writer.between(0.6, 0.95)
    bowl = writer.curve((0.2, level), (reach * 0.8, level + 0.06), (reach, (level + 1) / 2), (0.3, 1), (-0.02, end))
    return [join(top, bowl)]


@writes(3, 0.3, rare=True)
def three_curled_ends(writer: Writer) -> list[Stroke]:
    """Draw two bows, both of which end in a curl."""
    level, curl = writer.between(0.4, 0.5), writer.between(0.05, 0.14)
    top = writer.curve(
        (0.14, curl * 1.6), (0.03, curl * 1.5), (0.08, 0.02), (0.34, 0), (0.54, 0.2), (0.4, level), (0.2, level)
    )
    low = 1 - curl * 1.4
    bowl = writer.curve(
        (0.2, level), (0.46, level + 0.05), (0.6, 0.74), (0.34, 1), (0.05, 0.97), (0, low), (0.1, low - 0.03)
    )
    return [join(top, bowl)]


@writes(3, 0.2, rare=True)
def three_zigzag(writer: Writer) -> list[Stroke]:
    """Draw a 3 of a few quick straight pieces, lower half like a z's."""
    width = writer.between(0.4, 0.6)
    waist, level = writer.between(0.08, 0.25), writer.between(0.36, 0.48)
    return [
        writer.line(
            (0.04, writer.between(0, 0.08)),
            (width, writer.between(0, 0.05)),
            (waist, level),
            (width, writer.between(0.56, 0.72)),
            (0, 1),
        )
    ]


@writes(4, 0.5, rare=True)
def four_one_stroke(writer: Writer) -> list[Stroke]:
    """Draw down to the left, along the bar, and back over it. The pen goes on into the stem."""
    level, stem = writer.between(0.5, 0.72), writer.between(0.3, 0.5)
    reach = stem + writer.between(0.06, 0.25)
    first = writer.line((writer.between(0.12, 0.36), 0), (0, level))
    high = level - writer.between(0.04, 0.3)
    turn = writer.curve(
        (0, level),
        (stem, level + 0.01),
        (reach, level - 0.03),
        (reach - 0.04, high),
        (stem, level - 0.02),
        (stem - writer.between(0, 0.14), 1),
    )
    return [join(first, turn)]


@writes(4, 0.35, rare=True)
def four_cursive(writer: Writer) -> list[Stroke]:
    """Draw a tall first stroke, a small loop at its foot, and a tail below."""
    top, level = (writer.between(0.3, 0.55), 0.0), writer.between(0.6, 0.78)
    first = writer.curve(top, (writer.between(0.08, 0.2), level * 0.6), (0, level))
    loop = writer.curve(
        (0, level), (0.12, level + 0.02), (0.4, level - writer.between(0.02, 0.14)), (0.46, level + 0.02)
    )
    x, y = loop[-1]
    return [join(first, loop, writer.curve((x, y), (x - 0.06, 0.9), (x - writer.between(0.06, 0.2), 1)))]


@writes(4, 0.25, rare=True)
def four_narrow(writer: Writer) -> list[Stroke]:
    """Draw a narrow cup and a stem. It is close to a 9."""
    width, level = writer.between(0.2, 0.36), writer.between(0.36, 0.56)
    cup = writer.curve((0, writer.between(0, 0.15)), (0.01, level * 0.8), (width * 0.5, level), (width, level * 0.8))
    return [cup, writer.line((width, writer.between(0, 0.2)), (width - writer.between(-0.04, 0.1), 1))]


@writes(5, 0.35, rare=True)
def five_closed_belly(writer: Writer) -> list[Stroke]:
    """Draw a 5 whose belly curls back to the stem. It nearly closes."""
    level = writer.between(0.36, 0.5)
    top = writer.line((writer.between(0.4, 0.7), writer.between(-0.04, 0.05)), (0.1, 0), (0.04, level))
    end = (writer.between(-0.04, 0.1), writer.between(0.62, 0.85))
    belly = writer.curve((0.04, level), (0.34, level - 0.06), (0.56, 0.7), (0.34, 1), (0.06, 0.96), end)
    return [join(top, belly)]


@writes(5, 0.35, rare=True)
def five_wide_bar(writer: Writer) -> list[Stroke]:
    """Draw a small 5 under a long bar. They touch or not."""
    level, gap = writer.between(0.4, 0.52), writer.between(-0.02, 0.1)
    body = writer.curve(
        (0.06, gap), (0.04, level), (0.34, level - 0.04), (0.5, 0.72), (0.3, 1), (-0.02, writer.between(0.84, 0.96))
    )
    return [
        body,
        writer.line(
            (-writer.between(0, 0.25), writer.between(-0.05, 0.04)),
            (writer.between(0.5, 0.9), writer.between(-0.08, 0.05)),
        ),
    ]


@writes(5, 0.3, rare=True)
def five_swung(writer: Writer) -> list[Stroke]:
    """Draw an S-like 5. It begins with a hook and ends in a long swing to the left."""
    reach = writer.between(0.4, 0.6)
    hook = writer.between(0, 0.12)
    return [
        writer.curve(
            *((reach, hook), (reach * 0.6, 0), (0.08, 0.1), (0.1, 0.36), (reach * 0.8, 0.5), (reach, 0.74)),
            *((reach * 0.5, 0.98), (-writer.between(0, 0.2), writer.between(0.86, 1))),
        )
    ]


@writes(6, 0.35, rare=True)
def six_flagged(writer: Writer) -> list[Stroke]:
    """Draw a flag, then the back and the ring. It is close to a 5 whose belly is closed."""
    flag = writer.line((writer.between(0.36, 0.7), writer.between(-0.04, 0.1)), (writer.between(0.1, 0.22), 0))
    x, y = flag[-1]
    size, reach = writer.between(0.34, 0.6), writer.between(0.42, 0.6)
    body = writer.curve(
        (x, y),
        (0.04, 0.35),
        (0, 0.75),
        (reach * 0.5, 1),
        (reach, 1 - size * 0.5),
        (reach * 0.5, 1 - size),
        (0.02, 1 - size * 0.6),
    )
    return [join(flag, body)]


@writes(6, 0.3, rare=True)
def six_open(writer: Writer) -> list[Stroke]:
    """Draw a back and a ring that does not come round to it."""
    size, reach = writer.between(0.3, 0.5), writer.between(0.36, 0.55)
    back = writer.curve(
        (writer.between(0.2, 0.45), 0), (0.06, 0.4), (0.01, 0.75), (reach * 0.5, 1), (reach, 1 - size * 0.45)
    )
    x, y = back[-1]
    return [
        join(back, writer.curve((x, y), (reach * 0.75, 1 - size), (reach * writer.between(0.3, 0.55), 1 - size * 0.9)))
    ]


@writes(6, 0.25, rare=True)
def six_spiral(writer: Writer) -> list[Stroke]:
    """Draw a 6 as a spiral that ends inside its ring."""
    size, reach = writer.between(0.4, 0.6), writer.between(0.46, 0.62)
    return [
        writer.curve(
            *((writer.between(0.3, 0.6), 0), (0.08, 0.35), (0.02, 0.72), (reach * 0.5, 1), (reach, 1 - size * 0.5)),
            *(
                (reach * 0.5, 1 - size),
                (0.14, 1 - size * 0.55),
                (reach * 0.45, 1 - size * 0.3),
                (reach * 0.62, 1 - size * 0.5),
            ),
        )
    ]


@writes(7, 0.4, rare=True)
def seven_short_bar(writer: Writer) -> list[Stroke]:
    """Draw a leg under a short bar or a mere hook. It leans more than a 1's."""
    width = writer.between(0.14, 0.34)
    bar = writer.curve((0, writer.between(-0.02, 0.06)), (width * 0.5, -writer.between(-0.02, 0.05)), (width, 0))
    foot = width - writer.between(0.22, 0.5)
    return [join(bar, writer.curve((width, 0), ((width + foot) / 2 + writer.between(-0.03, 0.05), 0.5), (foot, 1)))]


@writes(7, 0.35, rare=True)
def seven_zigzag(writer: Writer) -> list[Stroke]:
    """Draw a 7 like a cursive z: a deep wave, a steep leg and a cross stroke."""
    width, deep = writer.between(0.4, 0.65), writer.between(0.12, 0.4)
    top = writer.line(
        (0, writer.between(0.1, 0.3)),
        (writer.between(0.08, 0.2), 0),
        (width * 0.5, deep),
        (width, writer.between(0, 0.08)),
    )
    x, y = top[-1]
    foot = (writer.between(0, 0.25), 1)
    seven = join(top, writer.curve((x, y), (width * 0.62, 0.5), foot))
    level = writer.between(0.45, 0.65)
    middle = foot[0] + (x - foot[0]) * (1 - level)
    return [
        seven,
        writer.line(
            (middle - writer.between(0.14, 0.34), level + 0.03), (middle + writer.between(0.14, 0.36), level - 0.02)
        ),
    ]


@writes(7, 0.25, rare=True)
def seven_tall(writer: Writer) -> list[Stroke]:
    """Draw a tall 7 with a steep leg. Its narrow bar begins with a long serif."""
    width, serif = writer.between(0.22, 0.4), writer.between(0.1, 0.35)
    leg = writer.curve((width, 0), (width - 0.02, 0.5), (width - writer.between(0, 0.16), 1))
    return [join(writer.line((writer.between(-0.03, 0.05), serif), (0, 0), (width, 0)), leg)]


@writes(8, 0.4, rare=True)
def eight_leaning(writer: Writer) -> list[Stroke]:
    """Draw a narrow 8 that leans to the right. It may stay open above."""
    lean, gap = writer.between(0.15, 0.5), writer.between(0, 0.14)
    up, low = writer.between(0.08, 0.18), writer.between(0.1, 0.22)

    return [
        writer.curve(
            *_leaning(
                lean,
                *((up, gap), (0, 0), (-up, 0.22), (0, 0.46), (low, 0.75), (0, 1)),
                *((-low, 0.78), (0, 0.5), (up, 0.24), (up * 0.9, 0.02 - gap / 2)),
            )
        )
    ]


@writes(8, 0.3, rare=True)
def eight_open_foot(writer: Writer) -> list[Stroke]:
    """Draw a ring and two strokes that cross below it. The lower half stays open or nearly so."""
    split = writer.between(0.32, 0.52)
    width, gap = writer.between(0.14, 0.26), writer.between(0.05, 0.3)
    return [
        writer.curve(
            *((0.3 + gap, 1 - writer.between(0, 0.15)), (0.3, split), (0.3 - width, split * 0.5), (0.3, 0)),
            *((0.3 + width, split * 0.5), (0.3, split), (0.3 - gap * 0.9, 0.85), (0.3, 1), (0.3 + gap * 0.6, 0.96)),
        )
    ]


@writes(8, 0.25, rare=True)
def eight_apart(writer: Writer) -> list[Stroke]:
    """Draw a lower ring beside or below an upper one that stays open."""
    split = writer.between(0.4, 0.54)
    top = writer.arc((0.3, split * 0.5), (writer.between(0.14, 0.26), split * 0.5), -40, -(250 + writer.between(0, 90)))
    bottom = writer.arc(
        (0.3 + writer.between(-0.06, 0.06), (1 + split) / 2),
        (writer.between(0.18, 0.32), (1 - split) / 2),
        -100,
        330 + writer.between(0, 45),
    )
    return [top, bottom]


@writes(9, 0.45, rare=True)
def nine_open(writer: Writer) -> list[Stroke]:
    """Draw a head like a c, then a tail that hooks deep to the left."""
    height, width = writer.between(0.16, 0.28), writer.between(0.16, 0.3)
    head = writer.arc((0.5 - width, height), (width, height), writer.between(-70, -20), -(200 + writer.between(0, 90)))
    tail = writer.curve(
        (0.5, writer.between(0.02, 0.15)),
        (0.52, 0.55),
        (0.44, 0.94),
        (0.2, 1),
        (writer.between(-0.12, 0.08), writer.between(0.8, 0.98)),
    )
    if writer.chance(0.5):
        x, y = head[-1]
        return [join(head, writer.curve((x, y), (0.46, height * 1.1), tuple(tail[0]))), tail]
    return [head, tail]


@writes(9, 0.35, rare=True)
def nine_lollipop(writer: Writer) -> list[Stroke]:
    """Draw a small ring that sits on the end of a long straight stem."""
    size = writer.between(0.07, 0.17)
    ring = writer.arc(
        (0.2, size),
        (size * writer.between(0.7, 1.2), size),
        90 + writer.between(-40, 20),
        -(340 + writer.between(0, 40)),
    )
    x, y = ring[-1]
    return [join(ring, writer.line((x, y), (x + writer.between(-0.08, 0.08), 1)))]


@writes(9, 0.35, rare=True)
def nine_hook_head(writer: Writer) -> list[Stroke]:
    """Draw a hook or blob for the ring, and a hooked tail. It is close to a 3 or a 7."""
    width, deep = writer.between(0.16, 0.36), writer.between(0.08, 0.26)
    head = writer.curve(
        (width, writer.between(0.02, 0.1)), (width * 0.4, 0), (0, deep * 0.6), (width * 0.4, deep), (width, deep * 0.6)
    )
    x, y = head[-1]
    tail = writer.curve(
        (x, y),
        (width + writer.between(0, 0.08), 0.5),
        (width * 0.9, 0.9),
        (width * 0.4, 1),
        (writer.between(-0.15, 0.05), writer.between(0.84, 0.98)),
    )
    return [join(head, tail)]


@writes(4, 0.3, rare=True)
def four_looped_foot(writer: Writer) -> list[Stroke]:
    """Draw a tall stroke and a loop at its foot. The loop leads along the bar, and a short stem crosses it."""
    level, reach = writer.between(0.62, 0.85), writer.between(0.4, 0.7)
    wide, high = writer.between(0.05, 0.2), writer.between(0.04, 0.16)
    first = writer.curve((writer.between(0.25, 0.5), 0), (writer.between(0.12, 0.3), level * 0.6), (wide * 0.5, level))
    loop = writer.curve(
        *((wide * 0.5, level), (-wide * 0.4, level + high * 0.6), (-wide, level), (-wide * 0.2, level - high * 0.5)),
        *((wide + 0.1, level - high * 0.2), (reach, level - writer.between(-0.04, 0.12))),
    )
    x = reach * writer.between(0.55, 0.95)
    stem = writer.curve((x + 0.03, level - writer.between(0.05, 0.2)), (x, level), (x - writer.between(0, 0.1), 1))
    return [join(first, loop), stem]


@writes(7, 0.35, rare=True)
def seven_low_cross(writer: Writer) -> list[Stroke]:
    """Draw a 7 with a bar that begins with a serif, and a cross stroke low on its leg. It nears a 1 with a foot."""
    width, serif = writer.between(0.25, 0.45), writer.between(0, 0.2)
    foot = width - writer.between(0.04, 0.25)
    bar = writer.curve((0, serif), (width * 0.3, writer.between(0, 0.08)), (width, 0))
    leg = writer.curve((width, 0), ((width + foot) / 2 + writer.between(-0.03, 0.04), 0.5), (foot, 1))
    level = writer.between(0.6, 0.78)
    middle = width + (foot - width) * level
    left, right = writer.between(0.1, 0.25), writer.between(0.08, 0.22)
    return [
        join(bar, leg),
        writer.line((middle - left, level + writer.between(-0.02, 0.06)), (middle + right, level - 0.02)),
    ]


@writes(8, 0.25, rare=True)
def eight_crossed_ends(writer: Writer) -> list[Stroke]:
    """Draw a leaning ribbon. Its two ends cross above and stand out."""
    lean = writer.between(0.2, 0.6)
    up, low, out = writer.between(0.06, 0.16), writer.between(0.1, 0.24), writer.between(0.1, 0.25)

    return [
        writer.curve(
            *_leaning(
                lean,
                *((out, 0.06), (-up, 0.2), (-up * 0.4, 0.42), (low, 0.72), (0, 1)),
                *((-low, 0.8), (-0.02, 0.5), (up, 0.2), (out * 0.8, -writer.between(0, 0.1))),
            )
        )
    ]


@writes(9, 0.3, rare=True)
def nine_long_hook(writer: Writer) -> list[Stroke]:
    """Draw a small ring, then a long bow that comes back to the left, or even up again."""
    height, width = writer.between(0.1, 0.22), writer.between(0.1, 0.22)
    ring = writer.arc((0, height), (width, height), writer.between(-60, 0), -(320 + writer.between(0, 60)))
    x, y = ring[-1]
    bow = writer.between(0.1, 0.35)
    tail = writer.curve(
        *((x, y), (width + bow, 0.45), (width + bow * 0.7, 0.8), (writer.between(-0.1, 0.1), 1)),
        (-writer.between(0.1, 0.3), writer.between(0.76, 0.95)),
    )
    return [join(ring, tail)]
