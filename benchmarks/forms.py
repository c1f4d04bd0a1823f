"""Measure how well digits are read from the cells of printed forms, with the cells' lines in view.

Run as `python benchmarks/forms.py DATA`. DATA holds `sheets/` and `models/plain_cnn.keras`. The scanned pages hold one
digit in each cell of a printed grid. They are cut at several distances from the middle of the lines, and resized.
Prints a Markdown table of accuracies. The odd rows of cells were used to tune the steps, the even ones were left out.
Most rows were written with one pen.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from reading import Box, Image, open_models, read

from batch_eval.imaging import preprocessor

GRID = (46, 25)
"""Rows and columns of the pages that are used. Other pages hold too few digits."""
MIN_TONE = 90
"""Minimum darkness of a printed line, in grey levels below white."""
MIN_LINE = 121
"""Minimum length of a printed line, in pixels. Strokes are never straight for so long."""
MARGINS = (-5, -2, 0, 3, 5, 10)
"""Where cells are cut, in pixels outside the middle of the lines. Lines are 3 to 4 px wide."""
SCALES = (0.33, 1.0, 2.5)
"""Factors to resize cells by. Within their lines, cells have 95 × 75 px; the smallest are read at 28 px."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    cv2.setNumThreads(1)
    models = open_models(data)
    forms = list(pages(data / "sheets"))
    labels = [digit for _, digits, _ in forms for digit in digits for _ in range(GRID[1])]
    odd = np.repeat([number % 2 == 1 for _, digits, _ in forms for number in range(len(digits))], GRID[1])
    recipe = preprocessor("photo")
    print("| model | cut | scale | odd rows (tuned on) | even rows (left out) | blank |\n|---|---|---|---|---|---|")
    for margin in MARGINS:
        cells = [cut(page, box, margin) for page, _, rows in forms for row in rows for box in row]
        for scale in SCALES:
            correct, blank = read(models, recipe, (scaled(cell, scale) for cell in cells), labels)
            for name, right in correct.items():
                shares = f"{right[odd].mean():.2%} | {right[~odd].mean():.2%}"
                print(f"| {name} | {margin:+} px | {scale:g} | {shares} | {blank.sum()} |", flush=True)
    print(f"\n{len(labels):,} cells, {odd.sum():,} of them in odd rows.")


def pages(sheets: Path) -> Iterator[tuple[Image, list[int], list[list[Box]]]]:
    """Yield each page that is a grid, the digit of each row, and the rows of cells."""
    with open(sheets / "labels.csv", newline="") as file:
        for sheet in csv.DictReader(file):
            if sheet["grid_shape"] == "x".join(map(str, GRID)):
                page = cv2.imread(str(sheets / sheet["filename"]))
                yield page, [int(digit) for digit in sheet["digits"][:: GRID[1]]], _cells(page)


def _cells(page: Image) -> list[list[Box]]:
    """Return the cells row by row: what the long straight lines of a page enclose."""
    # opening with a long bar keeps only lines, dilation closes their gaps, and what is left between them is the cells
    dark = cv2.threshold(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), 255 - MIN_TONE, 255, cv2.THRESH_BINARY_INV)[1]
    lines = [
        cv2.dilate(cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones(along, np.uint8)), np.ones(bridge, np.uint8))
        for along, bridge in (((1, MIN_LINE), (3, MIN_LINE // 3)), ((MIN_LINE, 1), (MIN_LINE // 3, 3)))
    ]
    stats = cv2.connectedComponentsWithStats(cv2.bitwise_not(cv2.bitwise_or(*lines)), connectivity=4)[2]
    height, width = page.shape[0] / GRID[0], page.shape[1] / GRID[1]
    boxes = [
        (int(left), int(top), int(left + wide), int(top + high))
        for left, top, wide, high, _ in stats
        if 0.6 < wide / width < 1.2 and 0.6 < high / height < 1.2
    ]
    if len(boxes) != GRID[0] * GRID[1]:
        raise ValueError(f"found {len(boxes)} cells on a page of {GRID[0]} rows of {GRID[1]}")
    columns = sorted(boxes)
    # pages are slightly turned: cells sort into columns by their left edge, and by height only within a column
    by_column = [sorted(columns[at : at + GRID[0]], key=lambda box: box[1]) for at in range(0, len(columns), GRID[0])]
    return [list(row) for row in zip(*by_column, strict=True)]


def cut(page: Image, box: Box, margin: int) -> Image:
    """Return a cell, cut ``margin`` px outside the middle of its lines."""
    left, top, right, bottom = box
    edge = margin + 2  # boxes end 2 px before the middle of the lines
    return page[max(0, top - edge) : bottom + edge, max(0, left - edge) : right + edge]


def scaled(cell: Image, scale: float) -> Image:
    """Return a cell resized by a factor."""
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cell if scale == 1 else cv2.resize(cell, None, fx=scale, fy=scale, interpolation=how)


if __name__ == "__main__":
    main()
