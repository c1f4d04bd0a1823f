"""Classifier: 8-bit images in, class probabilities out, for a model of any input and output.

Models differ in what they read and write: image size, channels, convention, probabilities or logits. The classifier
finds these out when the model is opened. It then converts every batch the same way.
"""

from __future__ import annotations

import numpy as np

from batch_eval.models.card_file import StatedCard
from batch_eval.models.class_names import chosen_columns, class_names
from batch_eval.models.finding import find_convention
from batch_eval.models.inference import Inference
from batch_eval.models.input_range import Floats, Images
from batch_eval.models.options import ModelOptions
from batch_eval.models.outputs import OUTPUT_NOTES, PROBABILITIES, output_kind, to_probabilities
from batch_eval.models.runtime import Runtime

_USUAL = ModelOptions()


class Classifier:
    """A model that takes 8-bit images and returns probabilities.

    Attributes:
        name: The model's file name.
        sha256: Hash of the model file.
        class_names: C names, in the order of the probabilities.
        size: (height, width) of the model's input in pixels.
        channels: 1 or 3.
        runtime: ``onnxruntime``, ``tensorflow`` or ``tflite``.
        parameters: Number of weights; None if unknown.
        one_process: Whether other processes should not run it, as each would take long to start.
        notes: Lines for the user.
        convention: How images are given to the model.
        found: How its convention was found.
        output_kind: ``probabilities``, ``logits`` or ``one-vs-rest`` (one sigmoid per class).

    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        name: str,
        sha256: str,
        options: ModelOptions = _USUAL,
        card: StatedCard | None = None,
    ) -> None:
        """Find out how the model reads and writes. A ``card`` states classes and convention."""
        self.inference = Inference(runtime, name)
        self.name, self.sha256, self.runtime, self.one_process = name, sha256, runtime.name, runtime.one_process
        self.parameters = runtime.parameters
        self.size, self.channels = self.inference.layout.size, self.inference.layout.channels
        outputs = self.inference.probed
        self.output_kind = output_kind(runtime.activation, outputs, name)
        stated = card.class_names if card else None
        names = class_names(options.class_names or stated, max(outputs.shape[1], 2), name)
        finding = find_convention(self.inference, self.output_kind, names, options, known=card is not None)
        self.convention, self.found, every = finding.convention, finding.found, finding.class_names
        self._columns = chosen_columns(every, options.only, name) if options.only else None
        self.class_names = every if self._columns is None else tuple(every[i] for i in self._columns)
        kind = (
            () if self.output_kind == PROBABILITIES else (f"The model's outputs are {OUTPUT_NOTES[self.output_kind]}.",)
        )
        self.notes = (*runtime.notes, *finding.notes, *kind)

    def predict(self, images: Images) -> Floats:
        """Return the class probabilities of images. Threads may share a classifier.

        Args:
            images: (N, h, w) uint8 grey images, or (N, h, w, 3) in OpenCV's order BGR, of any size.

        Returns:
            (N, C) float32 probabilities. A row does not depend on the other images.

        Raises:
            ModelError: The model fails, or returns NaN or infinite values.

        """
        if not len(images):
            return np.zeros((0, len(self.class_names)), np.float32)
        return self.probabilities(self.inference.outputs(images, self.convention))

    def probabilities(self, outputs: Floats) -> Floats:
        """Return the (N, C) probabilities of (N, outputs) outputs. ``--only`` chooses the classes."""
        found = to_probabilities(outputs, self.output_kind)
        if self._columns is None:
            return found
        chosen = found[:, self._columns]
        totals = chosen.sum(axis=1, keepdims=True)
        equal = np.full_like(chosen, 1 / len(self._columns))  # where all of them underflow
        return np.asarray(np.divide(chosen, totals, out=equal, where=totals > 0))

    def prepare(self, images: Images) -> Floats:
        """Return the model's input, (N, *input_shape) float32, for images as for ``predict``."""
        return self.inference.prepare(images, self.convention)
