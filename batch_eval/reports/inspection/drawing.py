"""Drawings of boxes, lines and words that become SVG or PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batch_eval.reports.templating import fill
from batch_eval.wording import printable

FILES = Path(__file__).with_name("files")
SCALE = 2
"""Pixels of a PNG for each unit of a drawing."""
FONT = "sans-serif"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled polygon, or a line if it is not filled."""

    points: tuple[Point, ...]
    fill: str | None = None
    """Colour such as ``#1f6feb``; None for a line."""
    stroke: str = "#3a3f46"

    @property
    def path(self) -> str:
        """Return the points as SVG writes them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; ``anchor`` is ``start``, ``middle`` or ``end``."""

    at: Point
    text: str
    size: int = 11
    anchor: str = "middle"
    colour: str = "#1d1f23"
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes and words on white paper of (width, height) units."""

    title: str
    size: tuple[float, float]
    shapes: tuple[Shape, ...]
    words: tuple[Words, ...]

    def svg(self) -> bytes:
        """Return the drawing as SVG."""
        # The ending .html.jinja makes the template escape every value, as SVG needs too.
        return fill(FILES, "drawing.svg.html.jinja", drawing=self, font=FONT)

    def png(self) -> bytes:
        """Return the drawing as PNG."""
        from PIL import Image, ImageDraw, ImageFont

        width, height = (round(SCALE * side) for side in self.size)
        image = Image.new("RGB", (width, height), "white")
        draw = ImageDraw.Draw(image)
        for shape in self.shapes:
            points = [(SCALE * x, SCALE * y) for x, y in shape.points]
            if shape.fill is None:
                draw.line(points, fill=shape.stroke, width=SCALE)
            else:
                draw.polygon(points, fill=shape.fill, outline=shape.stroke)
        for words in self.words:
            font = ImageFont.load_default(size=SCALE * words.size)
            at = (SCALE * words.at[0], SCALE * words.at[1])
            text = printable(words.text).translate(_PLAIN)
            draw.text(at, text, words.colour, font, anchor=_ANCHORS[words.anchor])
        file = io.BytesIO()
        image.save(file, "PNG")
        return file.getvalue()


_PLAIN = str.maketrans("×–", "x-")  # which Pillow's own font lacks
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}  # Pillow's words, on the baseline


def box(x: float, y: float, width: float, height: float, fill: str) -> Shape:
    """Return a rectangle by its upper left corner."""
    return Shape(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), fill)


def arrow(start: Point, end: Point) -> Sequence[Shape]:
    """Return an arrow that points down."""
    # The line ends inside the head, or it would show beside the tip.
    x, y = end
    return Shape((start, (x, y - 4))), Shape(((x - 3, y - 6), (x + 3, y - 6), (x, y)), "#3a3f46")


def detour(start: Point, end: Point, reach: float) -> Sequence[Shape]:
    """Return an arrow from a right edge to one below, ``reach`` units further right between them."""
    (x, y), (left, bottom) = start, end
    right = max(x, left) + reach
    line = Shape(((x, y), (right, y), (right, bottom), (left + 4, bottom)))
    return line, Shape(((left + 6, bottom - 3), (left + 6, bottom + 3), (left, bottom)), "#3a3f46")
