"""Run ONNX models with ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ModelError

Batch = NDArray[np.float32]


class OnnxSession:
    """An ONNX model, ready to run; ``run`` may be called from several threads."""

    def __init__(self, onnx: bytes, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4  # what matters is raised, and is then said in our words
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"ONNX Runtime cannot open the model: {error}") from error
        self.inputs: list[Any] = self._session.get_inputs()
        self.outputs: list[Any] = self._session.get_outputs()

    def run(self, batch: Batch) -> Batch:
        """Return the model's only output for a batch of its only input."""
        outputs: list[Batch] = self._session.run(None, {self.inputs[0].name: batch})
        return outputs[0]
