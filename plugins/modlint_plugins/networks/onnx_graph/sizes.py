"""Sizes of a graph's inputs: those that the file leaves open are chosen, channels by weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modlint.checkpoint import Tensor
from modlint_plugins.networks.onnx_graph.nodes import Node
from modlint_plugins.readers.onnx.types import text

Dim = int | str | None
Dims = tuple[Dim, ...] | None

CHOICES = ((64, 1), (224, 1), (16, 1), (64, 64), (1024, 1), (16_000, 1), (1, 1))
"""What an open size is, and an open first size: in turn, until the graph can be followed."""
_DEPTH = 8
_PASSING = frozenset(
    {"Identity", "Cast", "Add", "Sub", "Mul", "Div", "Clip", "Relu", "Sigmoid", "Tanh"}
    | {"QuantizeLinear", "DequantizeLinear", "Dropout", "Quant", "Pad"}
)
_KERNELS = {"Conv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3, "FusedConv": 1}
_MATRICES = {"MatMul": 1, "Gemm": 1, "MatMulInteger": 1, "QLinearMatMul": 3}
_RECURRENT = frozenset({"LSTM", "GRU", "RNN"})


def dims_of(value: Any) -> Dims:
    """The shape that the file declares for a value: a size, a name, or None for neither."""
    kind = value.type
    if not kind.HasField("tensor_type") or not kind.tensor_type.HasField("shape"):
        return None
    return tuple(_dim(dim) for dim in kind.tensor_type.shape.dim)


def _dim(dim: Any) -> Dim:
    if dim.HasField("dim_value") and dim.dim_value > 0:
        return int(dim.dim_value)
    return text(dim.dim_param) or None


class Chosen:
    """Open sizes as one attempt chooses them: the same name has the same size.

    Args:
        size: what an open size is.
        first: what it is of the first axis (mostly the batch).
    """

    def __init__(self, size: int, first: int) -> None:
        self.size, self.first = size, first
        self.named: dict[str, int] = {}

    def shape(self, dims: Sequence[Dim], hints: Mapping[int, int]) -> tuple[int, ...]:
        """A declared shape with all sizes chosen; `hints` are those that weights ask for."""
        return tuple(self._one(axis, dim, hints.get(axis)) for axis, dim in enumerate(dims))

    def _one(self, axis: int, dim: Dim, hint: int | None) -> int:
        if isinstance(dim, int):
            return dim
        is_first = axis == 0 or (dim is not None and "batch" in dim.casefold())
        size = hint or (self.first if is_first else self.size)
        return self.named.setdefault(dim, size) if dim else size


class DeclaredShapes:
    """Shapes that the file declares for values inside the graph, looked up when one is needed."""

    def __init__(self, graph: Any, chosen: Chosen) -> None:
        self.graph, self.chosen = graph, chosen
        self.found: dict[str, Any] | None = None

    def get(self, name: str) -> tuple[int, ...] | None:
        """The shape of a value, None where the file does not tell."""
        if self.found is None:
            every = (*self.graph.value_info, *self.graph.output)
            self.found = {text(value.name): value for value in every}
        value = self.found.get(name)
        dims = None if value is None else dims_of(value)
        return None if dims is None else self.chosen.shape(dims, {})


class Hints:
    """What the first layers behind an input ask of its sizes."""

    def __init__(self, nodes: Sequence[Node], tensors: Mapping[str, Tensor]) -> None:
        self.tensors = tensors
        self.readers: dict[str, list[Node]] = {}
        self.makers: dict[str, Node] = {}
        for node in nodes:
            self.makers.update((name, node) for name in node.outputs)
            for name in set(node.inputs):
                self.readers.setdefault(name, []).append(node)

    def of(self, name: str, rank: int | None) -> tuple[int | None, dict[int, int]]:
        """The rank that an input must have, if that is known, and sizes by axis."""
        order = None if rank is None else tuple(range(rank))
        return self._behind(name, order, 0) or (rank, {})

    def _behind(
        self, name: str, order: tuple[int, ...] | None, depth: int
    ) -> tuple[int | None, dict[int, int]] | None:
        """`order` tells for each axis of the value which axis of the input it was."""
        if depth > _DEPTH:
            return None
        for node in self.readers.get(name, ()):
            asked = self._asked(node, name, order)
            if asked is None and node.kind in _PASSING:
                asked = self._behind(node.output, order, depth + 1)
            elif node.kind == "Transpose" and (perm := node.integers("perm")):
                turned = tuple(range(len(perm))) if order is None else order
                if sorted(perm) == list(range(len(turned))):
                    moved = tuple(turned[axis] for axis in perm)
                    asked = self._behind(node.output, moved, depth + 1)
            if asked is not None:
                return asked
        return None

    def _asked(
        self, node: Node, name: str, order: tuple[int, ...] | None
    ) -> tuple[int | None, dict[int, int]] | None:
        found = self._need(node, name)
        if found is None:
            return None
        rank, axis, size = found
        rank = rank if order is None else len(order)
        if rank is None or not -rank <= axis < rank:
            return None
        axis %= rank
        return rank, {axis if order is None else order[axis]: size}

    def _need(self, node: Node, name: str) -> tuple[int | None, int, int] | None:
        """The rank of what a layer reads, the axis of its channels, and how many."""
        if not node.inputs or node.inputs[0] != name:
            return None
        place = _KERNELS.get(node.kind) or _MATRICES.get(node.kind) or 1
        weight = self._weight(node.inputs[place]) if len(node.inputs) > place else None
        if weight is None:
            return None
        if node.kind in _KERNELS and len(weight) > 2:
            if node.kind == "ConvTranspose":
                return len(weight), 1, weight[0]
            return len(weight), 1, weight[1] * node.integer("group", 1)
        if node.kind in _MATRICES and len(weight) > 1:
            first = node.kind == "Gemm" and node.integer("transB", 0)
            return 2, -1, weight[-1] if first else weight[-2]
        if node.kind in _RECURRENT and len(weight) == 3:
            return 3, 2, weight[2]
        return None

    def _weight(self, name: str) -> tuple[int, ...] | None:
        """The shape of a weight, through what only encodes it."""
        for _ in range(_DEPTH):
            tensor = self.tensors.get(name)
            maker = self.makers.get(name)
            if tensor is not None:
                return tensor.shape
            if maker is None or maker.kind not in _PASSING or not maker.inputs:
                return None
            name = maker.inputs[0]
        return None
