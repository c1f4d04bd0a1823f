"""What the ink network is trained to bring down."""

from __future__ import annotations

from typing import Any

INK_WEIGHT, CROSSED_WEIGHT = 2.0, 2.0
"""How much more a pixel of ink counts than one of paper, and how much more again on print."""
DICE, WRITING, PRINT = 0.5, 0.4, 0.2
"""Weights of the digit's overlap, of the writing and of the print. The digit's cross-entropy has 1."""
SMOOTH = 8.0
"""Pixels added to both sides of the overlap. It is defined without ink, too."""


def ink_loss(patches: Any, maps: Any, single: Any) -> tuple[Any, Any]:
    """Return the loss, and the part of it for the digit's missed ink: 0 none, 1 all.

    ``patches`` (N, S / 2, S / 2, 12) are the network's logits. ``maps`` (N, S, S, 3) are the truth, 0 to 1.
    ``single`` (N,) is 1 for scenes with one digit in question or none. It is 0 for pages of several, on which the
    digit's map does not count.

    Source: cross-entropy and Dice's overlap (F. Milletari, N. Navab and S. Ahmadi, V-Net, 3DV 2016).
    """
    import tensorflow as tf

    # The 12 channels of a place are four pixels of three maps each.
    logits = tf.nn.depth_to_space(patches, 2)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(maps, logits)
    ink, writing, printed = (maps[..., k] for k in range(3))
    # With the weights above, paper counts 1, ink 3, ink on print 5.
    weight = 1 + ink * (INK_WEIGHT + CROSSED_WEIGHT * printed)
    probability = tf.sigmoid(logits[..., 0])
    common, both = tf.reduce_sum(probability * ink, (1, 2)), tf.reduce_sum(probability + ink, (1, 2))
    overlap = 1 - (2 * common + SMOOTH) / (both + SMOOTH)
    digit = tf.reduce_mean(entropy[..., 0] * weight, (1, 2)) + DICE * overlap
    beside = WRITING * tf.reduce_mean(entropy[..., 1] * (1 + INK_WEIGHT * writing)) + PRINT * tf.reduce_mean(
        entropy[..., 2]
    )
    # The small number stands for a batch that holds only pages of several digits.
    count = tf.reduce_sum(single) + 1e-6
    return tf.reduce_sum(digit * single) / count + beside, tf.reduce_sum(overlap * single) / count
