"""What the ink network is trained to bring down."""

from __future__ import annotations

from typing import Any

INK_WEIGHT, CROSSED_WEIGHT = 2.0, 2.0
"""How much more a pixel of ink counts than one of paper, and one of ink on print beside that."""
DICE, WRITING, PRINT = 0.5, 0.4, 0.2
"""Weights of the digit's overlap, of the map of writing and of that of print, beside the digit's cross-entropy."""
SMOOTH = 8.0
"""Pixels added to both sides of the overlap, so that it is defined without ink."""


def ink_loss(patches: Any, maps: Any, single: Any) -> tuple[Any, Any]:
    """Return the loss, and its part that tells how badly the digit's ink is covered: 0 is perfect, 1 is not at all.

    ``patches`` (N, S / 2, S / 2, 12) are the network's logits, ``maps`` (N, S, S, 3) the truth, 0 to 1, and
    ``single`` (N,) 1 for scenes with one digit in question or none, 0 for pages of several, on which the digit's map
    does not count. Cross-entropy and Dice's overlap (F. Milletari, N. Navab and S. Ahmadi, V-Net, 3DV 2016).
    """
    import tensorflow as tf

    logits = tf.nn.depth_to_space(patches, 2)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(maps, logits)
    ink, writing, printed = (maps[..., k] for k in range(3))
    weight = 1 + ink * (INK_WEIGHT + CROSSED_WEIGHT * printed)
    probability = tf.sigmoid(logits[..., 0])
    common, both = tf.reduce_sum(probability * ink, (1, 2)), tf.reduce_sum(probability + ink, (1, 2))
    overlap = 1 - (2 * common + SMOOTH) / (both + SMOOTH)
    digit = tf.reduce_mean(entropy[..., 0] * weight, (1, 2)) + DICE * overlap
    beside = WRITING * tf.reduce_mean(entropy[..., 1] * (1 + INK_WEIGHT * writing)) + PRINT * tf.reduce_mean(
        entropy[..., 2]
    )
    count = tf.reduce_sum(single) + 1e-6
    return tf.reduce_sum(digit * single) / count + beside, tf.reduce_sum(overlap * single) / count
