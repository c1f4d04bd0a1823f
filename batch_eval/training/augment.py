"""Strong augmentation: vary a digit as writers, pens, cameras and preprocessing do.

Most steps work on a "plate": a (56, 56) uint8 image, ink 255 on 0, with the digit at twice MNIST's scale.
"""

# A run shows a model digits after preprocessing, so augmentation must reach what preprocessing makes of photos:
# warp -> stroke width -> defects of ink and threshold -> one of the ways to 28 x 28 -> greys.
# At 28 x 28 a stroke is only a few pixels wide, too coarse to thin it to a hairline. Hence plates at twice the scale.
# No benchmark measures the probabilities and ranges one by one. benchmarks/networks.py measures what they reach
# together: the row `default` of docs/networks.md.

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.steps import SIDE, centre, crop_to_ink, fit_to_box
from batch_eval.imaging.stroke import DRAWN_SIDE, enlarge, normalise_stroke
from batch_eval.training.drawing import broken

Plate = NDArray[np.uint8]
PLATE = 2 * SIDE  # px
# (56, 56, 2) coordinates x, y of every pixel, with the origin in the plate's middle
_GRID = np.stack(np.meshgrid(np.arange(PLATE), np.arange(PLATE)), axis=-1).astype(np.float32) - (PLATE - 1) / 2
_KERNELS = [cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size) for size in ((2, 2), (3, 3), (4, 4), (5, 5))]


