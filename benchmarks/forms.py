"""How well digits are read that were cut from printed forms, with the lines of their cells in view.

Run as `python benchmarks/forms.py DATA`, where DATA holds `sheets/` and `models/plain_cnn.keras`. Cuts the scanned
pages that hold one digit in each cell of a printed grid, at several distances from the middle of its lines, resizes
the cells as people do, and prints a Markdown table of accuracies. Of the rows of cells, which mostly have one pen
each, the odd ones were looked at while the steps were tuned, and the even ones are left out.
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
"""Rows and columns of the pages that are used; the others hold too few digits."""
INK, LINE = 90, 121
"""Grey levels that a printed line absorbs at least, and pixels that a stroke never runs straight."""
MARGINS = (-5, -2, 0, 3, 5, 10)
"""Pixels outside the middle of the lines where the cell is cut; the lines are 3 to 4 px wide."""
SCALES = (0.33, 1.0, 2.5)
"""Times their size, 95 by 75 px within the lines, at which the cells are read; the smallest are 28 px high."""


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
    """Yield each page that is a grid, its rows' digits and its rows of cells."""
    with open(sheets / "labels.csv", newline="") as file:
        for sheet in csv.DictReader(file):
            if sheet["grid_shape"] == "x".join(map(str, GRID)):
                page = cv2.imread(str(sheets / sheet["filename"]))
                yield page, [int(digit) for digit in sheet["digits"][:: GRID[1]]], _cells(page)


def _cells(page: Image) -> list[list[Box]]:
    """Return the cells row by row: what the long straight lines of a page enclose."""
    dark = cv2.threshold(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), 255 - INK, 255, cv2.THRESH_BINARY_INV)[1]
    lines = [
        cv2.dilate(cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones(along, np.uint8)), np.ones(bridge, np.uint8))
        for along, bridge in (((1, LINE), (3, LINE // 3)), ((LINE, 1), (LINE // 3, 3)))
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
    # the page is a little turned: the cells of one column are in the order of their rows, whatever the slope
    by_column = [sorted(columns[at : at + GRID[0]], key=lambda box: box[1]) for at in range(0, len(columns), GRID[0])]
    return [list(row) for row in zip(*by_column, strict=True)]


def cut(page: Image, box: Box, margin: int) -> Image:
    """Return a cell, cut so many pixels outside the middle of its lines."""
    left, top, right, bottom = box
    edge = margin + 2  # the boxes end two pixels before the middle of the lines
    return page[max(0, top - edge) : bottom + edge, max(0, left - edge) : right + edge]


def scaled(cell: Image, scale: float) -> Image:
    """Return a cell at so many times its size."""
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cell if scale == 1 else cv2.resize(cell, None, fx=scale, fy=scale, interpolation=how)


if __name__ == "__main__":
    main()
