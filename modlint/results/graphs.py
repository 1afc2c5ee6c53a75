"""A network as a weighted graph, and the parts that it falls into."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

KernelNorm = Literal["l1", "l2"]


class Block(Struct, frozen=True, eq=False):
    """The edges of one layer from one group of neurons that it reads.

    Attributes:
        layer: the layer's name.
        tensor: name of its weight tensor; tied layers share it.
        source: group that its columns read.
        target: group that its rows drive.
        weights: non-negative finite edge weights, shape (in, out): after norm folding, absolute
            values, kernel norm and flatten aggregation; read-only; float64 in a graph of which some
            weight is stored so, else float32. Tensors of torch's, but those of `WeightArrays` are
            arrays of numpy's, and so are the masks.
        mask: where an edge can exist, bool, shape (in, out); None where everywhere (grouped
            convolutions connect only within their group, and a layer may read part of the source).
            No null moves a weight elsewhere.
        turned: the tensor is stored as (in, out), not as (out, in): tied layers that use it in
            opposite directions differ in this.
        part: tells apart blocks of different elements of one tensor, "" where it is all of it.
    """

    layer: str
    tensor: str
    source: str
    target: str
    weights: Any
    mask: Any = None
    turned: bool = False
    part: str = ""


class Graph(Struct, frozen=True, eq=False):
    """A network's weighted graph, a dense block per layer and group that it reads.

    Attributes:
        groups: names and sizes of the groups of neurons, in topological order.
        blocks: in topological order.
    """

    groups: dict[str, int]
    blocks: tuple[Block, ...]


class Component(Struct, frozen=True):
    """Neurons that weights connect, directly or through others.

    Attributes:
        neurons: number of neurons.
        inputs: how many of them are inputs.
        outputs: how many of them are outputs.
    """

    neurons: int
    inputs: int
    outputs: int

    @property
    def whole(self) -> bool:
        """Whether it is a network of its own: it has an input and an output."""
        return self.inputs > 0 and self.outputs > 0
