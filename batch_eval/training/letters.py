"""Writing that is no digit: Latin and Greek letters as stroke models, and glyphs that nobody writes.

Letters that are written like a digit are left out: I, O, S, Z, b, g, l, o, q, s, z.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from batch_eval.training.writer import Stroke, Writer

Point: TypeAlias = tuple[float, float]
Piece: TypeAlias = tuple[str, tuple[Point, ...]]  # "line" or "curve" through these points; y grows downwards


def _line(*points: Point) -> Piece:
    return "line", points


def _curve(*points: Point) -> Piece:
    return "curve", points


LETTERS: dict[str, tuple[Piece, ...]] = {
    "A": (_line((0, 1), (0.35, 0), (0.7, 1)), _line((0.14, 0.62), (0.58, 0.62))),
    "B": (
        _line((0, 0), (0, 1)),
        _curve((0, 0), (0.4, 0.04), (0.44, 0.36), (0, 0.48), (0.5, 0.56), (0.5, 0.92), (0, 1)),
    ),
    "C": (_curve((0.65, 0.16), (0.35, 0), (0.02, 0.5), (0.32, 1), (0.68, 0.82)),),
    "E": (_line((0.6, 0), (0, 0), (0, 1), (0.62, 1)), _line((0, 0.48), (0.5, 0.48))),
    "F": (_line((0.62, 0), (0, 0), (0, 1)), _line((0, 0.46), (0.48, 0.46))),
    "G": (
        _curve((0.62, 0.14), (0.3, 0), (0, 0.5), (0.3, 1), (0.64, 0.84)),
        _line((0.64, 0.9), (0.64, 0.54), (0.36, 0.54)),
    ),
    "H": (_line((0, 0), (0, 1)), _line((0.6, 0), (0.6, 1)), _line((0, 0.5), (0.6, 0.5))),
    "J": (_line((0.1, 0), (0.7, 0)), _curve((0.45, 0), (0.45, 0.7), (0.3, 1), (0.05, 0.84))),
    "K": (_line((0, 0), (0, 1)), _line((0.58, 0), (0, 0.55), (0.6, 1))),
    "L": (_line((0, 0), (0, 1), (0.6, 1)),),
    "M": (_line((0, 1), (0.05, 0), (0.4, 0.7), (0.75, 0), (0.8, 1)),),
    "N": (_line((0, 1), (0, 0), (0.6, 1), (0.6, 0)),),
    "P": (_line((0, 1), (0, 0)), _curve((0, 0.02), (0.5, 0.04), (0.5, 0.46), (0, 0.52))),
    "Q": (_curve((0.35, 0), (0, 0.5), (0.35, 1), (0.7, 0.5), (0.35, 0)), _line((0.4, 0.7), (0.75, 1.08))),
    "R": (
        _line((0, 1), (0, 0)),
        _curve((0, 0.02), (0.5, 0.04), (0.5, 0.46), (0, 0.52)),
        _line((0.14, 0.52), (0.58, 1)),
    ),
    "T": (_line((0, 0), (0.7, 0)), _line((0.35, 0), (0.35, 1))),
    "U": (_curve((0, 0), (0.02, 0.7), (0.32, 1), (0.6, 0.7), (0.62, 0)),),
    "V": (_line((0, 0), (0.33, 1), (0.66, 0)),),
    "W": (_line((0, 0), (0.2, 1), (0.42, 0.3), (0.64, 1), (0.86, 0)),),
    "X": (_line((0, 0), (0.65, 1)), _line((0.65, 0), (0, 1))),
    "Y": (_line((0, 0), (0.33, 0.48), (0.66, 0)), _line((0.33, 0.48), (0.33, 1))),
    "a": (
        _curve((0.5, 0.1), (0.2, 0), (0, 0.5), (0.2, 0.98), (0.5, 0.6)),
        _curve((0.54, 0), (0.5, 0.6), (0.6, 1), (0.75, 0.9)),
    ),
    "d": (_curve((0.5, 0.5), (0.2, 0.4), (0, 0.72), (0.22, 1), (0.5, 0.8)), _line((0.52, 0), (0.52, 1))),
    "e": (_curve((0.02, 0.5), (0.6, 0.44), (0.36, 0), (0.02, 0.5), (0.3, 1), (0.65, 0.84)),),
    "f": (_curve((0.55, 0.06), (0.32, 0), (0.24, 0.3), (0.24, 1)), _line((0, 0.42), (0.52, 0.4))),
    "h": (_line((0, 0), (0, 1)), _curve((0, 0.6), (0.28, 0.42), (0.46, 0.62), (0.46, 1))),
    "i": (_line((0, 0.36), (0, 1)), _line((0, 0), (0.02, 0.06))),
    "j": (_curve((0.3, 0.26), (0.3, 0.8), (0.1, 1), (0, 0.9)), _line((0.3, 0), (0.32, 0.05))),
    "k": (_line((0, 0), (0, 1)), _line((0.42, 0.4), (0, 0.7), (0.46, 1))),
    "m": (
        _line((0, 0.2), (0, 1)),
        _curve((0, 0.4), (0.2, 0.2), (0.4, 0.4), (0.4, 1)),
        _curve((0.4, 0.4), (0.6, 0.2), (0.8, 0.4), (0.8, 1)),
    ),
    "n": (_line((0, 0), (0, 1)), _curve((0, 0.3), (0.3, 0), (0.62, 0.3), (0.62, 1))),
    "p": (_line((0, 0.05), (0, 1)), _curve((0, 0.12), (0.3, 0), (0.5, 0.26), (0.28, 0.56), (0, 0.46))),
    "r": (_line((0, 0), (0, 1)), _curve((0, 0.4), (0.2, 0.08), (0.5, 0.06))),
    "t": (_curve((0.3, 0), (0.3, 0.8), (0.42, 1), (0.6, 0.92)), _line((0, 0.34), (0.62, 0.32))),
    "u": (_curve((0, 0), (0.02, 0.8), (0.26, 1), (0.52, 0.7)), _line((0.56, 0), (0.56, 1))),
    "w": (_curve((0, 0), (0.12, 0.9), (0.38, 0.8), (0.4, 0.3), (0.46, 0.85), (0.72, 0.9), (0.82, 0)),),
    "x": (_curve((0, 0.06), (0.2, 0.06), (0.45, 0.9), (0.66, 0.94)), _line((0.62, 0), (0, 1))),
    "y": (_curve((0, 0), (0.04, 0.4), (0.3, 0.5), (0.5, 0.2)), _curve((0.52, 0), (0.5, 0.7), (0.3, 1), (0, 0.86))),
    "alpha": (_curve((0.75, 0.05), (0.45, 0.75), (0.2, 1), (0, 0.55), (0.22, 0.08), (0.48, 0.45), (0.75, 1)),),
    "beta": (_curve((0, 1.1), (0.06, 0.3), (0.32, 0), (0.55, 0.2), (0.2, 0.42), (0.58, 0.6), (0.4, 0.9), (0.06, 0.8)),),
    "gamma": (_curve((0, 0.02), (0.22, 0.16), (0.34, 0.7), (0.26, 1), (0.18, 0.82), (0.36, 0.5), (0.62, 0)),),
    "delta": (
        _curve((0.55, 0.08), (0.3, 0), (0.16, 0.16), (0.5, 0.5), (0.44, 0.94), (0.14, 0.98), (0, 0.7), (0.36, 0.42)),
    ),
    "theta": (_curve((0.3, 0), (0, 0.5), (0.3, 1), (0.6, 0.5), (0.3, 0)), _line((0.02, 0.5), (0.58, 0.5))),
    "lambda": (_curve((0.02, 0), (0.2, 0.1), (0.6, 1)), _line((0.32, 0.42), (0, 1))),
    "mu": (
        _line((0, 0.1), (0, 1.1)),
        _curve((0, 0.3), (0.1, 0.74), (0.4, 0.7), (0.5, 0.1)),
        _curve((0.5, 0.1), (0.5, 0.6), (0.66, 0.74)),
    ),
    "pi": (
        _curve((0, 0.2), (0.1, 0.04), (0.8, 0)),
        _line((0.22, 0.06), (0.16, 1)),
        _curve((0.58, 0.04), (0.56, 0.8), (0.74, 0.98)),
    ),
    "sigma": (_curve((0.7, 0.04), (0.3, 0.06), (0, 0.5), (0.26, 1), (0.52, 0.6), (0.36, 0.08)),),
    "phi": (_curve((0.3, 0.25), (0, 0.5), (0.3, 0.78), (0.6, 0.5), (0.3, 0.25)), _line((0.36, 0), (0.26, 1))),
    "psi": (_curve((0, 0.05), (0.06, 0.5), (0.34, 0.62), (0.6, 0.45), (0.66, 0)), _line((0.34, 0), (0.34, 1))),
    "omega": (_curve((0.14, 0.1), (0, 0.5), (0.16, 0.96), (0.38, 0.5), (0.6, 0.96), (0.76, 0.5), (0.62, 0.1)),),
    "ampersand": (_curve((0.7, 1), (0.12, 0.28), (0.3, 0), (0.46, 0.24), (0.04, 0.7), (0.2, 1), (0.66, 0.56)),),
    "question": (
        _curve((0.02, 0.2), (0.28, 0), (0.54, 0.22), (0.28, 0.46), (0.28, 0.7)),
        _line((0.28, 0.95), (0.29, 1)),
    ),
    "plus": (_line((0, 0.5), (0.9, 0.5)), _line((0.45, 0), (0.45, 1))),
    "equals": (_line((0, 0.3), (0.9, 0.3)), _line((0, 0.7), (0.9, 0.7))),
    "hash": (
        _line((0.2, 0), (0.12, 1)),
        _line((0.6, 0), (0.52, 1)),
        _line((0, 0.33), (0.75, 0.33)),
        _line((0, 0.68), (0.72, 0.68)),
    ),
    "tick": (_line((0, 0.6), (0.28, 1), (0.9, 0)),),
    "dash": (_line((0, 0.5), (1, 0.48)),),
    "triangle": (_line((0.45, 0), (0.9, 0.9), (0, 0.9), (0.45, 0)),),
    "star": (_line((0.2, 1), (0.5, 0), (0.8, 1), (0, 0.36), (1, 0.36), (0.2, 1)),),
}


def letter(rng: np.random.Generator) -> list[Stroke]:
    """Return the strokes of a letter or sign, (N, 2) arrays about one high."""
    writer = Writer(rng, jitter=float(rng.uniform(0.005, 0.035)))
    pieces = list(LETTERS.values())[int(rng.integers(len(LETTERS)))]
    return [writer.line(*points) if kind == "line" else writer.curve(*points) for kind, points in pieces]


def glyph(rng: np.random.Generator) -> list[Stroke]:
    """Return one to three strokes that nobody writes: lines, arcs, loops and spirals at random."""
    writer = Writer(rng, jitter=0.01)
    count = int(rng.choice([1, 1, 2, 2, 3]))
    if count == 1:  # neither a 0 nor a 1
        return [_walk(writer, int(rng.integers(5, 9)))]
    return [_walk(writer, int(rng.integers(2, 8))) if rng.random() < 0.5 else _turn(writer) for _ in range(count)]


def _walk(writer: Writer, count: int) -> Stroke:
    """Return a stroke through random points."""
    points = [(float(x), float(y)) for x, y in writer.rng.random((count, 2))]
    return writer.curve(*points) if writer.chance(0.75) else writer.line(*points)


def _turn(writer: Writer) -> Stroke:
    """Return an arc or a ring."""
    middle = writer.between(0.2, 0.8), writer.between(0.2, 0.8)
    radii = writer.between(0.08, 0.45), writer.between(0.08, 0.45)
    sweep = writer.between(60, 500)
    return writer.arc(middle, radii, writer.between(0, 360), sweep if writer.chance(0.5) else -sweep)
