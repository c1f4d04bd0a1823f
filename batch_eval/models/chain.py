"""A network as a chain: operations that each take what the one before gives, and otherwise constants."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from batch_eval.models.graph import Shape
from batch_eval.models.layers import Unsupported
from batch_eval.models.operations import Node, Operations

Array = NDArray[Any]


class Chain:
    """The operations of a chain that nobody has taken yet, in order; ``source`` is the shape of its input.

    Raises:
        Unsupported: The network is no chain.

    """

    def __init__(self, operations: Operations) -> None:
        self.source: Shape = tuple(map(int, operations.source.shape[1:]))
        self._constants = operations.constants
        self._left = [node for node in operations.nodes if node.op_type != "Identity"][::-1]
        name = operations.source.name
        for node in reversed(self._left):
            before, *constants = node.inputs
            if before != name or len(node.outputs) != 1 or not set(constants) <= self._constants.keys():
                raise Unsupported("a network that is no chain")
            name = node.outputs[0]

    def __bool__(self) -> bool:
        return bool(self._left)

    def next(self) -> Node:
        """Take the next operation; raises Unsupported at the end."""
        if not self._left:
            raise Unsupported("a network that ends too early")
        return self._left.pop()

    def take(self, *op_types: str) -> Node | None:
        """Take the next operation if it is one of these."""
        return self._left.pop() if self._left and self._left[-1].op_type in op_types else None

    def put_back(self, node: Node) -> None:
        """Let an operation be the next again."""
        self._left.append(node)

    def arrays(self, node: Node) -> list[Array]:
        """Return the constants that an operation takes."""
        return [self._constants[name] for name in node.inputs[1:]]

    def sizes(self, reshape: Node) -> Shape:
        """Return what a Reshape makes of one image."""
        (shape,) = self.arrays(reshape)
        return tuple(shape.tolist()[1:])


def attribute(node: Node, name: str) -> Any:
    """Return a setting of an operation; raises Unsupported where it is left to ONNX' default."""
    if name not in node.attributes:
        raise Unsupported(f"the operation {node.op_type} without {name}")
    return node.attributes[name]


def integers(node: Node, name: str) -> Shape:
    """Return a setting of several numbers."""
    return tuple(attribute(node, name))
