"""How people write 4 and 5."""

from batch_eval.training.allographs.register import writes
from batch_eval.training.writer import Stroke, Writer, join


@writes(4, 3)
def four_open(writer: Writer) -> list[Stroke]:
    """Draw an angle, then a stem across its bar. The top stays open."""
    level = writer.between(0.5, 0.72)
    stem_x = writer.between(0.38, 0.55)
    start_x = writer.between(0.04, 0.3)
    angle = writer.line((start_x, writer.between(0, 0.08)), (0, level), (stem_x + writer.between(0.02, 0.25), level))
    stem_top = writer.between(0, 0.42)
    return [angle, writer.line((stem_x + writer.between(0, 0.08), stem_top), (stem_x, 1))]


@writes(4, 1.6)
def four_cup(writer: Writer) -> list[Stroke]:
    """Draw a round cup, then a stem on its right."""
    level = writer.between(0.42, 0.6)
    cup = writer.curve((0.05, 0), (0, level * 0.7), (0.12, level), (0.36, level * 0.92), (0.5, level * 0.7))
    top = writer.between(0, 0.15)
    if writer.chance(0.4):
        return [join(cup, writer.line((0.5, level * 0.7), (0.5, top), (0.46, 1)))]
    return [cup, writer.line((0.52, top), (0.48, 1))]


@writes(4, 2.5)
def four_closed(writer: Writer) -> list[Stroke]:
    """Draw a triangle and a stem from its tip, in one stroke or two."""
    level = writer.between(0.55, 0.75)
    stem_x = writer.between(0.38, 0.58)
    bar_end = stem_x + writer.between(0.04, 0.28)
    if writer.chance(0.5):
        return [writer.line((stem_x, 0), (0, level), (bar_end, level)), writer.line((stem_x, 0), (stem_x, 1))]
    return [writer.line((stem_x, 1), (stem_x, 0), (0, level), (bar_end, level))]


@writes(4, 1.4)
def four_lightning(writer: Writer) -> list[Stroke]:
    """Draw an angle. A short stem crosses only its bar, or hangs from its end."""
    level = writer.between(0.5, 0.68)
    end = writer.between(0.45, 0.65)
    slope = writer.between(-0.08, 0.04)
    angle = writer.line((writer.between(0.1, 0.42), 0), (0, level), (end, level + slope))
    x = end - writer.between(0, 0.2)
    return [angle, writer.line((x + 0.04, level - writer.between(0.08, 0.28)), (x - writer.between(0, 0.08), 1))]


@writes(4, 1)
def four_looped(writer: Writer) -> list[Stroke]:
    """Draw down, right, a narrow loop up and the stem, in one stroke."""
    level = writer.between(0.5, 0.7)
    top = writer.between(0.02, 0.35)
    first = writer.line((writer.between(0.1, 0.3), 0), (0, level))
    turn = writer.curve(
        (0, level), (0.3, level - 0.03), (0.52, (level + top) / 2), (0.54, top), (0.46, level), (0.4, 1)
    )
    return [join(first, turn)]


@writes(4, 0.4)
def four_square(writer: Writer) -> list[Stroke]:
    """Draw a 4 as on a seven-segment display."""
    width, level = writer.between(0.35, 0.6), writer.between(0.42, 0.58)
    return [writer.line((0, 0), (0, level), (width, level)), writer.line((width, 0), (width, 1))]


def _belly(writer: Writer, x: float, y: float) -> Stroke:
    """Draw the bow of a 5, from the stem's foot at (x, y). Its end may curl up to the stem."""
    reach = writer.between(0.5, 0.68)
    rise = writer.between(-0.01, 0.09)
    end = writer.between(0.82, 0.98)
    bow = (x, y), (reach * 0.62, y - rise), (reach, (y + 1) / 2), (reach * 0.62, 0.98)
    if writer.chance(0.2):
        return writer.curve(*bow, (0.1, 1), (writer.between(-0.1, 0.05), writer.between(0.72, 0.92)))
    return writer.curve(*bow, (-0.02, end))


@writes(5, 3)
def five_bar(writer: Writer) -> list[Stroke]:
    """Draw stem and belly, then the bar on top: detached, overlapping or slanted."""
    level = writer.between(0.36, 0.52)
    stem_x = writer.between(0.04, 0.14)
    body = join(writer.line((stem_x, 0), (0.03, level)), _belly(writer, 0.03, level))
    gap = writer.between(-0.1, 0.09)
    return [
        body,
        writer.line(
            (stem_x + gap, writer.between(-0.04, 0.05)), (writer.between(0.45, 0.75), writer.between(-0.08, 0.05))
        ),
    ]


@writes(5, 2.5)
def five_one_stroke(writer: Writer) -> list[Stroke]:
    """Draw bar, stem and belly in one stroke, from the bar's right end."""
    level = writer.between(0.36, 0.5)
    top = writer.line((writer.between(0.42, 0.7), writer.between(-0.03, 0.04)), (0.1, 0), (0.03, level))
    return [join(top, _belly(writer, 0.03, level))]


@writes(5, 1.2)
def five_s_like(writer: Writer) -> list[Stroke]:
    """Draw a 5 close to an S."""
    reach = writer.between(0.45, 0.6)
    return [writer.curve((reach, 0), (0.14, 0.06), (0.08, 0.36), (0.36, 0.46), (reach, 0.7), (0.3, 0.99), (-0.02, 0.9))]


@writes(5, 0.7)
def five_square(writer: Writer) -> list[Stroke]:
    """Draw a 5 of straight lines."""
    width, level = writer.between(0.4, 0.62), writer.between(0.4, 0.54)
    return [writer.line((width, 0), (0, 0), (0, level), (width, level), (width, 1), (0, writer.between(0.94, 1)))]
