"""How people write 8 and 9."""

from batch_eval.training.allographs.register import writes
from batch_eval.training.writer import Stroke, Writer, join


@writes(8, 4)
def eight_s_start(writer: Writer) -> list[Stroke]:
    """Draw an S that runs back up to its start. The top may stay open."""
    upper, lower = writer.between(0.2, 0.3), writer.between(0.24, 0.36)
    gap = writer.between(-0.06, 0.12)
    waist = writer.between(0.4, 0.52)
    return [
        writer.curve(
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
def eight_two_rings(writer: Writer) -> list[Stroke]:
    """Draw two ovals, one above the other, that touch or overlap."""
    split = writer.between(0.22, 0.56)
    lean = writer.between(-0.05, 0.05)
    lower = (1 - split) / 2 + writer.between(-0.02, 0.05)
    widths = split * writer.between(0.35, 0.6), (1 - split) * writer.between(0.35, 0.65)
    top = writer.arc((0.3 + lean, split / 2), (widths[0], split / 2), 90, 360 + writer.between(-15, 30))
    bottom = writer.arc((0.3, 1 - lower), (widths[1], lower), -90, 360 + writer.between(-15, 30))
    return [top, bottom]


@writes(8, 1.2)
def eight_crossed(writer: Writer) -> list[Stroke]:
    """Draw from the upper right, with a straight diagonal first. The top may stay open."""
    gap = writer.between(-0.04, 0.12)
    return [
        writer.curve(
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
def eight_ribbon(writer: Writer) -> list[Stroke]:
    """Draw a ribbon that crosses itself: a small loop above a long one."""
    waist = writer.between(0.2, 0.5)
    upper, lower = writer.between(0.05, 0.18), writer.between(0.1, 0.3)
    start = (0.3 + upper * writer.between(-0.2, 1), writer.between(-0.12, 0.08))
    return [
        writer.curve(
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
def eight_square(writer: Writer) -> list[Stroke]:
    """Draw an 8 of straight lines."""
    width, level = writer.between(0.35, 0.65), writer.between(0.4, 0.56)
    return [writer.line((0, 0), (width, 0), (width, 1), (0, 1), (0, 0)), writer.line((0, level), (width, level))]


def _head(writer: Writer) -> Stroke:
    """Draw the ring of a 9 anticlockwise, from its upper right."""
    height, width = writer.between(0.2, 0.31), writer.between(0.2, 0.32)
    # From 305 to 375 degrees: the ring stays open, closes or overlaps.
    sweep = -(330 + writer.between(-25, 45))
    start = -20 + writer.between(-35, 10)
    return writer.arc((0.5 - width, height), (width, height), start, sweep)


@writes(9, 3)
def nine_straight(writer: Writer) -> list[Stroke]:
    """Draw a ring and a straight stem."""
    head = _head(writer)
    x, y = head[-1]
    return [join(head, writer.line((x, y), (0.5, 0.12), (writer.between(0.28, 0.54), 1)))]


@writes(9, 3)
def nine_hooked(writer: Writer) -> list[Stroke]:
    """Draw a ring and a tail that hooks to the left. A deep hook is like a g."""
    head = _head(writer)
    x, y = head[-1]
    depth = writer.between(0.03, 0.25)
    tail = writer.curve((0.5, 0.15), (0.51, 0.6), (0.42, 0.94), (0.2, 1), (writer.between(-0.1, 0.08), 1 - depth))
    return [join(head, writer.line((x, y), (0.5, 0.15)), tail)]


@writes(9, 1.5)
def nine_curved(writer: Writer) -> list[Stroke]:
    """Draw a ring and a tail that sweeps to the lower left."""
    head = _head(writer)
    x, y = head[-1]
    tail = writer.curve((x, y), (0.52, 0.25), (0.46, 0.65), (writer.between(0.05, 0.35), 1))
    return [join(head, tail)]


@writes(9, 0.7)
def nine_looped(writer: Writer) -> list[Stroke]:
    """Draw a ring and a tail that closes into a loop below."""
    head = _head(writer)
    x, y = head[-1]
    tail = writer.curve(
        (0.5, 0.15),
        (0.5, 0.62),
        (0.38, 0.97),
        (0.12, 0.98),
        (0.08, 0.84),
        (0.3, 0.74),
        (writer.between(0.45, 0.7), 0.62),
    )
    return [join(head, writer.line((x, y), (0.5, 0.15)), tail)]


@writes(9, 0.4)
def nine_square(writer: Writer) -> list[Stroke]:
    """Draw a 9 of straight lines."""
    width, level = writer.between(0.4, 0.62), writer.between(0.4, 0.54)
    ring = writer.line((width, level), (0, level), (0, 0), (width, 0), (width, 1))
    return [join(ring, writer.line((width, 1), (writer.between(0, width * 0.6), 1)))] if writer.chance(0.5) else [ring]


@writes(9, 1)
def nine_small_head(writer: Writer) -> list[Stroke]:
    """Draw a small ring and a long tail. In ink, the ring may be a blob."""
    height, width = writer.between(0.07, 0.2), writer.between(0.05, 0.16)
    head = writer.arc((0.5 - width, height), (width, height), writer.between(-60, 0), -(300 + writer.between(0, 60)))
    x, y = head[-1]
    bend = writer.between(0, 0.2)
    foot = 0.5 - bend * 2 - writer.between(0, 0.2)
    tail = writer.curve((x, y), (0.5 + bend * 0.4, 0.4), (0.5 + bend * 0.2, 0.75), (foot, 1))
    hook = writer.curve((foot, 1), (foot - 0.12, 0.98), (foot - 0.2, 1 - writer.between(0.05, 0.2)))
    return [join(head, tail, hook) if writer.chance(0.5) else join(head, tail)]


@writes(9, 0.5)
def nine_large_ring(writer: Writer) -> list[Stroke]:
    """Draw a ring nearly as high as the digit, and a short tail."""
    height, width = writer.between(0.3, 0.44), writer.between(0.26, 0.44)
    head = writer.arc((0.5 - width, height), (width, height), writer.between(-70, -10), -(330 + writer.between(0, 40)))
    x, y = head[-1]
    if writer.chance(0.5):
        return [join(head, writer.line((x, y), (0.5, 0.1), (writer.between(0.36, 0.54), 1)))]
    tail = writer.curve((0.5, 0.1), (0.52, 0.6), (0.4, 0.94), (0.1, 1), (writer.between(-0.4, 0), 0.97))
    return [join(head, writer.line((x, y), (0.5, 0.1)), tail)]


@writes(9, 0.9)
def nine_tail_below(writer: Writer) -> list[Stroke]:
    """Draw a ring that closes at its foot, and a tail from there, as in a g."""
    height, width = writer.between(0.16, 0.27), writer.between(0.16, 0.28)
    head = writer.arc((0.3, height), (width, height), writer.between(60, 120), -(330 + writer.between(0, 60)))
    x, y = head[-1]
    swing = writer.between(0.05, 0.3)
    tail = writer.curve((x, y), (0.3 + swing, y + 0.18), (0.3 + swing * 0.9, 0.8), (writer.between(0.05, 0.4), 1))
    if writer.chance(0.5):
        foot = tail[-1]
        return [join(head, tail, writer.curve(tuple(foot), (foot[0] - 0.14, 0.99), (foot[0] - 0.22, 0.9)))]
    return [join(head, tail)]


@writes(9, 0.8)
def nine_curled(writer: Writer) -> list[Stroke]:
    """Draw a spiral that starts inside the ring, and a stem."""
    height, width = writer.between(0.2, 0.29), writer.between(0.2, 0.32)
    middle, inner = 0.5 - width, writer.between(0.1, 0.5)
    curl = writer.curve(
        (middle - width * inner * 0.3, height * (1 + inner * 0.5)),
        (middle + width * inner, height * (1 + inner * 0.3)),
        (middle + width * 0.9, height * 0.6),
    )
    ring = writer.arc((middle, height), (width, height), -30, -(330 + writer.between(-20, 30)))
    x, y = ring[-1]
    tail = writer.curve((x, y), (0.51, 0.45), (writer.between(0.4, 0.54), 0.8), (writer.between(0.1, 0.5), 1))
    return [join(curl, ring, tail)]
