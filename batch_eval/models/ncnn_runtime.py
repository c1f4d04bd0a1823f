"""Run networks with ncnn, which computes 3×3 convolutions by Winograd's method, with 4 times fewer multiplications.

The method: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, https://arxiv.org/abs/1509.09308.
"""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ncnn
import numpy as np

from batch_eval.cores import available_cores
from batch_eval.errors import ModelError
from batch_eval.models.layers import Unsupported
from batch_eval.models.ncnn_layers import Net
from batch_eval.models.ncnn_writer import Nets
from batch_eval.models.network import Network
from batch_eval.models.runtime import Batch, Runtime, filled_up

ROWS = 32
"""Images whose features are computed on together, always as many: sums are then made in the same order."""
_SHORTER_NUMBERS = ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage")
_address = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def run_nets(nets: Nets, network: Network, threads: int) -> Runtime:
    """Return the runtime of a converted Keras model that was written for ncnn.

    Raises:
        Unsupported: ncnn refuses it.

    """
    image, rows = _Loaded(nets.image), _Loaded(nets.rows)
    threads = threads or available_cores()
    pool = ThreadPoolExecutor(threads, "ncnn") if threads > 1 else None

    def features(planes: Batch) -> Batch:
        found = np.empty((len(planes), nets.features), np.float32)
        for plane, row in zip(planes, found, strict=True):
            row[:] = image.compute(plane)
        return found

    def run(batch: Batch) -> Batch:
        planes = np.moveaxis(batch, -1, 1) if nets.channels_last else batch
        planes = np.ascontiguousarray(planes).reshape(-1, *nets.planes)
        found = np.concatenate(list(pool.map(features, np.array_split(planes, threads)))) if pool else features(planes)
        found = filled_up(found, ROWS)
        outputs = [rows.compute(found[start : start + ROWS]) for start in range(0, len(found), ROWS)]
        return np.concatenate(outputs)[: len(batch)]

    return Runtime("ncnn", run, network.input_shape, network.activation, network.pixel_range, any_batch=True)


class _Loaded:
    """A net with its weights; computes on one core, and may be called from several threads."""

    def __init__(self, net: Net) -> None:
        self._net, self._output = ncnn.Net(), net.output
        options = self._net.opt
        options.num_threads = 1
        options.use_winograd63_convolution = False  # tiles of 6×6 are less exact, and no faster than those of 4×4
        for kind in _SHORTER_NUMBERS:
            setattr(options, f"use_{kind}", False)
        if self._net.load_param_mem(net.text) or self._net.load_model(_Content(net.content)):
            raise Unsupported("a network that ncnn refuses")

    def compute(self, values: Batch) -> Batch:
        """Return what the net makes of its input."""
        extractor = self._net.create_extractor()
        extractor.input("0", ncnn.Mat(values).clone())  # a layer that works in place crashes on memory not ncnn's own
        failed, output = extractor.extract(self._output)
        if failed:
            raise ModelError("ncnn cannot compute the model; there may be too little memory.")
        return np.asarray(output)


class _Content(ncnn.DataReader):  # type: ignore[misc]  # ncnn has no types
    """Hands out the weights: ncnn would refer to a place in memory that it is given, however long that lives."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._left = memoryview(content)

    def read(self, buffer: Any, size: int) -> int:
        """Copy the next bytes to where a capsule points."""
        part, self._left = self._left[:size], self._left[size:]
        ctypes.memmove(_address(buffer, None), part.tobytes(), len(part))
        return len(part)
