"""Find the photo between the bars around it, and in it the sheet of paper where it also shows what that lies on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import COARSE_SIDE, CUT_OUT, NEIGHBOURS, shrink, sides
from batch_eval.imaging.polarity import MIN_PAPER
from batch_eval.imaging.steps import SIDE, Image, border, grey

MIN_SHEET, MAX_SHEET = 0.15, 1 - MIN_PAPER
"""Share of the image that a sheet covers; around a larger one, what is seen on the border counts as a frame."""
MIN_FILLED = 0.85
"""Share of the smallest rectangle around it, however turned, that a sheet fills; an ellipse fills 0.79."""
MIN_SIDES = 0.4
"""Shorter side of that rectangle as a share of its longer one."""
MIN_BLANK = 0.6
"""Share of a sheet that shows its own tone rather than ink."""
MAX_ON_BORDER = 0.1
"""Share of the image's border that a sheet touches, which lies whole in it."""
MIN_STEP = 0.6
"""Share of the difference between sheet and surroundings that lies at the very edge; light falls off slowly."""
MIN_LEVELS = 24
"""Grey levels of that step."""
BAR_NOISE = 4
"""Grey levels by which a bar along the border varies where it is stored as JPEG."""
BAR_EDGE = 1
"""Pixels over which such a bar and the photo beside it are blurred into each other."""
MIN_WHOLE = 0.9
"""Share of the next line's difference from a bar which the line beside the bar has where they are not blurred."""
MIN_UNLIKE = 0.9
"""Share of a photo, and of its line beside a bar, that differs from the bar; a drawn digit has paper around it."""
MIN_CLEAR = 0.5
"""Share of paper that is cut close to its digit, and of the pixels along its edges, without ink."""
MIN_ASPECT = 0.45
"""Shorter side of such a photo as a share of its longer one; a 1 has less."""
EDGE = 0.04
"""Width, as a share of the image's longest side, of the strip along its edge that is shadow, blur or another page."""


