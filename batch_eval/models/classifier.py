"""Classifier: 8-bit images in, class probabilities out, for a model of any input and output.

Models differ in what they read and write: image size, channels, pixel range, probabilities or logits. The classifier
finds these out when the model is opened. It then converts every batch the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ConfigError, ModelError
from batch_eval.models.runtime import Runtime

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]

INPUT_RANGES = ("auto", "0..1", "0..255", "-1..1")
"""Choices for the range of pixel values. ``auto`` infers it from the model's first layers."""
PROBABILITIES, LOGITS, ONE_VS_REST = "probabilities", "logits", "one-vs-rest"
_BATCH_PIXELS = 1 << 18
"""Pixels in a batch: enough work for all cores, and few enough for the cache."""
_MIN_BATCH = 4
"""Images in a batch for very large inputs."""
_MAX_BATCH = 32
"""Images in a batch for small inputs, such as 28 × 28 px. A larger batch is not faster."""


@dataclass(frozen=True)
class InputLayout:
    """How the model reads one image."""

    shape: tuple[int, ...]
    """Input shape without the batch."""
    size: tuple[int, int]
    """Height and width in pixels."""
    channels: int
    """1 (grey) or 3 (RGB)."""
    channels_first: bool = False
    """Whether the shape is (channels, height, width)."""

    @classmethod
    def from_shape(cls, shape: tuple[int, ...], name: str) -> InputLayout:
        """Return the layout of an input shape, such as (28, 28, 1), (784,) or (3, 32, 32).

        Raises:
            ModelError: The shape is not that of an image.

        """
        solid = tuple(size for size in shape if size != 1)
        # channels last is tested first, as Keras prefers it: (3, 32, 3) is 3 × 32 pixels in colour
        if len(shape) == 3 and shape[2] in (1, 3):
            return cls(shape, shape[:2], shape[2])
        if len(shape) == 3 and shape[0] in (1, 3):
            return cls(shape, shape[1:], shape[0], channels_first=True)
        if len(shape) == 2 and 1 not in shape:
            return cls(shape, shape, 1)
        # flat images must be square: (784,) is 28 × 28, (3072,) is 32 × 32 in colour
        if len(solid) == 1:
            for channels in (1, 3):
                side = isqrt(solid[0] // channels)
                if side * side * channels == solid[0]:
                    return cls(shape, (side, side), channels)
        raise ModelError(
            f"{name} takes an input of shape {shape}, which is not an image. "
            "Expected (height, width, 1 or 3), (height, width), or a flat square image such as (784,)."
        )


class Classifier:
    """A model that takes 8-bit images and returns probabilities.

    Attributes:
        name: The model's file name.
        sha256: Hash of the model file.
        class_names: C names, in the order of the model's outputs.
        size: (height, width) of the model's input in pixels.
        channels: 1 or 3.
        runtime: ``onnxruntime``, ``tensorflow`` or ``tflite``.
        notes: Lines for the user.
        pixel_range: Range of the values that the model gets: ``0..1``, ``0..255`` or ``-1..1``.
        output_kind: ``probabilities``, ``logits`` or ``one-vs-rest`` (one sigmoid per class).

    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        name: str,
        sha256: str,
        input_range: str = "auto",
        class_names: Sequence[str] | None = None,
    ) -> None:
        self._run, self._layout = runtime.run, InputLayout.from_shape(runtime.input_shape, name)
        self.name, self.sha256, self.runtime = name, sha256, runtime.name
        self.size, self.channels = self._layout.size, self._layout.channels
        self.pixel_range, notes = resolve_range(input_range, runtime.pixel_range)
        self._batch = runtime.batch or int(np.clip(_BATCH_PIXELS // prod(self.size), _MIN_BATCH, _MAX_BATCH))
        outputs = self._probe(fixed=runtime.batch is not None)
        self.output_kind = _output_kind(runtime.activation, outputs, name)
        self.class_names = _class_names(class_names, max(outputs.shape[1], 2), name)
        if self.output_kind != PROBABILITIES:
            notes.append(f"The model's outputs are {_OUTPUT_NOTES[self.output_kind]}.")
        self.notes = (*runtime.notes, *notes)

    def predict(self, images: Images) -> Floats:
        """Return the class probabilities of images. Threads may share a classifier.

        Args:
            images: (N, h, w) uint8 grey images, or (N, h, w, 3) in OpenCV's order BGR, of any size.

        Returns:
            (N, C) float32 probabilities. A row does not depend on the other images.

        Raises:
            ModelError: The model fails, or returns NaN or infinite values.

        """
        rows = [self._predict_batch(images[i : i + self._batch]) for i in range(0, len(images), self._batch)]
        return np.concatenate(rows) if rows else np.zeros((0, len(self.class_names)), np.float32)

    def _predict_batch(self, images: Images) -> Floats:
        return to_probabilities(self._outputs(self.prepare(images)), self.output_kind)

    def prepare(self, images: Images) -> Floats:
        """Return the model's input for images.

        Args:
            images: (N, h, w) or (N, h, w, 3) uint8, as for ``predict``.

        Returns:
            (N, *input_shape) float32 in ``pixel_range``.

        """
        images = _convert_channels(_resize(images, self.size), self.channels)
        if self._layout.channels_first:
            images = np.moveaxis(images, -1, 1)
        return scale(images, self.pixel_range).reshape(-1, *self._layout.shape)

    def _outputs(self, batch: Floats) -> Floats:
        """Return the (B, C) outputs of a batch of at most the model's size."""
        # A smaller batch is padded with zeros, and the extra outputs are cut off. A runtime may choose its kernels by
        # the batch size and then add in another order: TensorFlow gives an image alone other last bits than among
        # 31 others. With padding, no result depends on the images beside it.
        count = len(batch)
        if count < self._batch:
            batch = np.concatenate([batch, np.zeros((self._batch - count, *batch.shape[1:]), np.float32)])
        outputs = np.asarray(self._run(batch), dtype=np.float32)
        per_image = outputs.shape[1:]
        # axes of size 1 are fine, as in (B, 1, 1, C); two larger axes are a map, not classes
        if len(outputs) != len(batch) or prod(per_image) != max(per_image, default=0):
            raise ModelError(
                f"{self.name} returns an output of shape {per_image} per image. Expected one number per class."
            )
        if not np.isfinite(outputs).all():
            raise ModelError(
                f"{self.name} returns NaN or infinite values. Its weights may be damaged: copy or save the model again."
            )
        return outputs[:count].reshape(count, -1)

    def _probe(self, *, fixed: bool) -> Floats:
        """Run the model once on eight test images and return its outputs.

        A model that cannot run fails here, before any image is read. The outputs also show the number of classes,
        and whether they are probabilities.
        """
        # One black image, one white, and six of pseudo-random pixels. The pixels come from a formula rather than a
        # generator, so that they are the same in every run and with every version of NumPy.
        pixels = np.arange(8 * prod(self.size), dtype=np.uint32)
        images = (pixels * pixels // 97 % 256).astype(np.uint8).reshape(8, *self.size)
        images[0], images[1] = 0, 255
        prepared = self.prepare(images)
        try:
            return self._in_batches(prepared)
        except Exception as error:  # every runtime has its own exceptions
            if fixed or self._batch == 1:
                raise self._failure(error) from error
        # Some exporters declare any batch size, but a Reshape inside the graph holds the size 1.
        self._batch = 1
        try:
            return self._in_batches(prepared)
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> ModelError:
        if isinstance(error, ModelError):
            return error
        return ModelError(f"{self.name} fails on an image of shape {self._layout.shape}: {error}")

    def _in_batches(self, inputs: Floats) -> Floats:
        starts = range(0, len(inputs), self._batch)
        return np.concatenate([self._outputs(inputs[i : i + self._batch]) for i in starts])


_OUTPUT_NOTES = {
    LOGITS: "logits: a softmax turns them into probabilities",
    ONE_VS_REST: "one sigmoid per class: they are divided by their sum",
}


def scale(images: Images, pixel_range: str) -> Floats:
    """Return uint8 pixels as float32 in the given range: ``0..1``, ``0..255`` or ``-1..1``."""
    # float32 arithmetic throughout: the same bits as x.astype("float32") / 255 in a training script
    if pixel_range == "0..255":
        return images.astype(np.float32)
    if pixel_range == "-1..1":
        return np.divide(images, np.float32(127.5), dtype=np.float32) - np.float32(1)
    return np.divide(images, np.float32(255), dtype=np.float32)


def to_probabilities(outputs: Floats, kind: str) -> Floats:
    """Return (N, C) probabilities for (N, C) outputs of a kind.

    A single sigmoid output, (N, 1), is the probability of the second class.
    """
    if outputs.shape[1] == 1:
        return np.concatenate([1 - outputs, outputs], axis=1)
    if kind == LOGITS:
        # softmax; the maximum is subtracted because exp overflows float32 above 88
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if kind == ONE_VS_REST:
        totals = outputs.sum(axis=1, keepdims=True)  # 0 if every sigmoid underflows: then all classes are equal
        equal = np.full_like(outputs, 1 / outputs.shape[1])
        return np.asarray(np.divide(outputs, totals, out=equal, where=totals > 0))
    return outputs


def resolve_range(requested: str, inferred: str | None) -> tuple[str, list[str]]:
    """Return the pixel range to use, and notes for the user.

    Args:
        requested: One of ``INPUT_RANGES``.
        inferred: The range that the model's first layers suggest; None if they do not.

    Raises:
        ConfigError: The requested range is invalid.

    """
    if requested not in INPUT_RANGES:
        raise ConfigError(f"The input range {requested!r} is invalid. Must be one of {', '.join(INPUT_RANGES)}.")
    if requested == "auto":
        return inferred or "0..1", []
    if inferred is not None and requested != inferred:
        return requested, [
            f"The model's first layers expect pixel values {inferred}, but --input-range {requested} was given."
        ]
    return requested, []


def _output_kind(activation: str, outputs: Floats, name: str) -> str:
    """Return the kind of the outputs, from the last activation or, if that is unknown, from the probe's values.

    Raises:
        ModelError: The model has one output without a sigmoid.

    """
    # Values in 0..1 with the sum 1 are a softmax; in 0..1 with other sums, sigmoids; all others are logits. The probe's
    # eight images make it unlikely that logits or sigmoids look like a softmax by chance.
    in_unit = bool(((outputs >= 0) & (outputs <= 1)).all())
    if outputs.shape[1] == 1:
        if activation == "sigmoid" or (not activation and in_unit):
            return PROBABILITIES
        raise ModelError(f"{name} has one output without a sigmoid, like a regression. Expected one output per class.")
    if activation == "softmax" or (not activation and in_unit and np.allclose(outputs.sum(axis=1), 1, atol=1e-3)):
        return PROBABILITIES
    return ONE_VS_REST if activation == "sigmoid" or (not activation and in_unit) else LOGITS


def _class_names(names: Sequence[str] | None, count: int, model: str) -> tuple[str, ...]:
    if names is None:
        if count == 10:
            return tuple("0123456789")
        raise ModelError(f"{model} has {count} classes. Name them in the order of its outputs with --classes.")
    if len(names) != count:
        raise ModelError(f"{model} has {count} classes, but {len(names)} names were given: {', '.join(names)}.")
    if len(set(names)) != count:
        raise ModelError(f"Class names must be unique, but these were given: {', '.join(names)}.")
    return tuple(names)


def _resize(images: Images, size: tuple[int, int]) -> Images:
    if images.shape[1:3] == size or len(images) == 0:
        return images
    import cv2

    # INTER_AREA averages, so that strokes survive shrinking; enlarging needs INTER_LINEAR to be smooth
    shrinks = images.shape[1] * images.shape[2] > size[0] * size[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized: list[Any] = [cv2.resize(image, size[::-1], interpolation=interpolation) for image in images]
    return np.stack(resized)


def _convert_channels(images: Images, channels: int) -> Images:
    """Return (N, h, w, channels) uint8: grey, or RGB, the order that models are trained on."""
    if images.ndim == 3:
        return np.repeat(images[..., None], channels, axis=-1) if channels > 1 else images[..., None]
    if channels == 3:
        return images[..., ::-1]
    import cv2

    grey: list[Any] = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in images]
    return np.stack(grey)[..., None]
