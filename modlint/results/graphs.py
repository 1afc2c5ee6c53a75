"""A network as a weighted graph, and the parts that it falls into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    import torch

KernelNorm = Literal["l1", "l2"]


class Block(Struct, frozen=True, eq=False):
    """The edges of one layer.

    Attributes:
        layer: the layer's name.
        tensor: name of its weight tensor; tied layers share it.
        source: group of the columns.
        target: group of the rows.
        weights: non-negative finite edge weights, shape (in, out): after norm folding, absolute
            values, kernel norm and flatten aggregation; read-only; float64 in a graph of which some
            weight is stored so, else float32.
        mask: where an edge can exist, bool, shape (in, out); None where everywhere (grouped
            convolutions connect only within their group).
        turned: the tensor is stored as (in, out), not as (out, in): tied layers that use it in
            opposite directions differ in this.
        live: which neurons of source and target are left, (in,) and (out,) bool of the whole
            groups; None where all are.
    """

    layer: str
    tensor: str
    source: str
    target: str
    weights: torch.Tensor
    mask: torch.Tensor | None = None
    turned: bool = False
    live: tuple[torch.Tensor, torch.Tensor] | None = None


class Graph(Struct, frozen=True, eq=False):
    """A network's weighted graph, one dense block per layer.

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