def cut_to_sheet(image: Image) -> Image:
    """Return the part of a photo, (H, W) or (H, W, 3) BGR uint8, where a sheet lies; all of it where none is found.

    Bars of one tone around the photo are cut off first, also in small images, though not below 28 px.
    The sheet is turned upright, and what else is in that part gets its tone. A sheet is a nearly rectangular area that
    lies whole in the image, differs from the image's border, and differs at its very edge, so that a vignette or a pool
    of light is none.
    """
    if max(image.shape[:2]) >= SIDE:
        image = _without_bars(image)
    if max(image.shape[:2]) < CUT_OUT:
        return image
    coarse = _sheet(shrink(grey(image), COARSE_SIDE))
    if coarse is None:
        return image
    smooth = cv2.resize(255 * coarse, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    edge = np.ones((max(3, round(EDGE * max(image.shape[:2]))),) * 2, np.uint8)
    sheet = cv2.erode(cv2.threshold(smooth, 127, 1, cv2.THRESH_BINARY)[1], edge)
    place, size = _upright(sheet)
    inside = cv2.warpAffine(sheet, place, size, flags=cv2.INTER_NEAREST).view(bool)
    cut = cv2.warpAffine(image, place, size)
    cut[~inside] = np.median(cut[inside], axis=0)
    return cut


def _without_bars(image: Image) -> Image:
    """Return an image without the bars of one tone that a screenshot, or a program, has put along its borders."""
    for corner in (0,) if np.array_equal(image[0, 0], image[-1, -1]) else (0, -1):
        if _is_even(image[corner : corner + 1 or None]) or _is_even(image[:, corner, None]):
            image = np.ascontiguousarray(image[_between_bars(grey(image), corner)])
    return image


def _is_even(line: Image) -> bool:
    """Say whether a line of pixels, (1, W) or (H, 1), grey or BGR, has one tone."""
    lowest, highest, _, _ = cv2.minMaxLoc(grey(line))
    return highest - lowest <= 2 * BAR_NOISE


def _between_bars(level: Image, corner: int) -> tuple[slice, slice]:
    """Return the (rows, columns) of a grey image between bars of a corner's tone; all where there is no photo.

    A drawn digit leaves paper within its bounds, or is as narrow as a thick 1, which fills them.
    """
    unlike = cv2.absdiff(level, np.full_like(level, level[corner, corner]))
    x, y, width, height = cv2.boundingRect(cv2.threshold(unlike, BAR_NOISE, 1, cv2.THRESH_BINARY)[1])
    found = unlike[y : y + height, x : x + width]
    beyond = y, len(level) - y - height, x, level.shape[1] - x - width
    edges = [BAR_EDGE if thickness else 0 for thickness in beyond]  # at the top, the bottom, on the left and the right
    shortest = max(MIN_ASPECT * max(width, height), 2 * BAR_EDGE + 1)
    if not any(edges) or min(width, height) < shortest or not (_is_photo(found, edges) or _is_paper(found)):
        return slice(None), slice(None)
    strips = sides(found, 1 + BAR_EDGE)
    top, bottom, left, right = (edge if _is_blurred(*strip) else 0 for edge, strip in zip(edges, strips, strict=True))
    return slice(y + top, y + height - bottom), slice(x + left, x + width - right)


def _is_photo(unlike: Image, edges: list[int]) -> bool:
    """Say whether what differs from the bars is a photo; beside them, some pixels at its ``edges`` may be blurred."""
    top, bottom, left, right = edges
    photo = unlike[top : len(unlike) - bottom, left : unlike.shape[1] - right]
    parts = [photo, *(side for side, edge in zip(sides(photo, 1), edges, strict=True) if edge)]
    return all((part > 2 * BAR_NOISE).mean() >= MIN_UNLIKE for part in parts)


def _is_blurred(edge: Image, inner: Image) -> bool:
    """Say whether a line of pixels, which differs from a bar beside it, is partly bar; ``inner`` is the next one."""
    return bool(edge.max() < MIN_WHOLE * inner.max())


def _is_paper(unlike: Image) -> bool:
    """Say whether what differs from the bars, (H, W) grey levels, is paper whose ink is like the bars.

    A digit takes the smaller part of its bounds and of the pixels along their edges, and seldom reaches a corner. So
    would a light digit on a dark background, but then the rest is like the bars.
    """
    clear = cv2.threshold(unlike, BAR_NOISE, 1, cv2.THRESH_BINARY)[1]
    if cv2.countNonZero(clear) < MIN_CLEAR * clear.size or not clear[:: len(clear) - 1, :: clear.shape[1] - 1].all():
        return False
    return bool(border(clear).mean() >= MIN_CLEAR)


def _upright(sheet: Image) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Return the (2, 3) affine map that turns the sheet of a 0/1 mask upright, and its (width, height) then."""
    centre, sides, angle = cv2.minAreaRect(cv2.findNonZero(sheet))
    quarters = round(angle / 90)  # of the four ways of being upright, the nearest
    width, height = (max(1, round(side)) for side in (sides[::-1] if quarters % 2 else sides))
    place = np.asarray(cv2.getRotationMatrix2D(centre, angle - 90 * quarters, 1), np.float64)
    place[:, 2] += (np.array([width, height]) - 1) / 2 - np.array(centre)
    return place, (width, height)


def _sheet(image: Image) -> Image | None:
    """Return a (H, W) 0/1 mask of the sheet, ink included, in a small grey image; None where there is none."""
    _, bright = cv2.threshold(image, 0, 1, cv2.THRESH_OTSU)
    on_border = border(bright)
    unlike = bright if 2 * cv2.countNonZero(on_border) < len(on_border) else 1 - bright
    if cv2.countNonZero(unlike) < MIN_SHEET * MIN_BLANK * unlike.size:
        return None
    contours, _ = cv2.findContours(unlike, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=cv2.contourArea)
    area, (_, sides, _) = cv2.contourArea(outline), cv2.minAreaRect(outline)
    if not MIN_SHEET <= area / image.size <= MAX_SHEET:
        return None
    if area < MIN_FILLED * sides[0] * sides[1] or min(sides) < MIN_SIDES * max(sides):
        return None
    sheet = cv2.drawContours(np.zeros_like(unlike), [outline], -1, 1, cv2.FILLED)
    if cv2.mean(unlike, sheet)[0] < MIN_BLANK or border(sheet).mean() > MAX_ON_BORDER or not _has_edge(image, sheet):
        return None
    return sheet


def _has_edge(image: Image, sheet: Image) -> bool:
    """Say whether an image changes at the edge of a sheet rather than slowly towards it."""
    within = cv2.subtract(cv2.erode(sheet, NEIGHBOURS), cv2.erode(sheet, NEIGHBOURS, iterations=3))
    beyond = cv2.subtract(cv2.dilate(sheet, NEIGHBOURS, iterations=3), cv2.dilate(sheet, NEIGHBOURS))
    if not within.any() or not beyond.any():
        return False
    step = float(np.median(image[within.view(bool)])) - float(np.median(image[beyond.view(bool)]))
    between = cv2.mean(image, sheet)[0] - cv2.mean(image, 1 - sheet)[0]
    return step * between > 0 and abs(step) > max(MIN_LEVELS, MIN_STEP * abs(between))
