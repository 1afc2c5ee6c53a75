"""Sums, means and extremes along axes, and what picks elements by their values."""

from __future__ import annotations

from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, alike, standard
from modlint_plugins.networks.onnx_graph.refused import Refused

_REDUCTIONS = (
    *("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"),
    *("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"),
)
_MOST_FOUND = 16


def _reduce(op: Op) -> Result:
    x = op.traced(0)
    axes = op.integers("axes", 1)
    if not axes:
        if op.node.integer("noop_with_empty_axes", 0):
            return x
        axes = tuple(range(x.rank))
    return op.tracer.reduced(op.name, x, axes, bool(op.node.integer("keepdims", 1)))


def _pool_all(op: Op) -> Result:
    """GlobalAveragePool and its like."""
    x = op.traced(0)
    return op.tracer.reduced(op.name, x, range(2, x.rank), keep=True)


def _extreme_place(op: Op) -> Result:
    """ArgMax and ArgMin."""
    x = op.traced(0)
    axis, keep = op.axis(0, x.rank), op.node.integer("keepdims", 1)
    shape = [1 if i == axis else n for i, n in enumerate(x.shape) if keep or i != axis]
    return op.forgotten(shape, x)


def _top(op: Op) -> Result:
    """TopK: the largest along an axis, of one channel where only positions lie along it."""
    x = op.traced(0)
    axis = op.axis(-1, x.rank)
    count = op.integers("k", 1) if "k" not in op.node.attributes else (op.node.integer("k", 1),)
    if not count:
        raise Refused("lacks a number")
    shape = tuple(count[0] if i == axis else n for i, n in enumerate(x.shape))
    places = op.forgotten(shape, x)
    if x.labels.shape[axis] > 1:
        return [op.forgotten(shape, x), places]
    return [op.tracer.pooled(x, [], shape), places]


def _places(op: Op) -> Result:
    """NonZero: how many there are is not known, and does not matter."""
    x = op.traced(0)
    return op.forgotten((max(1, x.rank), _MOST_FOUND), x)


def _unique(op: Op) -> Result:
    x = op.traced(0)
    return [op.forgotten((_MOST_FOUND,), x) for _ in op.node.outputs]


def _one_hot(op: Op) -> Result:
    x, depth = op.traced(0), op.numbers(1)
    if depth is None:
        raise Refused("lacks a depth")
    axis = op.axis(-1, x.rank + 1)
    shape = (*x.shape[:axis], int(depth.reshape(-1)[0]), *x.shape[axis:])
    return op.forgotten(shape, x)


def _same_shape(op: Op) -> Result:
    """What is drawn at random, or made of a shape alone."""
    return op.forgotten(op.value(0).shape)


def _suppression(op: Op) -> Result:
    boxes = [value for index in (0, 1) if isinstance(value := op.at(index), Traced)]
    return op.forgotten((_MOST_FOUND, 3), *boxes)


HANDLERS: Handlers = {
    **alike(_reduce, *_REDUCTIONS),
    **alike(_pool_all, "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"),
    **alike(_extreme_place, "ArgMax", "ArgMin"),
    **alike(_same_shape, "RandomNormalLike", "RandomUniformLike", "EyeLike", "Bernoulli"),
    **standard(
        TopK=_top, NonZero=_places, Unique=_unique, OneHot=_one_hot, NonMaxSuppression=_suppression
    ),
}  # fmt: skip
