"""How people write 6 and 7."""

from batch_eval.training.allographs.register import writes
from batch_eval.training.writer import Stroke, Writer, join


def _six(writer: Writer, start: tuple[float, float], bend: float, size: float) -> Stroke:
    """Draw from ``start`` down into a ring of height ``size``. ``bend`` moves the back to the left."""
    # Keep ``size`` well below 1. Rings as high as the digit were tried: the trained model then read some 0s as 6.
    reach = writer.between(0.44, 0.62)
    top = 1 - size
    close = writer.between(-0.02, 0.12)
    return writer.curve(
        start,
        (0.13 - bend, 0.36),
        (0, 0.72),
        (reach * 0.45, 1),
        (reach, 1 - size * 0.45),
        (reach * 0.55, top),
        (0.02 + close, top + size * 0.45),
    )


@writes(6, 3)
def six_curved(writer: Writer) -> list[Stroke]:
    """Draw a bent back and a ring."""
    return [
        _six(
            writer,
            (writer.between(0.3, 0.55), writer.between(0, 0.06)),
            writer.between(-0.02, 0.08),
            writer.between(0.34, 0.72),
        )
    ]


@writes(6, 2)
def six_straight(writer: Writer) -> list[Stroke]:
    """Draw a straight back and a ring."""
    return [_six(writer, (writer.between(0.14, 0.42), 0), writer.between(-0.06, -0.01), writer.between(0.3, 0.55))]


@writes(6, 1.5)
def six_hooked(writer: Writer) -> list[Stroke]:
    """Draw a hook, then a back and a ring. A deep hook is like that of a G."""
    deep = writer.between(0.08, 0.42)
    hook = writer.curve((0.58 - deep * writer.between(0, 0.5), deep), (0.56, deep * 0.4), (0.5, 0.02), (0.36, 0))
    return [join(hook, _six(writer, (0.36, 0), 0.06, writer.between(0.34, 0.55)))]


@writes(6, 1)
def six_ring_last(writer: Writer) -> list[Stroke]:
    """Draw a back and a nearly closed oval."""
    size = writer.between(0.22, 0.4)
    back = writer.curve((writer.between(0.25, 0.5), 0), (0.1, 0.35), (0.02, 1 - size))
    return [join(back, writer.arc((0.28, 1 - size), (0.27, size), 180, -(330 + writer.between(0, 60))))]


@writes(6, 0.4)
def six_square(writer: Writer) -> list[Stroke]:
    """Draw a 6 of straight lines."""
    width, level = writer.between(0.4, 0.6), writer.between(0.4, 0.55)
    return [writer.line((writer.between(0, width), 0), (0, 0.02), (0, 1), (width, 1), (width, level), (0, level))]


def _bar(writer: Writer, width: float) -> Stroke:
    """Draw the bar of a 7, nearly level, to (width, 0)."""
    tilt = writer.between(-0.1, 0.17) * width
    wave = writer.between(-0.05, 0.05)
    start = (0, tilt)
    if writer.chance(0.6):
        return writer.line(start, (width, 0))
    return writer.curve(start, (width * 0.3, tilt * 0.7 - wave), (width * 0.7, tilt * 0.3 + wave), (width, 0))


def _leg(writer: Writer, x: float) -> Stroke:
    """Draw the downstroke of a 7 from (x, 0) to the lower left."""
    foot = x - writer.between(0.05, 0.5)
    bow = writer.between(-0.12, 0.03)
    return writer.curve((x, 0), (x + (foot - x) * 0.55 + bow, 0.45), (foot, 1))


def _serif(writer: Writer) -> Stroke:
    """Draw the small downward start of a 7's bar."""
    return writer.line((writer.between(-0.04, 0.06), writer.between(0.08, 0.24)), (0, 0))


def _seven(writer: Writer) -> list[Stroke]:
    """Draw bar and leg, a quarter with a serif."""
    width = writer.between(0.36, 0.72)
    parts = [_bar(writer, width), _leg(writer, width)]
    return [join(_serif(writer), *parts) if writer.chance(0.25) else join(*parts)]


def _cross(writer: Writer, seven: Stroke) -> Stroke:
    """Draw the short bar through the leg of ``seven``, level or slanted."""
    below = seven[seven[:, 1] > writer.between(0.36, 0.6)]
    x, y = below[0] if len(below) else seven[-1]
    half, tilt = writer.between(0.1, 0.28), writer.between(-0.16, 0.06)
    shift = writer.between(-0.07, 0.07)
    return writer.line((x + shift - half, y - tilt / 2), (x + shift + half, y + tilt / 2))


@writes(7, 4)
def seven_plain(writer: Writer) -> list[Stroke]:
    """Draw bar and leg."""
    return _seven(writer)


@writes(7, 4)
def seven_crossed(writer: Writer) -> list[Stroke]:
    """Draw bar, leg and cross stroke, as in much of Europe, Asia, Latin America."""
    strokes = _seven(writer)
    return [*strokes, _cross(writer, strokes[0])]


def _wave(writer: Writer, width: float) -> Stroke:
    """Draw a bar with a wave, to (width, 0), as taught in schools."""
    depth = writer.between(0.06, 0.4)
    start = (0, writer.between(-0.06, 0.06) if writer.chance(0.5) else writer.between(0.1, 0.2) + depth * 0.6)
    return writer.curve(
        start, (width * 0.22, 0.02 + depth * writer.between(-0.1, 0.6)), (width * 0.55, depth), (width, 0)
    )


@writes(7, 2.6)
def seven_waved(writer: Writer) -> list[Stroke]:
    """Draw a bar with a wave, at its deepest like an N. Two thirds are crossed."""
    width = writer.between(0.5, 0.8)
    seven = join(_wave(writer, width), _leg(writer, width))
    return [seven, _cross(writer, seven)] if writer.chance(0.65) else [seven]


@writes(7, 0.5)
def seven_hooked_foot(writer: Writer) -> list[Stroke]:
    """Draw a leg with a hook at its foot. The hook may swing on into the cross stroke."""
    width = writer.between(0.45, 0.75)
    leg = writer.line((width, 0), (width * 0.55, 0.9))
    foot = writer.curve((width * 0.55, 0.9), (width * 0.45, 1), (width * 0.25, writer.between(0.85, 0.97)))
    if writer.chance(0.5):
        foot = join(foot, writer.curve((0, 0), (0.02, -0.18), (0.3, writer.between(-0.5, -0.35))))
        return [join(_wave(writer, width), leg, foot)]
    seven = join(_bar(writer, width), leg, foot)
    return [seven, _cross(writer, seven)]


@writes(7, 0.5)
def seven_upright(writer: Writer) -> list[Stroke]:
    """Draw a bar and an upright leg, as on a seven-segment display."""
    width = writer.between(0.36, 0.6)
    return [writer.line((0, writer.between(0, 0.04)), (width, 0), (width - writer.between(0, 0.06), 1))]
