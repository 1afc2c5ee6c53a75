"""Following the first axis of an ONNX model's inputs through its main graph.

An axis is followed only through operators that are known to keep it; whatever else reads it ends
the trail, so that what is found is proven and what is not followed is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from modlint.results.dataflow import BatchAxes, Constant, Dataflow, FixedBatch, Node, Port

Whole = tuple[int | None, ...]

_SAME_AXES = (
    "Abs Acos Acosh Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Celu Clip Conv"
    " ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Dropout Elu Erf Exp Floor Gelu"
    " GlobalAveragePool GlobalLpPool GlobalMaxPool GroupNormalization HardSigmoid HardSwish Hardmax"
    " Identity ImageScaler InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Log"
    " LogSoftmax LpNormalization LpPool MaxPool Mish Neg Not PRelu QuantizeLinear"
    " RMSNormalization Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax"
    " Softplus Softsign SpaceToDepth Sqrt Swish Tan Tanh ThresholdedRelu Trilu"
)
"""Operators whose output has the axes of their first input, the first of them unchanged."""
_ELEMENTWISE = (
    "Add And BitwiseAnd BitwiseOr Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min"
    " Mod Mul Or Pow Sub Sum Where Xor"
)
_FIRST = frozenset(_SAME_AXES.split())

_CONTRACTING = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


class Trail(NamedTuple):
    """Where the free axis stands in a value.

    Attributes:
        port: the input that it comes from.
        axis: its index.
        rank: number of axes.
        merged: the Reshape that put it into another axis beside a constant first one, if any.
    """

    port: Port
    axis: int
    rank: int
    merged: FixedBatch | None = None


def batch_axes(flow: Dataflow) -> BatchAxes:
    """Follow the free first axes of a model's inputs."""
    walk = _Walk(flow)
    free = [port for port in flow.graph.inputs if _is_free(port, flow.graph.constants)]
    for port in free:
        walk.trails[port.name] = Trail(port, 0, len(port.shape or ()))
    for node in flow.graph.nodes:
        if node.live and not node.domain:
            walk.follow(node)
    for port in flow.graph.outputs:
        walk.end(port)
    fixed = {found.node: found for found in walk.fixed}
    return BatchAxes(tuple(port.name for port in free), tuple(fixed.values()), walk.reshapes)


def _is_free(port: Port, constants: Mapping[str, Constant]) -> bool:
    if not port.shape or port.name in constants:
        return False
    return not _is_known(port.shape[0])


def _is_known(size: object) -> bool:
    return isinstance(size, int) and size >= 0


