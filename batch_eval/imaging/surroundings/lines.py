"""Which lines are printed on the paper, and not strokes? Lined and squared paper, and the frames of form cells.

Measured by the rows "photo without `lines`" of docs/preprocessing.md.
"""

from __future__ import annotations

from batch_eval.imaging.steps import Image
from batch_eval.imaging.surroundings.cell_frame import MIN_SIDE, remove_frame
from batch_eval.imaging.surroundings.erasing import erase_rules
from batch_eval.imaging.surroundings.rules import find_rules

# Chosen by experiment on those rows.
MIN_STRENGTH = 5.0
"""Minimum grey levels by which a rule stands out from the paper."""
RULE_WIDTH = 1 / 16
"""Maximum width of a rule. Unit: the image's height or width."""


def remove_lines(ink: Image, *, strength: float = MIN_STRENGTH) -> Image:
    """Erase the horizontal and vertical rules of an ink map; keep the strokes that cross them.

    Each rule has its own slope, since photos show sheets in perspective. In a tight crop, a straight stroke of the
    digit may run from border to border. It stays. An image below 64 px is the cell of a form. It loses lines along its
    borders only.

    Args:
        ink: (H, W) uint8.
        strength: Minimum grey levels by which a rule stands out from the paper.

    Returns:
        (H, W) uint8.

    """
    if min(ink.shape) < MIN_SIDE:
        return remove_frame(ink, strength)
    return erase_rules(ink, *find_rules(ink, strength, RULE_WIDTH))
