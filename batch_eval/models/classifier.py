"""Classifier: takes 8-bit images and gives class probabilities, whatever the model itself takes and gives."""

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
PROBABILITIES, LOGITS, ONE_VS_REST = "probabilities", "logits", "one-vs-rest"
_BATCH_PIXELS = 1 << 18  # enough work to keep the cores busy, small enough for the cache


@dataclass(frozen=True)
class InputLayout:
    """How the model wants one image: its size, channels, and the shape that they are laid out in."""

    shape: tuple[int, ...]
    size: tuple[int, int]
    channels: int
    channels_first: bool = False

    @classmethod
    def from_shape(cls, shape: tuple[int, ...], name: str) -> InputLayout:
        """Understand an input shape (without the batch) such as (28, 28, 1), (28, 28), (784,) or (3, 32, 32)."""
        solid = tuple(size for size in shape if size != 1)
        if len(shape) == 3 and shape[2] in (1, 3):
            return cls(shape, shape[:2], shape[2])
        if len(shape) == 3 and shape[0] in (1, 3):
            return cls(shape, shape[1:], shape[0], channels_first=True)
        if len(shape) == 2 and 1 not in shape:
            return cls(shape, shape, 1)
        if len(solid) == 1:
            for channels in (1, 3):
                side = isqrt(solid[0] // channels)
                if side * side * channels == solid[0]:
                    return cls(shape, (side, side), channels)
        raise ModelError(
            f"{name} takes an input of shape {shape}, which is no image. "
            "Expected (height, width, 1 or 3), (height, width), or a flat square image such as (784,)."
        )


class Classifier:
    """A model with everything around it that makes 8-bit images into probabilities.

    Attributes:
        name: The model's file name.
        sha256: Hash of the model file.
        class_names: C names, in the order of the model's outputs.
        size: Height and width that the model wants.
        channels: 1 or 3.
        runtime: What computes: ``onnxruntime``, ``tensorflow`` or ``tflite``.
        notes: Lines that the user should see.
        pixel_range: The range of values that the model gets: ``0..1``, ``0..255`` or ``-1..1``.
        output_kind: What the model's own outputs are: ``probabilities``, ``logits`` or ``one-vs-rest``.

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
        self._batch = runtime.batch or int(np.clip(_BATCH_PIXELS // prod(self.size), 4, 32))
        outputs = self._probe(fixed=runtime.batch is not None)
        self.output_kind = _output_kind(runtime.activation, outputs, name)
        self.class_names = _class_names(class_names, max(outputs.shape[1], 2), name)
        if self.output_kind != PROBABILITIES:
            notes.append(f"The model's outputs are {_OUTPUT_NOTES[self.output_kind]}.")
        self.notes = (*runtime.notes, *notes)

    def predict(self, images: Images) -> Floats:
        """Return the (N, C) float32 probabilities of (N, h, w) uint8 images, or (N, h, w, 3) in OpenCV's order BGR.

        A row does not depend on the others: where their number could change it, the last batch is filled up.
        Safe to call from several threads.
        """
        rows = [self._predict_batch(images[i : i + self._batch]) for i in range(0, len(images), self._batch)]
        return np.concatenate(rows) if rows else np.zeros((0, len(self.class_names)), np.float32)

    def _predict_batch(self, images: Images) -> Floats:
        return to_probabilities(self._outputs(self.prepare(images)), self.output_kind)

    def prepare(self, images: Images) -> Floats:
        """Return what the model is given for (N, h, w) or (N, h, w, 3) uint8 images: (N, *shape) float32."""
        images = _convert_channels(_resize(images, self.size), self.channels)
        if self._layout.channels_first:
            images = np.moveaxis(images, -1, 1)
        return scale(images, self.pixel_range).reshape(-1, *self._layout.shape)

    def _outputs(self, batch: Floats) -> Floats:
        """Run a batch that may be smaller than the model's."""
        count = len(batch)
        if count < self._batch:
            batch = np.concatenate([batch, np.zeros((self._batch - count, *batch.shape[1:]), np.float32)])
        outputs = np.asarray(self._run(batch), dtype=np.float32)
        per_image = outputs.shape[1:]
        if len(outputs) != len(batch) or prod(per_image) != max(per_image, default=0):
            raise ModelError(
                f"{self.name} gives an output of shape {per_image} for an image. Expected one number for each class."
            )
        if not np.isfinite(outputs).all():
            raise ModelError(
                f"{self.name} gives outputs that are no numbers (NaN or infinite); its weights may be damaged."
            )
        return outputs[:count].reshape(count, -1)

    def _probe(self, *, fixed: bool) -> Floats:
        """Run the model once, on black, white, and patterns: whatever is wrong with it shows before the first image."""
        pixels = np.arange(8 * prod(self.size), dtype=np.uint32)
        images = (pixels * pixels // 97 % 256).astype(np.uint8).reshape(8, *self.size)
        images[0], images[1] = 0, 255
        prepared = self.prepare(images)
        try:
            return self._in_batches(prepared)
        except Exception as error:  # each runtime has its own
            if fixed or self._batch == 1:
                raise self._failure(error) from error
        self._batch = 1  # a size that is written into a reshape inside the graph, though its input is said to be open
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
    LOGITS: "logits: a softmax makes them probabilities",
    ONE_VS_REST: "one sigmoid a class: they are divided by their sum",
}


def scale(images: Images, pixel_range: str) -> Floats:
    """Return float32 values in the range that the model wants, as ``x.astype("float32") / 255`` does."""
    if pixel_range == "0..255":
        return images.astype(np.float32)
    if pixel_range == "-1..1":
        return np.divide(images, np.float32(127.5), dtype=np.float32) - np.float32(1)
    return np.divide(images, np.float32(255), dtype=np.float32)


def to_probabilities(outputs: Floats, kind: str) -> Floats:
    """Turn (N, C) outputs into probabilities; a single sigmoid output is the probability of the second class."""
    if outputs.shape[1] == 1:
        return np.concatenate([1 - outputs, outputs], axis=1)
    if kind == LOGITS:
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if kind == ONE_VS_REST:
        totals = outputs.sum(axis=1, keepdims=True)  # 0 where every sigmoid underflows: then all classes are equal
        equal = np.full_like(outputs, 1 / outputs.shape[1])
        return np.asarray(np.divide(outputs, totals, out=equal, where=totals > 0))
    return outputs


def resolve_range(requested: str, inferred: str | None) -> tuple[str, list[str]]:
    """Return the pixel range to use, and the notes about it; ``inferred`` is what the model's own layers say."""
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
    """Decide what the outputs are: by the function that makes them, else by whether they are distributions."""
    in_unit = bool(((outputs >= 0) & (outputs <= 1)).all())
    if outputs.shape[1] == 1:
        if activation == "sigmoid" or (not activation and in_unit):
            return PROBABILITIES
        raise ModelError(f"{name} has one output without a sigmoid, as for a regression. Expected one output a class.")
    if activation == "softmax" or (not activation and in_unit and np.allclose(outputs.sum(axis=1), 1, atol=1e-3)):
        return PROBABILITIES
    return ONE_VS_REST if activation == "sigmoid" or (not activation and in_unit) else LOGITS


def _class_names(names: Sequence[str] | None, count: int, model: str) -> tuple[str, ...]:
    if names is None:
        if count == 10:
            return tuple("0123456789")
        raise ModelError(f"{model} tells {count} classes apart. Name them in the order of its outputs with --classes.")
    if len(names) != count:
        raise ModelError(f"{model} tells {count} classes apart, but {len(names)} names were given: {', '.join(names)}.")
    if len(set(names)) != count:
        raise ModelError(f"Class names must differ, but these were given: {', '.join(names)}.")
    return tuple(names)


def _resize(images: Images, size: tuple[int, int]) -> Images:
    if images.shape[1:3] == size or len(images) == 0:
        return images
    import cv2

    shrinks = images.shape[1] * images.shape[2] > size[0] * size[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized: list[Any] = [cv2.resize(image, size[::-1], interpolation=interpolation) for image in images]
    return np.stack(resized)


def _convert_channels(images: Images, channels: int) -> Images:
    """Return (N, h, w, channels); colour goes from OpenCV's BGR to grey, or to RGB, which models are trained on."""
    if images.ndim == 3:
        return np.repeat(images[..., None], channels, axis=-1) if channels > 1 else images[..., None]
    if channels == 3:
        return images[..., ::-1]
    import cv2

    grey: list[Any] = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in images]
    return np.stack(grey)[..., None]