def plate_of_mnist(image: NDArray[np.uint8]) -> Plate:
    """Enlarge a (28, 28) image to a plate."""
    return np.asarray(cv2.resize(image, (PLATE, PLATE), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def plate_of_ink(ink: NDArray[np.uint8]) -> Plate:
    """Crop an (H, W) ink map to its digit.

    Its longer side becomes 40 px, centred on a plate.
    """
    digit = crop_to_ink(ink)
    height, width = digit.shape
    scale = PLATE * 20 / 28 / max(height, width)  # MNIST's digits fit into 20 of 28 px
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(digit, size, interpolation=cv2.INTER_AREA)
    plate = np.zeros((PLATE, PLATE), np.uint8)
    top, left = (PLATE - size[1]) // 2, (PLATE - size[0]) // 2
    plate[top : top + size[1], left : left + size[0]] = small
    return plate


def augmented(rng: np.random.Generator, plate: Plate) -> Plate:
    """Return one (28, 28) uint8 image that a run could make of this digit."""
    plate = degraded(rng, thickened(rng, warped(rng, plate)))
    # The three ways to 28 x 28: as `photo` redraws strokes, as `mnist` scales, and with wrong size and place.
    way = rng.random()
    if way < 0.45:
        return redrawn(rng, plate)
    return toned(rng, normalised(plate) if way < 0.85 else shrunk(rng, plate))


def jittered(rng: np.random.Generator, image: NDArray[np.uint8]) -> Plate:
    """Apply a small random affine map to a (28, 28) image, as one writer's digits vary."""
    matrix = np.eye(2) + rng.normal(0, 0.06, (2, 2))
    # The map keeps the middle pixel in place, then shifts: y = M x + shift + (c - M c).
    shift = rng.uniform(-1.2, 1.2, 2) + SIDE / 2 - 0.5 - matrix @ np.full(2, SIDE / 2 - 0.5)
    affine = np.hstack([matrix, shift[:, None]])
    return np.asarray(cv2.warpAffine(image, affine, (SIDE, SIDE), flags=cv2.INTER_LINEAR), dtype=np.uint8)


def warped(rng: np.random.Generator, plate: Plate) -> Plate:
    """Rotate, stretch and slant a plate; bend half of them by an elastic distortion.

    Source: Simard, Steinkraus and Platt, Best practices for convolutional neural networks applied to visual document
    analysis, ICDAR 2003. They blur one random displacement per pixel. Here a coarse grid is interpolated, which is
    as smooth and cheaper.
    """
    turn = np.radians(rng.normal(0, 7))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    stretch = np.diag(np.exp(rng.normal(0, 0.1, 2)))
    slant = np.array([[1, rng.normal(0, 0.12)], [0, 1]])
    # `remap` asks for every target pixel where it comes from, so these are inverse maps.
    where = _GRID @ (rotation @ stretch @ slant).T.astype(np.float32) + (PLATE - 1) / 2
    if rng.random() < 0.5:
        cells = int(rng.integers(3, 7))  # few cells bend the whole digit, many bend single strokes
        coarse = rng.normal(0, rng.uniform(0.4, 2.4), (cells, cells, 2)).astype(np.float32)
        where += cv2.resize(coarse, (PLATE, PLATE), interpolation=cv2.INTER_CUBIC)
    across, down = (np.ascontiguousarray(where[..., axis], dtype=np.float32) for axis in (0, 1))
    bent = cv2.remap(plate, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(bent, dtype=np.uint8)


def thickened(rng: np.random.Generator, plate: Plate) -> Plate:
    """Make strokes thicker or thinner by a morphological dilation or erosion."""
    choice = rng.random()
    if choice < 0.35:
        return plate
    kernel = _KERNELS[int(rng.integers(len(_KERNELS)))]
    if choice < 0.65:
        return np.asarray(cv2.dilate(plate, kernel), dtype=np.uint8)
    thin = cv2.erode(plate, kernel)
    # An erosion can delete thin strokes, and a blank plate would still have its label.
    return np.asarray(thin if thin.sum() > 0.2 * plate.sum() else plate, dtype=np.uint8)


def degraded(rng: np.random.Generator, plate: Plate) -> Plate:
    """Apply some of the defects that photos and thresholds leave."""
    if rng.random() < 0.3:
        plate = binarised(rng, plate)
    if rng.random() < 0.1:
        plate = broken(rng, plate)
    if rng.random() < 0.08:
        plate = specked(rng, plate)
    if rng.random() < 0.06:
        plate = ruled(rng, plate)
    if rng.random() < 0.06:
        plate = cropped(rng, plate)
    return plate


def binarised(rng: np.random.Generator, plate: Plate) -> Plate:
    """Blur, add noise and threshold, which makes edges ragged and breaks thin strokes."""
    soft = cv2.GaussianBlur(plate, (0, 0), rng.uniform(0.4, 1.4)).astype(np.float32)
    peak = float(soft.max())
    noisy = soft + rng.normal(0, rng.uniform(0, 0.12) * peak, plate.shape).astype(np.float32)
    return np.asarray((noisy > rng.uniform(0.25, 0.6) * peak) * np.uint8(255), dtype=np.uint8)


def specked(rng: np.random.Generator, plate: Plate) -> Plate:
    """Add up to three specks of dirt near the digit."""
    dirty = plate.copy()
    for _ in range(int(rng.integers(1, 4))):
        x, y = (int(v) for v in rng.integers(8, PLATE - 8, 2))
        cv2.circle(dirty, (x, y), int(rng.integers(0, 3)), int(rng.integers(80, 256)), -1)
    return dirty


def ruled(rng: np.random.Generator, plate: Plate) -> Plate:
    """Add a piece of a printed line across or beside the digit.

    An imperfect line removal leaves such pieces.
    """
    lined = plate.copy()
    view = lined.T if rng.random() < 0.4 else lined  # transposed: a vertical line
    start, length, level = int(rng.integers(6, 40)), int(rng.integers(5, 26)), int(rng.integers(8, PLATE - 8))
    line = view[level : level + int(rng.integers(1, 3)), start : min(start + length, PLATE - 6)]
    line[:] = np.maximum(line, int(rng.integers(60, 220)))
    return lined


def cropped(rng: np.random.Generator, plate: Plate) -> Plate:
    """Cut up to 14 % off one side of the digit, as the edge of a photo does."""
    x, y, width, height = cv2.boundingRect(plate)
    kept = plate.copy()
    side, share = int(rng.integers(4)), rng.uniform(0.02, 0.14)
    columns, rows = max(1, int(share * width)), max(1, int(share * height))
    if side == 0:
        kept[:, : x + columns] = 0
    elif side == 1:
        kept[:, x + width - columns :] = 0
    elif side == 2:
        kept[: y + rows] = 0
    else:
        kept[y + height - rows :] = 0
    return kept


def normalised(plate: Plate) -> Plate:
    """Bring a plate to (28, 28) as MNIST was made.

    The longer side is 20 px, the centre of mass in the middle.
    """
    return np.asarray(centre(fit_to_box(crop_to_ink(plate))), dtype=np.uint8)


def redrawn(rng: np.random.Generator, plate: Plate) -> Plate:
    """Bring a plate to (28, 28) as `photo` does, which redraws strokes as wide as MNIST's. A quarter are toned."""
    covered = plate[plate > 16]
    # Hairlines cover only part of each pixel. Scale the median of the ink to 255, or thresholds lose them.
    full = float(np.median(covered)) if covered.size else 255.0
    digit = crop_to_ink(cv2.convertScaleAbs(plate, alpha=255 / full))
    # Blur by half a pixel of the plate: without it the enlarged pixels show as steps along the stroke.
    smooth = cv2.GaussianBlur(enlarge(digit), (0, 0), DRAWN_SIDE / max(digit.shape) / 2)
    small = np.asarray(centre(fit_to_box(crop_to_ink(normalise_stroke(smooth)))), dtype=np.uint8)
    return toned(rng, small) if rng.random() < 0.25 else small


def shrunk(rng: np.random.Generator, plate: Plate) -> Plate:
    """Bring a plate to (28, 28) with an error in size (-15 to 10 %) and place (2 px)."""
    scale = 0.5 * rng.uniform(0.85, 1.1)
    shift = SIDE / 2 - scale * PLATE / 2 + rng.uniform(-2, 2, 2)
    affine = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    soft = cv2.blur(plate, (2, 2))  # halving without a blur would alias
    return np.asarray(cv2.warpAffine(soft, affine, (SIDE, SIDE), flags=cv2.INTER_LINEAR), dtype=np.uint8)


def toned(rng: np.random.Generator, image: Plate) -> Plate:
    """Change the greys of a (28, 28) image: none, more contrast, faint, blurred or binary."""
    choice = rng.random()
    peak = max(1, int(image.max()))
    if choice < 0.25:
        return image
    if choice < 0.6:
        ink = np.minimum(image / peak * rng.uniform(1.0, 2.2), 1)
        return np.asarray(255 * ink ** rng.uniform(0.7, 1.4), dtype=np.uint8)
    if choice < 0.72:
        return np.asarray(image * (rng.uniform(90, 255) / peak), dtype=np.uint8)
    if choice < 0.84:
        soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9))
        return np.asarray(soft * min(3.0, rng.uniform(180, 255) / max(1, int(soft.max()))), dtype=np.uint8)
    return np.asarray((image > rng.uniform(0.2, 0.55) * peak) * np.uint8(255), dtype=np.uint8)
