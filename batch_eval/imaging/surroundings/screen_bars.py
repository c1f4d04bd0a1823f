"""Does a screenshot have bars, with a clock or buttons in them? They are cut off.

Measured by the row "photo, screenshot with a clock" of docs/preprocessing.md.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.steps import Image, grey

# Chosen by experiment on that row.
TONE = 4
"""Maximum deviation of a bar's pixel from its tone, in grey levels. JPEG adds noise."""
MIN_EMPTY = 0.98
"""Minimum fraction of the outermost row that has the bar's tone. No clock reaches the edge of the screen."""
MIN_BAR = 0.3
"""Minimum fraction of each row of a bar that has its tone. A clock and buttons cover the rest."""
MAX_ELSEWHERE = 0.15
"""Maximum fraction of what lies beyond the bar, and of the row beside it, that has its tone."""
MAX_HEIGHT = 0.25
"""Maximum height of a bar. Unit: the image's height."""


def cut_screen_bars(image: Image) -> Image:
    """Return an (H, W) or (H, W, 3) BGR uint8 image without the bars at its top and bottom, a view.

    A bar has one tone from side to side, beside what is written in it, and ends at a row where nearly everything has
    another. So a bar of the paper's own tone stays.
    """
    level = grey(image)
    # One row blends bar and photo in a scaled screenshot: it goes with the bar.
    top, bottom = (_bar_height(one) for one in (level, level[::-1]))
    return image[top : len(image) - bottom]


def _bar_height(level: Image) -> int:
    """Return the rows to cut off above in a grey image, 0 without a bar."""
    tone = int(np.median(level[0]))
    if np.mean(_near(level[:1], tone)) < MIN_EMPTY:
        return 0
    most = round(MAX_HEIGHT * len(level))
    ends = np.flatnonzero(_near(level[: most + 1], tone) < MIN_BAR)
    if not len(ends):
        return 0
    height = int(ends[0]) + 1
    beyond = _near(level[height:], tone)
    return height if len(beyond) and max(beyond[0], beyond.mean()) <= MAX_ELSEWHERE else 0


def _near(level: Image, tone: int) -> NDArray[np.float64]:
    """Return the fraction of each row that has a tone, (H,)."""
    near = cv2.inRange(level, max(0, tone - TONE), min(255, tone + TONE))
    return np.asarray(cv2.reduce(near, 1, cv2.REDUCE_AVG, dtype=cv2.CV_64F)[:, 0] / 255)
