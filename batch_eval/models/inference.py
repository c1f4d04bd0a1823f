"""Run a model on 8-bit images under any convention, in batches of one size."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import inf, prod
from pathlib import Path

import numpy as np

from batch_eval.cores import available_cores
from batch_eval.errors import ConfigError, ModelError, ModelProcessError
from batch_eval.models.convention import Convention
from batch_eval.models.failures import model_errors
from batch_eval.models.input_range import RANGES, Floats, Images
from batch_eval.models.layout import InputLayout, resized, with_channels
from batch_eval.models.runtime import Runtime

_BATCH_PIXELS = 1 << 18
"""Pixels in a batch: enough work for all cores, and few enough for the cache."""
_MIN_BATCH = 4
"""Images in a batch for very large inputs."""
_MAX_BATCH = 32
"""Images in a batch for small inputs, such as 28 × 28 px. A larger batch is not faster."""


_EXTRA = 2.0
"""How many times the limit for a batch the self-test may take, and the trials of other conventions."""


class Inference:
    """A runtime with the layout of its input. Threads may share it.

    Attributes:
        name: The model's file name.
        layout: How the model reads one image.
        activation: Name of the last activation function; empty if unknown.
        pixel_range: Range that the file states; None if it does not.
        probed: (8, C) float32 outputs for eight test images.

    """

    def __init__(self, runtime: Runtime, name: str) -> None:
        self._run, self.name = runtime.run, name
        self.layout = InputLayout.from_shape(runtime.input_shape, name)
        self.activation, self.pixel_range = runtime.activation, runtime.pixel_range
        self._batch = runtime.batch or int(np.clip(_BATCH_PIXELS // prod(self.layout.size), _MIN_BATCH, _MAX_BATCH))
        self._clock, self._seconds, self._end = runtime.clock, runtime.seconds, inf
        self.probed = self._probe(fixed=runtime.batch is not None)

    def prepare(self, images: Images, convention: Convention) -> Floats:
        """Return the model's input for images.

        Args:
            images: (N, h, w) uint8 grey images, or (N, h, w, 3) in OpenCV's order BGR, of any size.
            convention: How the model was trained.

        Returns:
            (N, *input_shape) float32.

        Raises:
            ConfigError: The convention is made for another number of channels.

        """
        channels = convention.input_range.channels
        if channels not in (None, self.layout.channels):
            raise ConfigError(
                f"--input-range {convention.input_range} is for {channels} channels, but {self.name} takes "
                f"{self.layout.channels}. Give one mean and one deviation."
            )
        size = self.layout.size[::-1] if convention.transposed else self.layout.size
        values = convention.apply(with_channels(resized(images, size), self.layout.channels))
        if self.layout.channels_first:
            values = np.moveaxis(values, -1, 1)
        return values.reshape(-1, *self.layout.shape)

    def outputs(self, images: Images, convention: Convention) -> Floats:
        """Return the (N, C) float32 outputs for images, as the model gives them.

        Raises:
            ModelError: The model fails, or returns NaN or infinite values.

        """
        with model_errors(Path(self.name)):
            return self._all_outputs(images, convention)

    def run(self, prepared: Floats) -> Floats:
        """Return the (N, C) float32 outputs for the model's own input, (N, *input_shape); on all cores."""
        batches = [prepared[i : i + self._batch] for i in range(0, len(prepared), self._batch)]
        # the pool ends here: a process with threads could not be forked
        with model_errors(Path(self.name)), ThreadPoolExecutor(min(len(batches), available_cores())) as pool:
            return np.concatenate(list(pool.map(self._outputs, batches)))

    @contextmanager
    def limited(self, what: str) -> Iterator[None]:
        """Limit the time of an isolated model for the readings inside, which do not read the user's images.

        Args:
            what: Name of the readings, for the message.

        Raises:
            ModelProcessError: They take longer. Without this, a model that is nearly too slow would take minutes.

        """
        if self._clock is None:
            yield
            return
        self._end = self._clock() + _EXTRA * self._seconds
        try:
            yield
        except _LateError:
            raise ModelProcessError(
                f"{self.name} did not end {what} within {_EXTRA * self._seconds:g} s. Give --input-range, --ink, "
                "--upright and --classes, so that nothing is left to test, or more seconds with --model-timeout."
            ) from None
        finally:
            self._end = inf

    def _all_outputs(self, images: Images, convention: Convention) -> Floats:
        starts = range(0, len(images), self._batch)
        return np.concatenate([self._outputs(self.prepare(images[i : i + self._batch], convention)) for i in starts])

    def _outputs(self, batch: Floats) -> Floats:
        """Return the (B, C) outputs of a batch of at most the model's size."""
        # A smaller batch is padded with zeros, and the extra outputs are cut off. A runtime may choose its kernels by
        # the batch size and then add in another order: TensorFlow gives an image alone other last bits than among
        # 31 others. With padding, no result depends on the images beside it.
        if self._clock is not None and self._clock() > self._end:
            raise _LateError
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
        pixels = np.arange(8 * prod(self.layout.size), dtype=np.uint32)
        images = (pixels * pixels // 97 % 256).astype(np.uint8).reshape(8, *self.layout.size)
        images[0], images[1] = 0, 255
        convention = Convention(RANGES[self.pixel_range or "0..1"])
        try:
            return self._all_outputs(images, convention)
        except ModelProcessError:  # a smaller batch would crash or hang as well
            raise
        except Exception as error:  # every runtime has its own exceptions
            if fixed or self._batch == 1:
                raise self._failure(error) from error
        # Some exporters declare any batch size, but a Reshape inside the graph holds the size 1.
        self._batch = 1
        try:
            return self._all_outputs(images, convention)
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> ModelError:
        if isinstance(error, ModelError):
            return error
        return ModelError(f"{self.name} fails on an image of shape {self.layout.shape}: {error}")


class _LateError(ModelProcessError):
    """The time of `Inference.limited` is over."""
