"""Separate ink from paper: polarity, uneven light, colour and faint strokes.

Images are uint8; ``Ink`` maps are (H, W) uint8, 0 on paper and brighter the stronger the ink.
"""

from __future__ import annotations

import cv2
import numpy as np

from batch_eval.imaging.steps import Image, border, grey

CONTOUR = 128
"""The value at which an ink map crosses the edge of a stroke, once the paper is cleared."""
SURE_SIGMAS, EDGE_SIGMAS = 6.0, 4.0
"""How far above the paper, in standard deviations of its noise, ink must reach somewhere and everywhere."""
COARSE_SIDE = 64
"""Longest side, in pixels, at which light and polarity are judged: they vary slowly."""


def shrink(image: Image, side: int) -> Image:
    """Reduce an image so that its longest side is at most ``side`` px, averaging over area; never enlarge it."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def dark_on_light(image: Image, window: float = 0.3) -> bool:
    """Say whether the ink is darker than the paper.

    Where the border has one tone, that is the paper. Elsewhere shadows and vignettes mislead it, but ink is sparse and
    strong against its surroundings: the third moment of the difference from a local median says on which side it lies.
    ``window`` is the median's width as a share of the image's longest side.
    """
    coarse = shrink(grey(image), COARSE_SIDE)
    ring = border(coarse)
    darkest, brightest = np.percentile(ring, [10, 90])
    if brightest - darkest < 0.06 * (float(coarse.max()) - float(coarse.min())):
        threshold, _ = cv2.threshold(coarse, 0, 255, cv2.THRESH_OTSU)
        return bool(np.median(ring) > threshold)
    size = max(3, int(max(coarse.shape) * window) | 1)
    pad = size // 2
    padded = cv2.copyMakeBorder(coarse, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    local = cv2.medianBlur(padded, size)[pad:-pad, pad:-pad]
    below = local.astype(np.float32) - coarse
    return bool((below**3).sum() > 0)


def dark_ink(image: Image) -> Image:
    """Invert an image, grey or BGR, whose ink is brighter than its paper."""
    return image if dark_on_light(image) else cv2.bitwise_not(image)


def paper_tone(image: Image, window: float = 0.3) -> Image:
    """Estimate what each pixel would be without ink: same shape as ``image``, whose ink is dark.

    A morphological closing wider than any stroke (``window``, a share of the longest side) fills the strokes in and
    follows shadows, vignettes and gradients (J. Serra, Image Analysis and Mathematical Morphology, 1982, the black
    top-hat). The border is replicated so that a darkening towards it is light and not ink.
    """
    coarse = shrink(image, COARSE_SIDE)
    size = max(3, int(max(coarse.shape[:2]) * window) | 1)
    padded = cv2.copyMakeBorder(coarse, size, size, size, size, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    smooth = cv2.GaussianBlur(closed, (0, 0), 1.5)[size:-size, size:-size]
    return cv2.resize(smooth, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)


def separate_ink(image: Image) -> Image:
    """Return the ink map of an image with dark ink: how much of the paper's light each pixel absorbs.

    255 · (1 - pixel / paper), in the colour channel that absorbs most, so that red, green and cyan ink are as dark as
    black, and a shadow, which dims pixel and paper alike, is no ink.
    """
    absorbed = cv2.bitwise_not(cv2.divide(image, paper_tone(image), scale=255))
    if absorbed.ndim == 2:
        return absorbed
    blue, green, red = cv2.split(absorbed)
    return cv2.max(cv2.max(blue, green), red)


def clear_paper(ink: Image) -> Image:
    """Set paper and its noise to exactly 0, keep strokes whole also where they get faint, and fix their contour.

    Hysteresis (J. Canny, IEEE PAMI 8, 1986): what lies nearer to ink's tone than to paper's is ink, and so is what
    touches it and exceeds 0.6 of that threshold; neither may lie within the paper's noise. The result rises through
    128 exactly where a stroke ends, so that the contour can be found between pixels. All 0 where nothing is ink.
    """
    smooth = cv2.GaussianBlur(ink, (0, 0), max(ink.shape) / 400) if max(ink.shape) > 200 else ink
    middle = _middle_tone(smooth)
    paper, noise = paper_noise(smooth)
    filled = paper > middle  # a thick digit that fills its frame: most of it is ink, and there is paper enough
    sure = middle if filled else max(middle, paper + SURE_SIGMAS * noise)
    edge = 0.6 * sure if filled else max(0.6 * sure, paper + EDGE_SIGMAS * noise)
    count, labels = cv2.connectedComponents(cv2.compare(smooth, edge, cv2.CMP_GT), connectivity=8)
    kept = np.zeros(count, np.uint8)
    kept[labels[smooth > sure]] = 255
    kept[0] = 0
    # a straight line through (edge, CONTOUR) that reaches 255 at twice the edge
    slope = (255 - CONTOUR) / edge
    contoured = cv2.addWeighted(smooth, slope, smooth, 0, CONTOUR - slope * edge)
    return keep(contoured, kept[labels])


def paper_noise(ink: Image) -> tuple[float, float]:
    """Return the level of an ink map's paper and its standard deviation, at least 1, in grey levels.

    Ink is the minority, so the paper is the median; its spread is read on the side where there is no ink.
    """
    cumulated = np.cumsum(np.bincount(ink.ravel(), minlength=256))
    low, middle = np.searchsorted(cumulated, [0.159 * ink.size, 0.5 * ink.size])
    return float(middle), max(1.0, float(middle - low))


def _middle_tone(ink: Image) -> float:
    """Return the middle between the means of what lies below and above Otsu's threshold (IEEE Trans. SMC 9, 1979)."""
    _, mask = cv2.threshold(ink, 0, 255, cv2.THRESH_OTSU)
    return (cv2.mean(ink, mask)[0] + cv2.mean(ink, cv2.bitwise_not(mask))[0]) / 2


def keep(ink: Image, mask: Image) -> Image:
    """Set an ink map to 0 outside a 0/255 mask and the one pixel around it that carries the contour."""
    return cv2.bitwise_and(ink, cv2.dilate(mask, np.ones((3, 3), np.uint8)))
