"""Layers that merge several inputs: https://keras.io/api/layers/merging_layers/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from batch_eval.models.graph import CHANNELS_LAST, Graph, Tensor
from batch_eval.models.layers.call import LayerCall, Unsupported, axis_index, converts

# an average is a sum that is divided at the end
_OPERATIONS = {"Add": "Add", "Average": "Add", "Multiply": "Mul", "Subtract": "Sub", "Maximum": "Max", "Minimum": "Min"}


@converts(*_OPERATIONS)
def _merge(call: LayerCall) -> Tensor:
    graph, inputs = call.graph, _in_one_order(call.graph, call.inputs)
    if call.class_name == "Subtract" and len(inputs) != 2:
        raise Unsupported(f"{len(inputs)} inputs")
    total = reduce(lambda a, b: _pair(graph, _OPERATIONS[call.class_name], a, b), inputs)
    if call.class_name == "Average":
        total = graph.elementwise("Div", total, graph.constant(len(inputs)))
    return replace(total, activation="", raw=False)


@converts("Concatenate")
def _concatenate(call: LayerCall) -> Tensor:
    axis = axis_index(call.config.value("axis", -1), len(call.inputs[0].shape))
    inputs = _in_one_order(call.graph, call.inputs)
    if any(x.flattened_from for x in inputs):
        inputs = [call.graph.as_keras_layout(x) for x in inputs]
    rests = {x.shape[:axis] + x.shape[axis + 1 :] for x in inputs}
    if len(rests) != 1:
        raise Unsupported(f"inputs of shapes {[x.shape for x in inputs]}")
    first = inputs[0]
    shape = (*first.shape[:axis], sum(x.shape[axis] for x in inputs), *first.shape[axis + 1 :])
    # the axis of the Keras shape, counted in memory; ONNX also counts the batch
    memory_axis = (axis + 1) % len(shape) if first.transposed else axis
    name = call.graph.op("Concat", *(x.name for x in inputs), axis=memory_axis + 1)
    return Tensor(name, shape, transposed=first.transposed)


def _in_one_order(graph: Graph, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Return the inputs in one order in memory."""
    # channels first if one of them is, else Keras' order
    if len(inputs) < 2 or len({len(x.shape) for x in inputs}) != 1:
        raise Unsupported(f"inputs of shapes {[x.shape for x in inputs]}")
    if any(x.transposed for x in inputs):
        return [graph.as_channels_first(x, CHANNELS_LAST) for x in inputs]
    if len({x.flattened_from for x in inputs}) > 1:
        return [graph.as_keras_layout(x) for x in inputs]
    return list(inputs)


def _pair(graph: Graph, op_type: str, a: Tensor, b: Tensor) -> Tensor:
    """Merge two tensors, which may broadcast as in a squeeze-and-excite block."""
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise Unsupported(f"inputs of shapes {[a.shape, b.shape]}") from None
    return replace(a, name=graph.op(op_type, a.name, b.name), shape=shape)
