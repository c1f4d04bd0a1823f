"""What cameras, scanners and programs do to a picture before it is a file."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.distortions.camera import jpeg

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def photographed(rng: np.random.Generator, scene: Floats) -> Pixels:
    """Take a photo of light, (H, W, 3) of 0 to 1, as 8 bits."""
    # In a camera's order: white balance, haze and exposure, then the lens, last the sensor.
    # So the lens does not blur the noise.
    if rng.random() < 0.35:
        scene = scene * rng.uniform(0.8, 1.15, 3).astype(np.float32)
    if rng.random() < 0.3:  # haze, or a camera that lifts the blacks
        low = rng.uniform(0, 0.45)
        scene = scene * np.float32(1 - low) + np.float32(low)
    if rng.random() < 0.25:
        scene = np.clip(scene, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.35)))
    scene = blurred(rng, scene)
    if rng.random() < 0.7:
        scene = scene + _noise(rng, scene.shape[:2])
    return np.asarray(np.clip(scene * 255 + 0.5, 0, 255), np.uint8)


def blurred(rng: np.random.Generator, scene: Floats) -> Floats:
    """Blur as a lens out of focus, or a hand that shakes. Many pictures stay sharp."""
    choice = rng.random()
    # The widths below are for a picture of 128 pixels. Larger pictures are blurred as much more.
    scale = max(scene.shape[:2]) / 128
    if choice < 0.42:
        return np.asarray(cv2.GaussianBlur(scene, (0, 0), max(0.3, rng.uniform(0.3, 1.4) * scale)), np.float32)
    if choice < 0.5:
        return np.asarray(cv2.GaussianBlur(scene, (0, 0), max(0.3, rng.uniform(1.4, 3.0) * scale)), np.float32)
    if choice < 0.56:
        # A line as the kernel smears each pixel along a path: level, upright or diagonal.
        length = int(rng.integers(2, 7))
        kernel = np.zeros((length, length), np.float32)
        start, end = (0, length - 1) if rng.random() < 0.5 else (length // 2, length // 2)
        cv2.line(kernel, (0, start), (length - 1, end), 1.0)
        kernel = kernel if rng.random() < 0.5 else kernel.T.copy()
        return np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum()), np.float32)
    return scene


def _noise(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return a sensor's noise, grey or coloured. It is coarse in a frame that was enlarged."""
    amount = np.float32(rng.choice([0.006, 0.015, 0.03, 0.07]) * rng.uniform(0.5, 1.2))
    channels = 3 if rng.random() < 0.6 else 1
    if rng.random() < 0.3:
        small = max(2, shape[0] // 3), max(2, shape[1] // 3), channels
        coarse = cv2.resize(rng.standard_normal(small, dtype=np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
        return np.asarray(amount * coarse.reshape(*shape, channels), np.float32)
    return np.asarray(amount * rng.standard_normal((*shape, channels), dtype=np.float32), np.float32)


def scanned(rng: np.random.Generator, scene: Floats, ink: float, ground: float) -> Pixels:
    """Scan light, (H, W, 3) of 0 to 1, in grey or black and white.

    ``ink`` and ``ground`` are the greys of the pen and the paper. Thresholds lie between them.
    """
    grey = cv2.cvtColor(np.clip(scene, 0, 1).astype(np.float32), cv2.COLOR_BGR2GRAY)
    if rng.random() < 0.4:
        grey = cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.3, 1.2))
    between = ground - ink
    if rng.random() < 0.7:  # levels: what is nearly white becomes white
        white, black = ground - between * rng.uniform(-0.2, 0.3), ink * rng.uniform(0, 1)
        grey = np.clip((grey - black) / (white - black), 0, 1)
        # The two greys follow the levels, so that the threshold below still lies between them.
        ink, ground = max(0.0, (ink - black) / (white - black)), min(1.0, (ground - black) / (white - black))
        between = ground - ink
    grey = grey + np.float32(rng.choice([0, 0.004, 0.02])) * rng.standard_normal(grey.shape, dtype=np.float32)
    if rng.random() < 0.4:
        # Noise just before the threshold makes the edges ragged.
        ragged = np.float32(rng.choice([0, 0.05, 0.12]) * between) * rng.standard_normal(grey.shape, dtype=np.float32)
        grey = (grey + ragged > ink + between * rng.uniform(0.35, 0.75)).astype(np.float32)
    grey = _specked(rng, np.asarray(grey, np.float32))
    return np.asarray(np.clip(np.repeat(grey[..., None], 3, axis=2) * 255 + 0.5, 0, 255), np.uint8)


def _specked(rng: np.random.Generator, grey: Floats) -> Floats:
    """Add specks of dirt to some scans."""
    if rng.random() < 0.25:
        count = int(rng.integers(1, 40))
        radius = max(grey.shape) / 128
        for x, y in zip(rng.integers(0, grey.shape[1], count), rng.integers(0, grey.shape[0], count), strict=True):
            cv2.circle(
                grey, (int(x), int(y)), int(rng.uniform(0, 1.6) * radius), float(rng.uniform(0, 0.7)), -1, cv2.LINE_AA
            )
    return grey


def reduced(rng: np.random.Generator, image: Pixels, least: float) -> Pixels:
    """Reduce a picture to ``least`` pixels or more, and enlarge it again. Thumbnails look like that."""
    longest = max(image.shape[:2])
    # Uniform in the logarithm: each doubling of the size is equally frequent.
    side = float(np.exp(rng.uniform(np.log(least), np.log(max(least + 1.0, longest)))))
    scale = side / longest
    size = max(4, round(image.shape[1] * scale)), max(4, round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR)
    way = (cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_NEAREST)[int(rng.choice(3, p=[0.4, 0.3, 0.3]))]
    return np.asarray(cv2.resize(small, image.shape[1::-1], interpolation=way), np.uint8)


def compressed(rng: np.random.Generator, image: Pixels) -> Pixels:
    """Save a picture as JPEG of any quality, and open it."""
    return np.asarray(jpeg(image, int(rng.integers(15, 96))), np.uint8)
