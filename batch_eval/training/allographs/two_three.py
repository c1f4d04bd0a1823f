"""How people write 2 and 3."""

from batch_eval.training.allographs.register import writes
from batch_eval.training.writer import Stroke, Writer, join


def _two_top(writer: Writer) -> Stroke:
    """Draw the bow of a 2 down to its corner at (0, 0.95)."""
    start_y = writer.between(0.1, 0.38)
    width = writer.between(0.5, 0.72)
    belly = writer.between(0.2, 0.34)
    return writer.curve(
        (writer.between(0, 0.1), start_y),
        (width * 0.45, 0),
        (width, belly),
        (width * 0.72, belly + 0.26),
        (width * 0.35, 0.78),
        (0, 0.95),
    )


@writes(2, 3)
def two_corner(writer: Writer) -> list[Stroke]:
    """Draw a bow, a sharp corner and a level or rising base."""
    end = writer.between(0.5, 0.8)
    return [join(_two_top(writer), writer.line((0, 0.95), (end, 0.95 + writer.between(-0.08, 0.08))))]


@writes(2, 2)
def two_wavy_base(writer: Writer) -> list[Stroke]:
    """Draw a bow and a base that swings up and down."""
    wave = writer.between(0.02, 0.09)
    end = writer.between(0.6, 0.9)
    base = writer.curve((0, 0.95), (end * 0.25, 0.95 - wave), (end * 0.7, 0.97 + wave), (end, 0.95 - wave))
    return [join(_two_top(writer), base)]


@writes(2, 2)
def two_loop(writer: Writer) -> list[Stroke]:
    """Draw a bow, a small loop at the lower left and a swinging base."""
    size = writer.between(0.05, 0.13)
    end = writer.between(0.6, 0.9)
    loop = writer.curve(
        (0, 0.95), (-0.06, 1 - size / 3), (-0.02, 0.95 - size), (0.1, 0.93), (end * 0.6, 1.02), (end, 0.94)
    )
    return [join(_two_top(writer), loop)]


@writes(2, 1)
def two_angular(writer: Writer) -> list[Stroke]:
    """Draw a 2 with corners, like a Z with a drooping start."""
    width = writer.between(0.45, 0.65)
    droop, level = writer.between(0.08, 0.25), writer.between(0.15, 0.35)
    top = writer.line(
        (0, droop), (0.12, 0.02), (width, 0), (width, level), (0, 1), (width + writer.between(0, 0.15), 1)
    )
    return [top]


@writes(2, 0.7)
def two_hooked_start(writer: Writer) -> list[Stroke]:
    """Draw a small downstroke or hook, then a bow and a level base."""
    start = writer.line((-0.04, writer.between(0, 0.1)), (0.02, writer.between(0.14, 0.26)))
    end = writer.between(0.5, 0.85)
    return [join(start, _two_top(writer), writer.line((0, 0.95), (end, 0.95 + writer.between(-0.08, 0.08))))]


@writes(2, 0.5)
def two_square(writer: Writer) -> list[Stroke]:
    """Draw a 2 as on a seven-segment display."""
    width = writer.between(0.4, 0.65)
    return [writer.line((0, 0), (width, 0), (width, 0.5), (0, 0.5), (0, 1), (width, 1))]


def _bowl(writer: Writer, x: float, y: float) -> Stroke:
    """Draw the lower half of a 3, from its waist at (x, y)."""
    reach = writer.between(0.5, 0.68)
    end = writer.between(0.78, 0.98)
    return writer.curve((x, y), (reach * 0.8, y + 0.06), (reach, (y + 1) / 2 + 0.03), (reach * 0.6, 1), (0, end))


@writes(3, 4)
def three_round(writer: Writer) -> list[Stroke]:
    """Draw two bows that meet at the waist."""
    waist = writer.between(0.18, 0.4)
    level = writer.between(0.4, 0.5)
    start = writer.between(0.05, 0.24)
    top = writer.curve((0.03, start), (0.3, 0), (writer.between(0.46, 0.62), 0.2), (0.45, level - 0.08), (waist, level))
    return [join(top, _bowl(writer, waist, level))]


@writes(3, 1.6)
def three_flat_top(writer: Writer) -> list[Stroke]:
    """Draw a level bar, a diagonal to the waist and a bowl."""
    waist = writer.between(0.15, 0.35)
    level = writer.between(0.34, 0.46)
    width = writer.between(0.48, 0.65)
    return [
        join(writer.line((0, writer.between(-0.02, 0.05)), (width, 0), (waist, level)), _bowl(writer, waist, level))
    ]


@writes(3, 0.8)
def three_looped(writer: Writer) -> list[Stroke]:
    """Draw two bows with a small loop at the waist."""
    level = writer.between(0.42, 0.5)
    top = writer.curve((0.03, 0.12), (0.3, 0), (0.55, 0.18), (0.38, level - 0.06), (0.22, level + 0.02))
    loop = writer.curve((0.22, level + 0.02), (0.14, level), (0.2, level - 0.07), (0.3, level))
    return [join(top, loop, _bowl(writer, 0.3, level))]


@writes(3, 0.8)
def three_curled(writer: Writer) -> list[Stroke]:
    """Draw a small upper bow that begins with a curl, and a large bowl."""
    level = writer.between(0.24, 0.46)
    curl = writer.between(0.3, 0.95) * level
    top = writer.curve(
        (0.16, curl), (0.06, level * 0.5), (0.3, 0), (0.5, level * 0.45), (0.4, level * 0.85), (0.24, level)
    )
    return [join(top, _bowl(writer, 0.24, level))]


@writes(3, 0.6)
def three_angular(writer: Writer) -> list[Stroke]:
    """Draw a 3 of straight lines. Its middle bar is long or only a notch."""
    width = writer.between(0.4, 0.65)
    notch = writer.between(0, width * 0.7)
    if writer.chance(0.5):
        return [writer.line((0, 0), (width, 0.0), (width, 0.48), (notch, 0.48), (width, 0.5), (width, 1), (0, 1))]
    return [writer.line((0, 0.02), (width, 0), (notch, 0.45), (width, 0.7), (width * 0.7, 0.97), (0, 0.97))]
