"""The ink network: a small U-Net that computes at half resolution and gives four pixels for each place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

SIDE = 128
"""Side in pixels of the images that it is trained on; those of small images are half as long."""
WIDTHS = (16, 32, 48, 72)
"""Channels at a half, a quarter, an eighth and a sixteenth of the image's side."""
MAPS = 3
"""What it tells of each pixel, as logits: the digit's ink, all writing, and what is printed."""


def build(side: int | None = SIDE) -> keras.Model:
    """Build the network untrained, for images of one size or, without a ``side``, of any.

    It takes (N, side, side, 3) BGR, 0 to 255, and gives (N, side / 2, side / 2, 4 · MAPS) logits: the maps of the
    upper left, upper right, lower left and lower right pixel of each place.

    Source: O. Ronneberger, P. Fischer and T. Brox, U-Net, MICCAI 2015; the last layer's pixels by W. Shi et al.,
    Real-time single image super-resolution, CVPR 2016.
    """
    import keras
    from keras import layers

    image = keras.Input((side, side, 3))
    x = layers.Rescaling(1 / 64, -2.0)(image)
    half, quarter, eighth, sixteenth = WIDTHS
    a = _block(x, half, kernel=5, stride=2)
    b = _block(_block(a, quarter, stride=2), quarter)
    c = _block(_block(b, eighth, stride=2), eighth)
    x = _block(_block(_block(c, sixteenth, stride=2), sixteenth), sixteenth, dilation=2)
    whole = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Add()([x, layers.Conv2D(sixteenth, 1, activation="relu")(whole)])
    for skipped in (c, b, a):
        width = skipped.shape[-1]
        x = layers.UpSampling2D(2)(layers.Conv2D(width, 1, use_bias=False)(x))
        x = _block(layers.Add()([x, skipped]), width)
    return keras.Model(image, layers.Conv2D(4 * MAPS, 3, padding="same")(x), name="ink")


def _block(x: Any, width: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1) -> Any:
    """Convolve, normalise, cut at zero."""
    from keras import layers

    convolution = layers.Conv2D(width, kernel, strides=stride, padding="same", dilation_rate=dilation, use_bias=False)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.98)(convolution(x)))