class _Walk:
    """The trails through one graph.

    Args:
        flow: the model.
    """

    def __init__(self, flow: Dataflow) -> None:
        self.flow = flow
        self.trails: dict[str, Trail] = {}
        self.fixed: list[FixedBatch] = []
        self.reshapes = 0

    def follow(self, node: Node) -> None:
        """Find where a node puts the axis, or that it takes one size of it only."""
        trail = self.trails.get(node.input(0))
        if node.op in _CONTRACTING and trail is not None and self._contracts(node, trail):
            self.fixed.append(trail.merged or self._found(node, trail))
            return
        if node.op in _MEETS:
            self._give(node, _MEETS[node.op](self, node))
        elif trail is not None and node.op in _FIRST:
            self._give(node, trail)
        elif trail is not None and node.op in _MOVES:
            self._give(node, _MOVES[node.op](self, node, trail))
        elif trail is not None and node.op in _SEVERAL:
            _SEVERAL[node.op](self, node, trail)

    def end(self, port: Port) -> None:
        """Judge an output that says to have the free axis first, and has it in another one."""
        trail = self.trails.get(port.name)
        if trail is None or trail.merged is None or not port.shape:
            return
        if isinstance(port.shape[0], str) and port.shape[0] == (trail.port.shape or ("",))[0]:
            self.fixed.append(trail.merged)

    def _give(self, node: Node, trail: Trail | None) -> None:
        if trail is not None and node.outputs:
            self.trails[node.outputs[0]] = trail

    def _found(self, node: Node, trail: Trail, target: Whole = ()) -> FixedBatch:
        symbol = (trail.port.shape or (None,))[0]
        named = symbol if isinstance(symbol, str) else ""
        return FixedBatch(node.label, node.op, trail.port.name, named, target)

    def _rank(self, name: str) -> int | None:
        trail = self.trails.get(name)
        if trail is not None:
            return trail.rank
        constant = self.flow.constant(name, self.flow.graph)
        return None if constant is None else len(constant.shape)

    def _contracts(self, node: Node, trail: Trail) -> bool:
        """Whether a layer of constant weights sums over an axis that another was merged into."""
        weight = self.flow.constant(node.input(1), self.flow.graph)
        if trail.merged is None or weight is None:
            return False
        summed = 1 if node.op.startswith("Conv") else trail.rank - 1 - node.integer("transA", 0)
        return trail.axis == summed

    def broadcast(self, node: Node) -> Trail | None:
        """Axes of several operands are matched from the last on."""
        names = [name for name in node.inputs if name]
        ranks = [self._rank(name) for name in names]
        found = [self.trails[name] for name in names if name in self.trails]
        if not found or None in ranks:
            return None
        rank = max(rank for rank in ranks if rank is not None)
        first = found[0]
        return first._replace(axis=first.axis + rank - first.rank, rank=rank)

    def joined(self, node: Node) -> Trail | None:
        """Concat along another axis, of data that have this one alike."""
        found = [self.trails[name] for name in node.inputs if name in self.trails]
        if not found or {(t.axis, t.rank) for t in found} != {(found[0].axis, found[0].rank)}:
            return None
        return None if _axis(node, 0, found[0].rank) == found[0].axis else found[0]

    def gathered(self, node: Node) -> Trail | None:
        """Rows of a table by the free indices, or parts of free data by constant ones."""
        data, indices = self.trails.get(node.input(0)), self.trails.get(node.input(1))
        if data is not None:
            rank, axis = self._rank(node.input(1)), _axis(node, 0, data.rank)
            if rank is None or indices is not None or axis == data.axis:
                return None
            moved = data.axis + (rank - 1 if axis < data.axis else 0)
            return data._replace(axis=moved, rank=data.rank + rank - 1)
        table = self._rank(node.input(0))
        if indices is None or table is None:
            return None
        axis = _axis(node, 0, table)
        return indices._replace(axis=indices.axis + axis, rank=indices.rank + table - 1)

    def split(self, node: Node, trail: Trail) -> None:
        """Split along another axis."""
        if _axis(node, 0, trail.rank) != trail.axis:
            for name in node.outputs:
                self.trails[name] = trail

    def recurrent(self, node: Node, trail: Trail) -> None:
        """X is (time, batch, …), Y (time, directions, batch, …); (batch, time, …) in layout 1."""
        whole, last = {0: (0, None), 1: (2, 1)}.get(trail.axis, (None, None))
        if node.integer("layout", 0):
            whole, last = (0, 0) if trail.axis == 0 else (None, None)
        for index, name in enumerate(node.outputs):
            axis = last if index else whole
            if axis is not None and trail.rank == 3:
                self.trails[name] = trail._replace(axis=axis, rank=3 if index else 4)

    def flattened(self, node: Node, trail: Trail) -> Trail | None:
        """Flatten keeps what stands before its axis apart from the rest."""
        axis = _axis(node, 1, trail.rank, name="axis")
        return trail._replace(axis=0, rank=2) if trail.axis == 0 and axis > 0 else None

    def transposed(self, node: Node, trail: Trail) -> Trail | None:
        """Transpose, by default in reverse."""
        order = node.integers("perm") or tuple(reversed(range(trail.rank)))
        if sorted(order) != list(range(trail.rank)):
            return None
        return trail._replace(axis=order.index(trail.axis))

    def multiplied(self, node: Node, trail: Trail) -> Trail | None:
        """MatMul keeps all axes but the last of its first operand."""
        rank = self._rank(node.input(1))
        if rank is None or rank > trail.rank or trail.rank < 2 or trail.axis == trail.rank - 1:
            return None
        return trail._replace(rank=trail.rank - (rank == 1))

    def gemm(self, node: Node, trail: Trail) -> Trail | None:
        """Gemm keeps the rows of its first operand."""
        return trail if trail.axis == node.integer("transA", 0) == 0 else None

    def squeezed(self, node: Node, trail: Trail) -> Trail | None:
        """Squeeze takes axes of size 1 only."""
        axes = self._axes(node, trail.rank)
        if axes is None:
            return None
        self.reshapes += 1
        if trail.axis in axes:
            self.fixed.append(self._found(node, trail))
            return None
        before = sum(axis < trail.axis for axis in axes)
        return trail._replace(axis=trail.axis - before, rank=trail.rank - len(axes))

    def unsqueezed(self, node: Node, trail: Trail) -> Trail | None:
        """Unsqueeze counts its axes in the result."""
        given = self._list(node, 1, "axes")
        if given is None:
            return None
        rank = trail.rank + len(given)
        added = {axis % rank for axis in given}
        kept = [axis for axis in range(rank) if axis not in added]
        return trail._replace(axis=kept[trail.axis], rank=rank) if len(kept) == trail.rank else None

    def reduced(self, node: Node, trail: Trail) -> Trail | None:
        """Reductions over other axes keep this one."""
        axes = self._axes(node, trail.rank)
        if axes is None or trail.axis in axes:
            return None
        if node.integer("keepdims", 1):
            return trail
        before = sum(axis < trail.axis for axis in axes)
        return trail._replace(axis=trail.axis - before, rank=trail.rank - len(axes))

    def sliced(self, node: Node, trail: Trail) -> Trail | None:
        """Slices along other axes keep this one."""
        axes = self._list(node, 3, "axes")
        if axes is None or trail.axis in {axis % trail.rank for axis in axes}:
            return None
        return trail

    def reshaped(self, node: Node, trail: Trail) -> Trail | None:
        """Reshape to a shape that the file states, or that is made of what it states."""
        target = node.integers("shape") or self.flow.whole(node.input(1), self.flow.graph)
        if target is None or not target:
            return None
        self.reshapes += 1
        copies = not node.integer("allowzero", 0)
        if copies and len(target) > trail.axis and target[trail.axis] == 0:
            return trail._replace(rank=len(target), merged=None)
        if None in target:
            stays = trail.axis == 0 and target[0] is None
            return trail._replace(rank=len(target), merged=None) if stays else None
        if -1 not in target:
            self.fixed.append(trail.merged or self._found(node, trail, target))
            return None
        free = target.index(-1)
        if free == 0:
            return trail._replace(axis=0, rank=len(target), merged=None) if not trail.axis else None
        if trail.axis or not target[0]:
            return None
        merged = trail.merged or self._found(node, trail, target)
        return trail._replace(axis=free, rank=len(target), merged=merged)

    def _axes(self, node: Node, rank: int) -> set[int] | None:
        axes = self._list(node, 1, "axes")
        return None if not axes else {axis % rank for axis in axes}

    def _list(self, node: Node, index: int, name: str) -> tuple[int, ...] | None:
        """A list that an attribute gave and a later version takes as an input."""
        given = node.integers(name)
        if given is None and node.input(index):
            whole = self.flow.whole(node.input(index), self.flow.graph)
            given = None if whole is None else tuple(size for size in whole if size is not None)
            given = None if whole is None or len(given or ()) < len(whole) else given
        return given


def _axis(node: Node, default: int, rank: int, name: str = "axis") -> int:
    axis = node.integer(name, default)
    return axis % rank if rank else axis


_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
_MEETS: Mapping[str, Callable[[_Walk, Node], Trail | None]] = {
    "Concat": _Walk.joined,
    "Gather": _Walk.gathered,
    **dict.fromkeys(_ELEMENTWISE.split(), _Walk.broadcast),
}
_SEVERAL: Mapping[str, Callable[[_Walk, Node, Trail], None]] = {
    "GRU": _Walk.recurrent,
    "LSTM": _Walk.recurrent,
    "RNN": _Walk.recurrent,
    "Split": _Walk.split,
}
_MOVES: Mapping[str, Callable[[_Walk, Node, Trail], Trail | None]] = {
    "Flatten": _Walk.flattened,
    "Gemm": _Walk.gemm,
    "MatMul": _Walk.multiplied,
    "Reshape": _Walk.reshaped,
    "Slice": _Walk.sliced,
    "Squeeze": _Walk.squeezed,
    "Transpose": _Walk.transposed,
    "Unsqueeze": _Walk.unsqueezed,
    **{f"Reduce{kind}": _Walk.reduced for kind in _REDUCTIONS},
}
