"""What a network computes, apart from any file format: operations in order, in the terms of ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Attribute = int | float | str | Sequence[int] | Sequence[float]
Dimension = int | str


@dataclass(frozen=True)
class Node:
    """One operation: ``inputs`` and ``outputs`` are names; an empty input name means that it is left out."""

    op_type: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Value:
    """An input or output; a dimension is a number or a name such as ``batch``."""

    name: str
    shape: Sequence[Dimension]
    dtype: str = "float32"


@dataclass(frozen=True)
class Operations:
    """A whole network; inputs of a node exist before their use, ``constants`` are the weights by name."""

    nodes: Sequence[Node]
    constants: Mapping[str, NDArray[np.generic]]
    source: Value
    target: Value
