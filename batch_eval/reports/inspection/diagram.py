"""Two diagrams of a network: a graph of its layers, and their outputs as blocks.

The graph shows what Keras' ``plot_model`` shows. The blocks are drawn as visualkeras does. They are as high as the
output's height, as deep as its width, and wider with more channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from batch_eval.models.description import Layer
from batch_eval.reports.inspection.drawing import Drawing, Shape, Words, arrow, box, detour
from batch_eval.wording import shape_text

COLOURS: Mapping[str, str] = {
    "Input": "#e8e8e4",
    "Conv": "#7fb2e5",
    "Pool": "#f2a48f",
    "Dense": "#9bd0a6",
    "Normalization": "#e5cf7f",
    "Dropout": "#d6d6d6",
    "Flatten": "#c9b3e0",
    "Reshape": "#c9b3e0",
}
"""Part of a class's name -> colour."""
OTHER = "#b7c4cc"
BOX, GAP, MARGIN = (250.0, 44.0), 26.0, 24.0
"""Size of a layer in the graph, distance between layers, and the margin."""
UNIT, SMALLEST, WIDEST = 4.5, 6.0, 70.0
"""Units for a pixel of an output, at least, and at most for its channels."""
SLANT = 0.32
"""How far the depth of a block goes to the right and up."""
LARGEST = 170.0
"""Height of the highest block."""
LETTER = 6.0
"""Width of a letter in the legend, whose font has 10 units."""


def colour(class_name: str) -> str:
    """Return the colour of a class of layers."""
    return next((colour for part, colour in COLOURS.items() if part in class_name), OTHER)


def graph(layers: Sequence[Layer], title: str) -> Drawing:
    """Draw the layers as boxes from top to bottom.

    Arrows lead from each to those that take its output.
    """
    places = _places(layers)
    columns = max(column for _, column in places.values()) + 1
    shapes: list[Shape] = []
    words: list[Words] = []
    centre = {
        name: (MARGIN + column * (BOX[0] + GAP) + BOX[0] / 2, MARGIN + row * (BOX[1] + GAP))
        for name, (row, column) in places.items()
    }
    for layer in layers:
        x, y = centre[layer.name]
        for source in layer.inputs:
            if source in centre:
                shapes += _connection(centre[source], (x, y))
        shapes.append(box(x - BOX[0] / 2, y, *BOX, colour(layer.class_name)))
        head = f"{layer.class_name} {layer.detail}".strip()
        words.append(Words((x, y + 18), head, bold=True))
        parameters = f", {layer.parameters:,} parameters" if layer.parameters else ""
        words.append(Words((x, y + 34), f"{shape_text(layer.output_shape)}{parameters}", 10))
    rows = max(row for row, _ in places.values()) + 1
    size = (2 * MARGIN + columns * (BOX[0] + GAP) - GAP, 2 * MARGIN + rows * (BOX[1] + GAP) - GAP)
    return Drawing(title, size, tuple(shapes), tuple(words))


def _connection(source: tuple[float, float], target: tuple[float, float]) -> Sequence[Shape]:
    """Return the arrow between two layers, around layers that lie between.

    Both points are the middles of upper edges.
    """
    # A straight arrow within a column would run through the boxes of the rows between.
    rows = round((target[1] - source[1]) / (BOX[1] + GAP))
    if rows == 1 or source[0] != target[0]:
        return arrow((source[0], source[1] + BOX[1]), target)
    right, middle = BOX[0] / 2, BOX[1] / 2
    return detour(
        (source[0] + right, source[1] + middle), (target[0] + right, target[1] + middle), 6.0 + 2 * min(rows, 8)
    )


def _places(layers: Sequence[Layer]) -> dict[str, tuple[int, int]]:
    """Return row and column of each layer: below all its inputs, beside others of its row."""
    # One row below the lowest input, so that every arrow points down. Without inputs, that is row 0.
    rows: dict[str, int] = {}
    for layer in layers:
        rows[layer.name] = 1 + max((rows.get(source, 0) for source in layer.inputs), default=-1)
    taken: dict[int, int] = {}
    places = {}
    for name, row in rows.items():
        places[name] = (row, taken.get(row, 0))
        taken[row] = taken.get(row, 0) + 1
    return places


def blocks(layers: Sequence[Layer], title: str) -> Drawing:
    """Draw each output as a block in perspective, from left to right, with its shape below."""
    shown = [layer for layer in layers if layer.output_shape and not _is_small_change(layer)]
    largest = max((max(_space(layer)[:2]) for layer in shown), default=1)
    unit = min(UNIT, LARGEST / largest)
    x, top = MARGIN, MARGIN + LARGEST * (1 + SLANT)
    shapes: list[Shape] = []
    words: list[Words] = []
    for i, layer in enumerate(shown):
        # Channels and units differ by orders of magnitude, so their logarithm is drawn. An output without space is a
        # thin post, whose height shows its size.
        height, depth, channels = _space(layer)
        width = min(WIDEST, max(SMALLEST, 8 * math.log2(channels + 1) if height > 1 else SMALLEST + 2))
        tall = max(SMALLEST, unit * height) if height > 1 else min(LARGEST, 14 * math.log2(channels + 1))
        deep = max(SMALLEST, unit * depth) * SLANT if height > 1 else SMALLEST * SLANT
        shapes += _block(x, top - tall, width, tall, deep, colour(layer.class_name))
        # Every other shape stands a line lower: neighbours would overlap.
        words.append(Words((x + width / 2, top + 16 + 13 * (i % 2)), shape_text(layer.output_shape), 9))
        x += width + deep + 22
    legend = list(dict.fromkeys(layer.class_name for layer in shown))
    width = max(x + MARGIN, 420.0)
    # as many entries in a row as have space for the longest name
    across = max(1, min(4, int((width - 2 * MARGIN) / (30 + LETTER * max(map(len, legend), default=0)))))
    for i, name in enumerate(legend):
        left, y = MARGIN + (i % across) * (width - 2 * MARGIN) / across, top + 50 + 18 * (i // across)
        shapes.append(box(left, y - 9, 12, 12, colour(name)))
        words.append(Words((left + 18, y + 1), name, 10, "start"))
    return Drawing(title, (width, top + 60 + 18 * math.ceil(len(legend) / across)), tuple(shapes), tuple(words))


def _is_small_change(layer: Layer) -> bool:
    """Whether a layer keeps the shape, so that it would repeat the block before it."""
    return any(part in layer.class_name for part in ("Dropout", "ReLU", "Activation", "Normalization", "Identity"))


def _space(layer: Layer) -> tuple[int, int, int]:
    """Return height, width and channels of an output. Without space, they are 1, 1 and its size."""
    shape = layer.output_shape or (1,)
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    return (shape[0], shape[1], 1) if len(shape) == 2 else (1, 1, math.prod(shape))


def _block(x: float, y: float, width: float, height: float, deep: float, fill: str) -> list[Shape]:
    """Return the three visible faces of a block.

    ``deep`` is how far its depth goes to the right and up.
    """
    right = x + width
    side = Shape(
        ((right, y), (right + deep, y - deep), (right + deep, y - deep + height), (right, y + height)), _darker(fill)
    )
    lid = Shape(((x, y), (x + deep, y - deep), (x + width + deep, y - deep), (x + width, y)), _darker(fill, 0.93))
    return [box(x, y, width, height, fill), side, lid]


def _darker(fill: str, share: float = 0.8) -> str:
    parts = (int(fill[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(share * part):02x}" for part in parts)
