"""Tensors that meet element by element, and what stands still of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from modlint.network import JoinKind
from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike
from modlint_plugins.networks.aten.values import MAX_ELEMENTS, Fixed, Value, computed
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.labels import broadcast
from modlint_plugins.networks.flow.nodes import NormTensors
from modlint_plugins.networks.flow.traced import Traced

_NUMPY: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "floor_divide": np.floor_divide,
    "remainder": np.mod, "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal, "maximum": np.maximum, "minimum": np.minimum,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_not": np.logical_not,
    "bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or, "bitwise_not": np.invert,
    "__and__": np.bitwise_and, "__or__": np.bitwise_or, "abs": np.abs, "neg": np.negative,
    "sign": np.sign, "rsub": lambda a, b: np.subtract(b, a), "pow": np.power, "sqrt": np.sqrt,
    "div": np.true_divide, "floor": np.floor, "ceil": np.ceil, "where": np.where, "exp": np.exp,
    "log": np.log, "bitwise_xor": np.bitwise_xor, "logical_xor": np.logical_xor,
}  # fmt: skip


_MOST_KNOWN = 1 << 20


def combined(
    walk: Walk,
    a: Arguments,
    kind: JoinKind,
    *operands: Tensorlike,
    more: tuple[Tensorlike, ...] = (),
) -> Value:
    """Tensors that are added or multiplied; a vector of the file scales or shifts a traced one."""
    shape = _shape_of(walk, (*more, *operands))
    traced = [x for x in operands if isinstance(x, Traced)]
    if not traced and any(isinstance(x, Traced) for x in more):
        return computed(shape, tuple(x for x in operands if isinstance(x, Fixed)))
    if not traced:
        return _combined_fixed(
            a, shape, tuple(x for x in (*more, *operands) if isinstance(x, Fixed))
        )
    if len(traced) > 1:
        out = walk.tracer.join(kind, *traced)
        return _broadcast(walk, out, shape)
    (x,) = traced
    for other in operands:
        if isinstance(other, Fixed) and not more:
            x = _affine(walk, a, kind, _broadcast(walk, x, shape) if other.rank else x, other)
    return _broadcast(walk, x, shape)


def _shape_of(walk: Walk, operands: tuple[Tensorlike, ...]) -> tuple[int, ...]:
    try:
        return broadcast(x.shape for x in operands)
    except ValueError:
        sizes = zip(*(reversed(x.shape) for x in operands), strict=False)
        odd = next((found for found in sizes if len({*found} - {1}) > 1), None)
        if odd is not None and walk.mismatch is None:
            walk.mismatch = (odd[0], odd[1])
        raise


def _broadcast(walk: Walk, x: Traced, shape: tuple[int, ...]) -> Traced:
    if x.shape == shape:
        return x
    return walk.move("expand", lambda labels: np.broadcast_to(labels, shape), x)  # type: ignore[no-any-return]


def _affine(walk: Walk, a: Arguments, kind: JoinKind, x: Traced, other: Fixed) -> Traced:
    """The tensor scaled or shifted by a vector of the file; anything else added is an offset."""
    made = _by_channel(walk, a, kind, x, other)
    if made is not None:
        return made
    adds = kind == "sum" and (other.value is None or bool(other.value.any()))
    return walk.tracer.offset(x) if adds else x


def _by_channel(walk: Walk, a: Arguments, kind: JoinKind, x: Traced, other: Fixed) -> Traced | None:
    """The tensor scaled or shifted by a vector of the file; None where that is none."""
    axes = [axis for axis, n in enumerate(other.shape) if n > 1]
    if other.view is None or len(axes) > 1 or a.op.startswith(("div", "true", "__true")):
        return None
    if not axes or other.view.strides[axes[0]] != 1:
        return None
    axis = axes[0] - other.rank
    if x.is_unlabelled and not (x.origin is not None and x.origin.is_input):
        return None
    if x.labels.size > 1 and x.labels.shape[axis] == 1:
        return None  # it varies along positions, not along channels
    name = other.owners[0]
    tensors = NormTensors(kind="affine", shift=name)
    if kind == "product":
        tensors = NormTensors(kind="affine", scale=name, offset=other.offset)
    return walk.tracer.norm(tensors, x, axis, other.start)


def fixed(a: Arguments, *operands: Fixed | Any) -> Fixed:
    """What a function makes of tensors that depend on no input."""
    tensors = [x for x in operands if isinstance(x, Fixed)]
    return _combined_fixed(a, broadcast(x.shape for x in tensors), tuple(tensors))


def _combined_fixed(a: Arguments, shape: tuple[int, ...], operands: tuple[Fixed, ...]) -> Fixed:
    function = _NUMPY.get(a.op.rstrip("_") if not a.op.endswith("__") else a.op)
    values = [x.value for x in operands]
    if function is not None and all(v is not None for v in values) and _small(shape):
        with np.errstate(all="ignore"):
            return Fixed(shape, value=np.asarray(function(*values)))
    shifted = [x for x in operands if x.view is not None]
    added = [x.value.item() for x in operands if x.value is not None and x.size == 1]
    if (
        a.op.startswith("add")
        and len(operands) == 2
        and shifted
        and added
        and shifted[0].shape == shape
    ):
        x = shifted[0]
        return Fixed(shape, x.owners, x.view, offset=x.offset + float(added[0]))
    return computed(shape, operands)


def _small(shape: tuple[int, ...]) -> bool:
    return int(np.prod(shape, dtype=object)) <= min(_MOST_KNOWN, MAX_ELEMENTS)
