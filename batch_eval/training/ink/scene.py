"""One training scene for the ink network: a picture of a digit, and its true ink."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.looking import fitted
from batch_eval.imaging.stroke import stroke_width
from batch_eval.training.batches import Digits
from batch_eval.training.ink import camera, prints, screens, surfaces
from batch_eval.training.ink.frame import Frame, frame, placed
from batch_eval.training.ink.marks import Mark, Mask, block_digit, digit, other
from batch_eval.training.papers import noise

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
BLANK_SHARE, PAGE_SHARE, BLOCK_SHARE = 0.09, 0.04, 0.08
MIN_PRINT = 0.04
"""Contrast up to which print need not be found, as a share of full brightness."""
THINNEST = 1.5
"""Width of the true ink of hairlines, in pixels of the network."""


@dataclass(frozen=True)
class InkScene:
    """A picture as the network sees it, and what is known of it.

    ``image`` is (S, S, 3) BGR uint8. ``maps`` (S, S, 3) uint8 is how much of each pixel is covered: by the digit in
    question, by all writing, and by print. ``label`` is the digit, -1 where there is none. ``single`` is False for a
    page of several digits. None of them is the one in question. ``size`` (width, height) is of the picture before it
    was made square.
    """

    image: Pixels
    maps: Pixels
    label: int
    single: bool
    size: tuple[int, int]


@dataclass
class _Layers:
    """What stands in the window, in its pixels.

    ``ink`` is the digit's cover, ``writing`` that of all writing. ``tone`` is how strong the writing shows.
    """

    ink: Mask
    writing: Mask
    tone: Mask
    prints: Mask

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> _Layers:
        return cls(*(np.zeros(shape, np.uint8) for _ in range(4)))

    def all(self) -> tuple[Mask, ...]:
        return self.ink, self.writing, self.tone, self.prints

    def write(self, mark: Mark, x: float, y: float, *, subject: bool) -> None:
        """Lay a mark at (x, y)."""
        if subject:
            placed(self.ink, mark, x, y)
        placed(self.writing, mark, x, y)
        placed(self.tone, mark, x, y, tone=True)


def ink_scene(rng: np.random.Generator, given: Digits, size: int, subject: Mark | None = None) -> InkScene:
    """Draw one scene of ``size`` pixels a side. ``given`` are digits (N, 28, 28).

    Another ``subject`` may take the place of the digit in question.

    A scene of at most 64 pixels shows a picture that is no larger itself. The others show pictures of up to about
    twice the size. These are reduced as for the network.
    """
    if size <= 64:
        longest = int(rng.choice([28, 32, int(rng.integers(10, size + 1)), size]))
    else:
        longest = int(np.exp(rng.uniform(np.log(size / 2), np.log(size * 1.9))))
    mark = subject or (block_digit(rng) if rng.random() < BLOCK_SHARE else digit(rng, given))
    window = frame(rng, mark, longest)
    layers = _Layers.empty(window.shape)
    single = rng.random() >= PAGE_SHARE
    if not single:
        _page_of_digits(rng, given, window, layers)
    elif rng.random() >= BLANK_SHARE:
        layers.write(
            mark.sized(max(1, round(window.digit_height)), max(1, round(window.digit_width))),
            *window.centre,
            subject=True,
        )
        if rng.random() < 0.22:
            _neighbours(rng, given, window, layers)
    else:
        # Without a digit, a box in the middle stands for it: prints and the sheet's edges are laid around it.
        window = Frame(
            window.height,
            window.width,
            window.width * 0.3,
            window.height * 0.3,
            window.width * 0.4,
            window.height * 0.4,
        )
    kind = rng.random()
    draw = _screen if kind < 0.36 or mark.cell else _scan if kind < 0.5 else _photo
    image, layers = draw(rng, window, layers)
    if single and not _shows(image, layers.ink):
        # Ink that does not show counts as none: the scene becomes a blank one.
        layers = replace(_Layers.empty(layers.ink.shape), prints=layers.prints)
    if rng.random() < 0.06:
        image = surfaces.shaded(rng, image)
    if rng.random() < 0.05:
        image, masks = surfaces.laid(rng, image, layers.all())
        layers = _Layers(*masks)
    label = mark.label if single and layers.ink.any() else -1
    return _seen(rng, image, layers, window, size, label, single=single)


def _shows(image: Pixels, ink: Mask) -> bool:
    """Say whether the ink differs from what is around it: by 4 levels, and by a third of the deviation."""
    inside = cv2.threshold(ink, 0.6 * float(ink.max()), 255, cv2.THRESH_BINARY)[1]
    if not cv2.countNonZero(inside):
        return False
    # Around the ink is a ring of pixels, two to four away from it.
    near, far = (cv2.dilate(inside, np.ones((width, width), np.uint8)) for width in (3, 9))
    around = cv2.subtract(far, near)
    if not cv2.countNonZero(around):
        return False
    there, _ = cv2.meanStdDev(image, mask=inside)
    mean, deviation = cv2.meanStdDev(image, mask=around)
    return bool((np.abs(there - mean) > np.maximum(4, 0.35 * deviation)).any())


def _neighbours(rng: np.random.Generator, given: Digits, window: Frame, layers: _Layers) -> None:
    """Write marks beside the digit. Those that the window does not cut are smaller than the digit."""
    x, y = window.centre
    for way in rng.permutation(8)[: int(rng.integers(1, 6))]:
        angle = way * np.pi / 4 + rng.normal(0, 0.15)
        mark = other(rng, given).scaled(window.side * rng.uniform(0.4, 1.05))
        height, width = mark.cover.shape
        apart = max(
            abs(np.cos(angle)) * (window.digit_width + width) / 2,
            abs(np.sin(angle)) * (window.digit_height + height) / 2,
        )
        away = apart + window.side * rng.uniform(0.04, 0.7)
        there = x + away * np.cos(angle), y + away * np.sin(angle)
        whole = width / 2 < there[0] < window.width - width / 2 and height / 2 < there[1] < window.height - height / 2
        # A whole mark of the same size could as well be the digit in question.
        if not whole or max(height, width) < 0.62 * window.side:
            layers.write(mark, *there, subject=False)


def _page_of_digits(rng: np.random.Generator, given: Digits, window: Frame, layers: _Layers) -> None:
    """Write rows of digits of about one size. None is the one in question."""
    rows, columns = int(rng.integers(1, 7)), int(rng.integers(1, 10))
    # A single row has two places at least.
    columns = max(columns, 3 - rows)
    high, wide = window.height / rows, window.width / columns
    side = min(high, wide) * rng.uniform(0.35, 0.85)
    drift = rng.normal(0, 0.04 * side)
    for row in range(rows):
        for column in range(columns):
            if rows * columns > 4 and rng.random() < 0.12:
                continue
            mark = (digit if rng.random() < 0.85 else other)(rng, given).scaled(max(2.0, side * rng.uniform(0.75, 1.1)))
            x, y = (column + 0.5) * wide + rng.normal(0, 0.05 * side), (row + 0.5) * high + rng.normal(0, 0.05 * side)
            layers.write(mark, x, y + drift * column, subject=False)


def _photo(rng: np.random.Generator, window: Frame, layers: _Layers) -> tuple[Pixels, _Layers]:
    """Draw a photo of paper or a board."""
    # From below to above: paper, print, dirt, binding, ink. Then the desk around the sheet, and light on both.
    page = surfaces.paper(rng, window.shape)
    ink = _ink_on(rng, page)
    page = _printed(rng, page, layers, window, ink, often=0.45)
    if rng.random() < 0.22:
        page = surfaces.soiled(rng, page)
    if rng.random() < 0.04:
        page = surfaces.bound(rng, page)
    page = _inked(rng, page, layers.tone, ink, grain=float(rng.choice([0, 0, 0.15, 0.5, 0.8])))
    if rng.random() < 0.16:
        inside = window.left, window.top, window.left + window.digit_width, window.top + window.digit_height
        page, share = surfaces.on_desk(rng, page, inside)
        layers = _covered(layers, share)
    if rng.random() < 0.08:
        page = 1 - page
    if rng.random() < 0.8:
        page = surfaces.lit(rng, page)
    return camera.photographed(rng, page), layers


def _scan(rng: np.random.Generator, window: Frame, layers: _Layers) -> tuple[Pixels, _Layers]:
    """Draw a scan, in grey or cleaned. Some are white on black."""
    ground = float(rng.uniform(0.8, 1.0))
    page = np.full((*window.shape, 3), ground, np.float32)
    if rng.random() < 0.4:
        page = page * (1 + surfaces.texture(rng, window.shape)[..., None])
    grey = float(rng.uniform(0, 0.35)) if rng.random() < 0.75 else float(rng.uniform(0.35, 0.8))
    ink = np.full(3, grey, np.float32)
    if rng.random() < 0.12:
        page = surfaces.soiled(rng, page)
    page = _printed(rng, page, layers, window, ink, often=0.5)
    strength = float(rng.uniform(0.3, 1.0))
    page = _inked(rng, page, layers.tone, ink, grain=float(rng.choice([0, 0, 0.2, 0.6])), strength=strength)
    image = camera.scanned(rng, page, ground - strength * (ground - grey), ground)
    return (255 - image if rng.random() < 0.25 else image), layers


def _screen(rng: np.random.Generator, window: Frame, layers: _Layers) -> tuple[Pixels, _Layers]:
    """Draw what is drawn on a screen, as a file or as a screenshot."""
    ink, ground = screens.two_colours(rng)
    page = screens.canvas(rng, window.shape, ground)
    if rng.random() < 0.22 and not window.blocky:
        small = max(window.shape) / window.side
        cells = int(rng.integers(round(7 * small), round(7 * small) + 28))
        state = rng.bit_generator.state
        parts = []
        for mask in layers.all():  # the same cells for all
            rng.bit_generator.state = state
            parts.append(screens.pixelated(rng, mask, cells) if mask.any() else mask)
        layers = _Layers(*parts)
    if rng.random() < 0.12:
        page = _printed(rng, page, layers, window, ink, often=1.0)
    page = _inked(rng, page, layers.tone, ink, grain=0.0, strength=1.0)
    page = screens.decorated(rng, page, window)
    image = np.asarray(np.clip(page * 255 + 0.5, 0, 255), np.uint8)
    if rng.random() < 0.06:  # a photo of the screen
        image = camera.photographed(rng, surfaces.lit(rng, page))
    return image, layers


def _ink_on(rng: np.random.Generator, page: Floats) -> Floats:
    """Return the colour of a pen that shows on a page, (3,) BGR float32."""
    ground = page.mean(axis=(0, 1))
    choice = rng.random()
    if ground.mean() < 0.4 and choice < 0.85:
        return np.asarray(np.clip(ground + rng.uniform(0.25, 0.9, 3) * rng.uniform(0.6, 1), 0, 1), np.float32)
    # Black or dark grey, then blue, then red, then any colour.
    if choice < 0.45:
        ink = np.full(3, rng.uniform(0, 0.3)) * rng.uniform(0.85, 1.15, 3)
    elif choice < 0.72:
        ink = np.array([rng.uniform(0.3, 0.85), rng.uniform(0.05, 0.4), rng.uniform(0, 0.3)])
    elif choice < 0.85:
        ink = np.array([rng.uniform(0, 0.3), rng.uniform(0, 0.3), rng.uniform(0.5, 0.95)])
    else:
        ink = rng.uniform(0, 0.8, 3)
    if np.abs(ink - ground).max() <= 0.2:
        ink = 0.35 * ground
    return np.asarray(ink, np.float32)


def _inked(
    rng: np.random.Generator, page: Floats, tone: Mask, ink: Floats, *, grain: float, strength: float | None = None
) -> Floats:
    """Lay ink on the page.

    ``grain`` is how much of the paper's tooth stays free. ``strength`` is how much the ink covers, 0 to 1.
    """
    if strength is None:
        strength = float(rng.uniform(0.1, 0.4)) if rng.random() < 0.3 else float(rng.uniform(0.4, 1.0))
    share = tone.astype(np.float32) * np.float32(strength / 255)
    if grain:
        side = max(tone.shape)
        tooth = np.clip(noise(rng, side, side)[: tone.shape[0], : tone.shape[1]] * 0.5 + 0.5, 0, 1)
        share = share * (1 - np.float32(grain) * tooth)
    return np.asarray(page + (ink - page) * share[..., None], np.float32)


def _printed(
    rng: np.random.Generator, page: Floats, layers: _Layers, window: Frame, ink: Floats, often: float
) -> Floats:
    """Print lines, boxes and type on a page. Now and then they have the ink's colour."""
    if rng.random() >= often:
        return page
    wanted = [prints.rules] if rng.random() < 0.6 else [prints.box]
    wanted += [prints.box] if rng.random() < 0.12 else []
    wanted += [prints.type_beside] if rng.random() < 0.18 else []
    for draw in wanted:
        cover = draw(rng, window)
        ground = page.mean(axis=(0, 1))
        colour = ink if rng.random() < 0.35 else _print_colour(rng, ground)
        strength = np.float32(np.exp(rng.uniform(np.log(0.06), 0)))
        # Fainter print is on the page, but not in the map.
        if strength * np.abs(colour - ground).max() > MIN_PRINT:
            np.maximum(layers.prints, np.asarray(cover * 255, np.uint8), out=layers.prints)
        page = np.asarray(page + (colour - page) * (cover * strength)[..., None], np.float32)
    return page


