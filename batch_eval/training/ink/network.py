"""The ink network: a small U-Net that gives four pixels for each place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

SIDE = 128
"""Side in pixels of the images that it is trained on. Small images have half of it."""
WIDTHS = (16, 32, 48, 72)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the image's side."""
MAPS = 3
"""Maps of logits that it gives: the digit's ink, all writing, and print."""


def build(side: int | None = SIDE) -> keras.Model:
    """Build the network untrained. Without a ``side``, it takes images of any size.

    It takes (N, side, side, 3) BGR, 0 to 255, and gives (N, side / 2, side / 2, 4 · MAPS) logits. Each place holds
    the maps of four pixels: upper left, upper right, lower left, lower right.

    Source: O. Ronneberger, P. Fischer and T. Brox, U-Net, MICCAI 2015; the last layer's pixels by W. Shi et al.,
    Real-time single image super-resolution, CVPR 2016.
    """
    import keras
    from keras import layers

    image = keras.Input((side, side, 3))
    # 0 to 255 becomes about -2 to 2.
    x = layers.Rescaling(1 / 64, -2.0)(image)
    half, quarter, eighth, sixteenth = WIDTHS
    a = _block(x, half, kernel=5, stride=2)
    b = _block(_block(a, quarter, stride=2), quarter)
    c = _block(_block(b, eighth, stride=2), eighth)
    x = _block(_block(_block(c, sixteenth, stride=2), sixteenth), sixteenth, dilation=2)
    # The mean over the whole image is added at every place, so that each place sees all of it.
    whole = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Add()([x, layers.Conv2D(sixteenth, 1, activation="relu")(whole)])
    # The way up: double the size, and add what the way down had there.
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
