"""Elements written into others at given places."""

from __future__ import annotations

import math

import numpy as np

from modlint_plugins.networks.flow.labels import broadcast
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, standard
from modlint_plugins.networks.onnx_graph.static import Array

_MOST = 1 << 24


def _places(op: Op, *sizes: int) -> Array | None:
    index = op.static(1)
    few = math.prod(sizes) <= _MOST
    return None if index is None or not few else index.numbers


def _scatter_nd(op: Op) -> Result:
    data, updates = op.as_traced(op.value(0)), op.as_traced(op.value(2))
    index = op.value(1)
    depth = index.shape[-1]
    places = _places(op, math.prod(data.shape))
    if places is not None and op.node.string("reduction", "none") == "none":
        out = np.array(data.full)
        out[tuple(np.moveaxis(places, -1, 0))] = updates.full
        return op.tracer.moved(op.name, [(data.shape, out)], data, updates)[0]
    merged = op.tracer.reduced(op.name, updates, range(index.rank - 1), keep=False)
    return _beside(op, data, merged, range(depth))


def _scatter_elements(op: Op) -> Result:
    data, updates = op.as_traced(op.value(0)), op.as_traced(op.value(2))
    axis = op.axis(0, data.rank)
    places = _places(op, math.prod(data.shape))
    if places is not None and op.node.string("reduction", "none") == "none":
        out = np.array(data.full)
        front = tuple(slice(None) if i == axis else slice(n) for i, n in enumerate(places.shape))
        np.put_along_axis(out[front], places % data.shape[axis], updates.full, axis)
        return op.tracer.moved(op.name, [(data.shape, out)], data, updates)[0]
    uneven = [i for i, n in enumerate(updates.labels.shape) if n not in (1, data.shape[i])]
    merged = op.tracer.reduced(op.name, updates, {axis, *uneven}, keep=True)
    return _beside(op, data, merged, [axis])


def _beside(op: Op, data: Traced, updates: Traced, axes: list[int] | range) -> Traced:
    """Data of which some elements, it is not known which, are replaced along axes."""
    kept = op.tracer.reduced(op.name, data, axes, keep=True) if not data.is_unlabelled else data
    labels = updates.labels.reshape((1,) * (data.rank - updates.rank) + updates.labels.shape)
    wide = Traced(broadcast([labels.shape, (1,) * data.rank]), labels, updates.origin)
    shape = tuple(n if wide.shape[i] == 1 else wide.shape[i] for i, n in enumerate(kept.shape))
    joined = op.tracer.join("sum", Traced(shape, kept.labels, kept.origin), op.widened(wide, shape))
    return op.widened(joined, data.shape)


def _tensor_scatter(op: Op) -> Result:
    """TensorScatter: a cache into which new entries are written along one axis."""
    update = op.as_traced(op.value(1))
    axis = op.axis(-2, update.rank)
    wide = [op.value(0).shape[axis] if i == axis else n for i, n in enumerate(update.shape)]
    if update.labels.shape[axis] > 1:
        update = op.tracer.reduced(op.name, update, [axis], keep=True)
    return op.widened(update, wide)


HANDLERS: Handlers = standard(
    ScatterND=_scatter_nd,
    ScatterElements=_scatter_elements,
    Scatter=_scatter_elements,
    TensorScatter=_tensor_scatter,
)
