"""Inputs whose shape is not known, and what shapes their first reader allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from modlint_plugins.networks.aten.values import Fixed, Value
from modlint_plugins.networks.flow.traced import Traced

Shape = tuple[int, ...]
IMAGE_SIDES = (64, 224, 32, 28, 128, 256, 96, 299, 84, 48, 512, 40, 36, 80, 112, 16, 160, 320)
_SIDES = {1: (512, 64, 256, 16000, 32), 3: (16, 8, 12, 32, 24, 64)}
LENGTH = 5
"""Steps of a sequence."""


@dataclass(frozen=True, eq=False)
class Undecided:
    """An input of the network whose shape is not known yet, or what moves have made of it.

    Attributes:
        undo: from a shape of this to one of the input, last move first.
    """

    name: str
    undo: tuple[Callable[[Shape], Shape], ...] = ()

    def moved(self, op: str, arguments: Sequence[Value]) -> Undecided:
        """The same after a move; shapes are only told through some."""
        back = _BACK.get(op)
        numbers = [x for x in arguments[1:] if type(x) is int]
        if back is None or not numbers:
            return self
        return Undecided(self.name, (lambda shape: back(shape, *numbers), *self.undo))

    def shapes(self, own: Sequence[Shape]) -> list[Shape]:
        """Shapes of the input for which this has one of these."""
        found = list(own)
        for function in self.undo:
            found = [function(shape) for shape in found]
        return [*found, *(own if self.undo else ())]


def _with_axis(shape: Shape, dim: int, *_: int) -> Shape:
    place = dim % (len(shape) + 1)
    return (*shape[:place], LENGTH, *shape[place:])


def _without_axis(shape: Shape, dim: int, *_: int) -> Shape:
    place = dim % len(shape) if shape else 0
    return (*shape[:place], *shape[place + 1 :])


def _swapped(shape: Shape, first: int, second: int, *_: int) -> Shape:
    if max(first % max(len(shape), 1), second % max(len(shape), 1)) >= len(shape):
        return shape
    sizes = list(shape)
    sizes[first], sizes[second] = sizes[second], sizes[first]
    return tuple(sizes)


_BACK: dict[str, Callable[..., Shape]] = {
    "select": _with_axis, "unsqueeze": _without_axis, "transpose": _swapped,
}  # fmt: skip


class NeedsShapeError(Exception):
    """An operation reads an undecided input: which, and which shapes it may have."""

    def __init__(self, name: str, shapes: Sequence[Shape]) -> None:
        super().__init__(name)
        self.name = name
        self.shapes = list(dict.fromkeys(shapes))


def undecided_in(values: Value) -> list[Undecided]:
    """Every undecided input among values and the lists in them."""
    if isinstance(values, Undecided):
        return [values]
    if isinstance(values, (list, tuple)):
        return [x for value in values for x in undecided_in(value)]
    return []


def proposals(op: str, arguments: Sequence[Value], usual: Sequence[Shape]) -> list[Shape]:
    """Shapes of the input that an operation reads, likeliest first."""
    fixed = [x for x in arguments if isinstance(x, Fixed) and x.owners]
    first = arguments[0] if arguments else None
    if op.startswith(("conv", "_conv")) and fixed and isinstance(first, Undecided):
        return _convolved(fixed[0].shape, op, arguments)
    if op in ("linear", "matmul", "mm", "addmm") and fixed:
        weight = fixed[-1] if op == "addmm" else fixed[0]
        width = weight.shape[-1] if op == "linear" else weight.shape[0]
        own = [(1, width), (1, LENGTH, width), (1, LENGTH, LENGTH, width)]
        return [*own[:2], *images(width), own[2]]
    if op in ("matmul", "mm", "bmm") and len(arguments) == 2:
        return _multiplied(*arguments)
    if op == "mv" and fixed:
        return [(fixed[0].shape[-1],)]
    if op in ("embedding", "embedding_bag"):
        return [(1, LENGTH), (LENGTH,)]
    if op in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        return _recurrent(arguments)
    if op.endswith("_cell") and len(fixed) > 1:
        return [(1, fixed[0].shape[1]), (1, fixed[1].shape[1])]
    if (
        op in ("batch_norm", "instance_norm")
        and len(arguments) > 1
        and isinstance(arguments[1], Fixed)
    ):
        size = arguments[1].shape[0]
        return [(1, size), (1, size, *IMAGE_SIDES[:1] * 2), (1, size, LENGTH)]
    if op in ("layer_norm", "rms_norm") and isinstance(arguments[1], (list, tuple)):
        tail = tuple(n for n in arguments[1] if isinstance(n, int))
        return [(1, LENGTH, *tail), (1, *tail)]
    beside = [x.shape for x in arguments if isinstance(x, Traced)]
    beside += [x.shape for x in _listed(arguments) if isinstance(x, Traced)]
    return [*beside, *usual]


def _multiplied(left: Value, right: Value) -> list[Shape]:
    """Shapes of one factor of a product whose other is known."""
    if isinstance(right, Traced) and right.rank > 1:
        size = right.shape[-2]
        return [(*right.shape[:-2], size, size), (size, size)]
    if isinstance(left, Traced):
        return [(*left.shape[:-2], left.shape[-1], LENGTH), (left.shape[-1], LENGTH)]
    return []


def _listed(arguments: Sequence[Value]) -> list[Value]:
    return [x for value in arguments if isinstance(value, (list, tuple)) for x in value]


def _convolved(weight: Shape, op: str, arguments: Sequence[Value]) -> list[Shape]:
    transposed = "transpose" in op or (len(arguments) > 6 and arguments[6] is True)
    groups = next((g for g in arguments[6:9] if type(g) is int), 1)
    channels = weight[0] if transposed else weight[1] * groups
    rank = len(weight) - 2
    sides: Sequence[int] = _SIDES.get(rank, IMAGE_SIDES)
    if transposed:
        sides = (1, 4, 7, 8, 16)
    found: list[Shape] = [(1, channels, *(side,) * rank) for side in sides]
    return found if channels > 1 or rank > 1 else [*found[:3], *((1, side) for side in sides)]


def _recurrent(arguments: Sequence[Value]) -> list[Shape]:
    params = arguments[2] if len(arguments) > 2 else None
    weights = (
        [x for x in params if isinstance(x, Fixed)] if isinstance(params, (list, tuple)) else []
    )
    if not weights:
        return [(LENGTH, 1, 1)]
    first = arguments[-1] is True
    if isinstance(arguments[0], Undecided):
        width = weights[0].shape[1]
        return [(1, LENGTH, width) if first else (LENGTH, 1, width)]
    count = len([w for w in weights if w.rank == 2]) // 2
    return [(count, 1, weights[1].shape[1])]


def images(width: int) -> list[Shape]:
    """Square images of so many numbers."""
    found: list[Shape] = []
    for channels in (1, 3):
        side = math.isqrt(width // channels)
        if side > 1 and channels * side * side == width:
            found.append((1, channels, side, side))
    return found


def annotated(annotation: Any) -> str:
    """A type as it is written."""
    import ast

    return "" if annotation is None else ast.unparse(annotation)