def _print_colour(rng: np.random.Generator, ground: Floats) -> Floats:
    """Return the colour of a print: black, grey, blue, red or green. It is light on a dark ground."""
    pale = np.array([[0.1, 0.1, 0.1], [0.5, 0.5, 0.5], [0.85, 0.6, 0.45], [0.5, 0.5, 0.9], [0.5, 0.75, 0.5]])
    colour = pale[int(rng.integers(len(pale)))] * rng.uniform(0.5, 1.1, 3)
    return np.asarray(np.clip(colour if ground.mean() > 0.4 else 1 - colour * 0.6, 0, 1), np.float32)


def _covered(layers: _Layers, share: Floats) -> _Layers:
    """Take away what does not lie on the sheet."""
    return _Layers(*(np.asarray(mask * share, np.uint8) for mask in layers.all()))


def _seen(
    rng: np.random.Generator, image: Pixels, layers: _Layers, window: Frame, size: int, label: int, *, single: bool
) -> InkScene:
    """Let a picture become a file, and return it as the network sees it."""
    if rng.random() < 0.07:
        image, layers = _barred(rng, image, layers)
    if size > 64 and rng.random() < 0.25:
        # The reduced picture shows the digit 13 pixels long or longer. A small digit may shrink to 0.7 of its size.
        image = camera.reduced(rng, image, min(13.0 / window.side, 0.7) * max(image.shape[:2]))
    if rng.random() < 0.35:
        image = camera.compressed(rng, image)
    if rng.random() < 0.25:
        image = np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)
    ink, writing, prints = (fitted(_legible(mask, size), size) for mask in (layers.ink, layers.writing, layers.prints))
    maps = np.stack([ink, np.maximum(ink, writing), prints], axis=-1).astype(np.uint8)
    return InkScene(np.asarray(fitted(image, size), np.uint8), maps, label, single, image.shape[1::-1])


