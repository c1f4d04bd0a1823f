"""Which part of a photo is its sheet of paper? Bars go first, then what the sheet lies on.

Measured by the rows "photo, laid on a table" of docs/preprocessing.md.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import COARSE_SIDE, NEIGHBOURS, TIGHT_CROP, shrink
from batch_eval.imaging.polarity import MIN_PAPER
from batch_eval.imaging.steps import SIDE, Image, border, grey
from batch_eval.imaging.surroundings.padding import cut_padding
from batch_eval.imaging.surroundings.screen_bars import cut_screen_bars

# Chosen by experiment on those rows.
MIN_SHEET = 0.15
"""Minimum area of a sheet. Unit: the image's area."""
MAX_SHEET = 1 - MIN_PAPER
"""Maximum area of a sheet, in the same unit. Beyond it, `polarity` takes the border for a printed frame."""
MIN_RECTANGULARITY = 0.85
"""Minimum area of a sheet. Unit: the area of its minimum-area rectangle. An ellipse fills 0.79."""
MIN_SHEET_ASPECT = 0.4
"""Minimum ratio of the shorter to the longer side of that rectangle."""
MIN_BARE = 0.6
"""Minimum fraction of a sheet without ink."""
MAX_ON_BORDER = 0.1
"""Maximum fraction of the image's border that a sheet touches."""
MIN_EDGE = 0.6
"""Minimum step at the sheet's edge. Unit: the difference between sheet and surroundings."""
MIN_EDGE_LEVELS = 24
"""Minimum step at the sheet's edge, in grey levels."""
TRIM = 0.04
"""Width to cut off along the sheet's edge. Unit: the longest side. There is shadow, blur or another page."""


def cut_to_sheet(image: Image) -> Image:
    """Crop a photo to the sheet of paper in it.

    Bars of one tone along the border are cut off first, as of padding to a square, then a screen's bars. A sheet is
    nearly a rectangle and lies whole in the image. It differs from the border of the image and has a sharp edge. A pool
    of light has a soft one. The sheet is rotated upright. What else is in the crop gets the sheet's tone.

    Args:
        image: (H, W) or (H, W, 3) BGR uint8. Bars are cut off from 28 px on, sheets searched for from 64 px on.

    Returns:
        The crop; the whole image if there is no sheet.

    """
    if max(image.shape[:2]) >= SIDE:
        image = cut_padding(image)
    if max(image.shape[:2]) < TIGHT_CROP:
        return image
    image = cut_screen_bars(image)
    coarse = _find_sheet(shrink(grey(image), COARSE_SIDE))
    if coarse is None:
        return image
    smooth = cv2.resize(255 * coarse, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    edge = np.ones((max(3, round(TRIM * max(image.shape[:2]))),) * 2, np.uint8)
    sheet = cv2.erode(cv2.threshold(smooth, 127, 1, cv2.THRESH_BINARY)[1], edge)
    place, size = _deskew(sheet)
    inside = cv2.warpAffine(sheet, place, size, flags=cv2.INTER_NEAREST).view(bool)
    cut = cv2.warpAffine(image, place, size)
    cut[~inside] = np.median(cut[inside], axis=0)
    return cut


def _deskew(sheet: Image) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Return the (2, 3) affine map that rotates a 0/1 mask's sheet upright, and the (width, height) then."""
    centre, sides, angle = cv2.minAreaRect(cv2.findNonZero(sheet))
    quarters = round(angle / 90)  # a rectangle is upright at four angles; take the nearest
    width, height = (max(1, round(side)) for side in (sides[::-1] if quarters % 2 else sides))
    place = np.asarray(cv2.getRotationMatrix2D(centre, angle - 90 * quarters, 1), np.float64)
    place[:, 2] += (np.array([width, height]) - 1) / 2 - np.array(centre)
    return place, (width, height)


def _find_sheet(image: Image) -> Image | None:
    """Return a 0/1 mask of the sheet, with its ink, in a small grey image. Without a sheet, return None."""
    # Otsu's threshold splits light from dark. The side that most of the border does not have is the candidate.
    _, bright = cv2.threshold(image, 0, 1, cv2.THRESH_OTSU)
    on_border = border(bright)
    unlike = bright if 2 * cv2.countNonZero(on_border) < len(on_border) else 1 - bright
    if cv2.countNonZero(unlike) < MIN_SHEET * MIN_BARE * unlike.size:
        return None
    contours, _ = cv2.findContours(unlike, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=cv2.contourArea)
    area, (_, sides, _) = cv2.contourArea(outline), cv2.minAreaRect(outline)
    if not MIN_SHEET <= area / image.size <= MAX_SHEET:
        return None
    if area < MIN_RECTANGULARITY * sides[0] * sides[1] or min(sides) < MIN_SHEET_ASPECT * max(sides):
        return None
    sheet = cv2.drawContours(np.zeros_like(unlike), [outline], -1, 1, cv2.FILLED)
    if cv2.mean(unlike, sheet)[0] < MIN_BARE or border(sheet).mean() > MAX_ON_BORDER:
        return None
    return sheet if _has_sharp_edge(image, sheet) else None


def _has_sharp_edge(image: Image, sheet: Image) -> bool:
    """Say whether an image changes at the edge of a sheet rather than slowly towards it."""
    # compare rings of two pixels just inside and just outside, with one pixel of blur left out on each side
    within = cv2.subtract(cv2.erode(sheet, NEIGHBOURS), cv2.erode(sheet, NEIGHBOURS, iterations=3))
    beyond = cv2.subtract(cv2.dilate(sheet, NEIGHBOURS, iterations=3), cv2.dilate(sheet, NEIGHBOURS))
    if not within.any() or not beyond.any():
        return False
    step = float(np.median(image[within.view(bool)])) - float(np.median(image[beyond.view(bool)]))
    between = cv2.mean(image, sheet)[0] - cv2.mean(image, 1 - sheet)[0]
    return step * between > 0 and abs(step) > max(MIN_EDGE_LEVELS, MIN_EDGE * abs(between))
