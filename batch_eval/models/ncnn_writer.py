"""Write a network for ncnn.

ncnn computes one image at a time, so a network becomes two nets: one from an image to its features, and one from the
features of a whole batch, a row each, to the outputs. Dense layers would else fetch all their weights for every image.
"""

from __future__ import annotations

from dataclasses import dataclass

from batch_eval.models.chain import Chain, integers
from batch_eval.models.graph import Shape
from batch_eval.models.layers import Unsupported
from batch_eval.models.ncnn_layers import ARITHMETIC, ON_PLANES, ON_ROWS, Net, write
from batch_eval.models.operations import Operations


@dataclass(frozen=True)
class Nets:
    """A network for ncnn.

    ``image`` makes an image, given as ``planes`` (channels, height, width), into ``features`` numbers, ``rows`` those
    of a whole batch, (B, features), into its outputs. ``channels_last`` says that the network itself takes images as
    (height, width, channels).
    """

    planes: Shape
    channels_last: bool
    image: Net
    features: int
    rows: Net


def write_nets(operations: Operations) -> Nets:
    """Return a network as ncnn's nets.

    Raises:
        Unsupported: The network is no chain that ends in rows, or an operation is not known.

    """
    chain, image, rows = Chain(operations), Net(), Net()
    planes, channels_last = _input(chain, image)
    image.space = planes[1:]
    while (node := chain.next()).op_type != "Reshape":
        write(ON_PLANES, node, chain, image)
    features = chain.sizes(node)
    if len(features) != 1:
        raise Unsupported(f"a reshape to {features}")
    image.add("Flatten")
    while chain:
        write(ON_ROWS, chain.next(), chain, rows)
    return Nets(planes, channels_last, image, features[0], rows)


def _input(chain: Chain, net: Net) -> tuple[Shape, bool]:
    """Write what is done to the pixels before they lie in planes; return the planes' shape, and whether they move."""
    while node := chain.take(*ARITHMETIC):
        (operand,) = chain.arrays(node)
        if operand.size != 1:
            raise Unsupported(f"a constant of {operand.shape} for the pixels")
        net.add("BinaryOp", {0: ARITHMETIC[node.op_type], 1: 1, 2: operand.item()})
    planes = chain.source
    moved = chain.take("Transpose")
    if moved:
        if integers(moved, "perm") != (0, 3, 1, 2):
            raise Unsupported("axes in another order")
        planes = (planes[2], *planes[:2])
    while node := chain.take("Reshape"):
        planes = chain.sizes(node)
    if len(planes) != 3:
        raise Unsupported(f"an input of {planes}")
    return planes, moved is not None