def _legible(cover: Mask, size: int) -> Mask:
    """Thicken strokes that are thinner than ``THINNEST`` at the network's size.

    So their cover does not fall below half.
    """
    if not cover.any():
        return cover
    shape = cv2.threshold(cover, 0.4 * float(cover.max()), 1, cv2.THRESH_BINARY)[1]
    scale = size / float(np.sqrt(cover.shape[0] * cover.shape[1]))
    missing = THINNEST - stroke_width(shape) * scale
    if missing <= 0:
        return cover
    # Each side of the stroke gets half of what is missing, in pixels of the picture.
    away = cv2.distanceTransform(1 - shape, cv2.DIST_L2, 3)
    return np.asarray(np.clip((missing / scale / 2 + 1 - away) * 255, 0, 255), np.uint8)


def _barred(rng: np.random.Generator, image: Pixels, layers: _Layers) -> tuple[Pixels, _Layers]:
    """Add bars of one tone on two or four sides. Programs do so to make a picture square."""
    height, width = image.shape[:2]
    share = rng.uniform(0.02, 0.35)
    down, across = ((share, 0), (0, share), (share, share))[int(rng.integers(3))]
    sides = round(down * height), round(down * height), round(across * width), round(across * width)
    tone = [float((0, 255, int(rng.integers(256)))[int(rng.integers(3))])] * 3
    image = np.asarray(cv2.copyMakeBorder(image, *sides, cv2.BORDER_CONSTANT, value=tone), np.uint8)
    wider = [
        np.asarray(cv2.copyMakeBorder(mask, *sides, cv2.BORDER_CONSTANT, value=0), np.uint8) for mask in layers.all()
    ]
    return image, _Layers(*wider)
