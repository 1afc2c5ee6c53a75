"""Elements taken by their places: embeddings, and parts of activations."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Array, Static
from modlint_plugins.networks.onnx_graph.weights import called, weighted

_MOST = 1 << 24


def _gather(op: Op) -> Result:
    data, index = op.value(0), op.value(1)
    axis = op.axis(0, data.rank)
    shape = (*data.shape[:axis], *index.shape, *data.shape[axis + 1 :])
    if isinstance(data, Static):
        return _of_constant(op, data, index, axis, shape)
    places = index.numbers if isinstance(index, Static) else None
    return taken(op, data, axis, index.shape, places)


def _of_constant(
    op: Op, data: Static, index: Traced | Static, axis: int, shape: tuple[int, ...]
) -> Traced | Static:
    if isinstance(index, Traced):
        return (
            op.forgotten(shape, index) if axis else _looked_up(op, data, index, index.shape, shape)
        )
    places = index.numbers
    if places is None:
        return data.computed(shape)
    return data.moved(lambda a: _taken(a, places, axis))


def _looked_up(
    op: Op, data: Static, index: Traced, front: Sequence[int], shape: Sequence[int]
) -> Traced | Static:
    """Rows of a table (an embedding), or matrices of a stack, that the input chooses."""
    if data.tensor is None or data.is_integer or data.rank < 2 or data.elements < 2:
        return op.forgotten(shape, index)
    if data.rank == 2:
        return embedded(op, data, shape)
    if data.is_exact and data.index is None:
        return data.chosen(tuple(front))
    return op.forgotten(shape, index)


def _taken(a: Array, places: Array, axis: int) -> Array:
    """Elements along an axis; a view where only one is taken."""
    if places.ndim == 0:
        return a[(slice(None),) * axis + (int(places),)]
    return a.take(places, axis)


def embedded(op: Op, table: Static, shape: Sequence[int]) -> Traced:
    """Rows of a table (entries, channels), looked up: channels along the last axis."""
    entries, channels = table.shape
    weight = weighted(table, lambda a: a.T.reshape(1, channels, entries, 1), (channels, entries))
    return called(op, "embedding", weight, None, 0, shape, -1)


def taken(
    op: Op, data: Traced, axis: int, shape: Sequence[int], places: Array | None
) -> Traced | Static:
    """Elements of activations along an axis; where places are not known, any of them."""
    count = math.prod(shape)
    wide = [count if i == axis else n for i, n in enumerate(data.shape)]
    if places is not None and data.labels.shape[axis] > 1:
        flat = places.reshape(-1)
        y = op.along([axis], lambda a: a.take(flat, axis), data)
    else:
        y = op.widened(op.tracer.reduced(op.name, data, [axis], keep=True), wide)
    return op.reshaped(y, [*data.shape[:axis], *shape, *data.shape[axis + 1 :]])


def _gather_elements(op: Op) -> Result:
    data, index = op.value(0), op.value(1)
    axis = op.axis(0, data.rank)
    if isinstance(data, Static):
        return op.forgotten(index.shape, *([index] if isinstance(index, Traced) else []))
    places = index.numbers if isinstance(index, Static) else None
    if data.labels.shape[axis] == 1:
        return _cut(op, data, index.shape)
    if places is not None and places.size <= _MOST:
        front = tuple(slice(None) if i == axis else slice(n) for i, n in enumerate(places.shape))
        found: Array = np.take_along_axis(data.full[front], places % data.shape[axis], axis)
        return op.tracer.moved(op.name, [(found.shape, found)], data)[0]
    merged = op.tracer.reduced(op.name, data, [axis], keep=True)
    return _cut(op, merged, index.shape)


def _cut(op: Op, data: Traced, shape: Sequence[int]) -> Traced:
    """Labels for the first elements along each axis: an index may take fewer than there are."""
    cut = tuple(slice(0, n) for n in shape)
    return op.tracer.moved(op.name, [(tuple(shape), data.labels[cut])], data)[0]


def _gather_nd(op: Op) -> Result:
    data, index = op.value(0), op.value(1)
    batch = op.node.integer("batch_dims", 0)
    depth = batch + index.shape[-1]
    if depth > data.rank:
        raise Refused("names more axes than there are")
    shape = (*index.shape[:-1], *data.shape[depth:])
    if isinstance(data, Static):
        if depth == 1 and isinstance(index, Traced):
            return _looked_up(op, data, index, index.shape[:-1], shape)
        return op.forgotten(shape, index)
    places = index.numbers if isinstance(index, Static) else None
    front = data.shape[:depth]
    if places is not None and math.prod((*front, *data.labels.shape[depth:])) <= _MOST:
        labels = np.broadcast_to(data.labels, (*front, *data.labels.shape[depth:]))
        found: Array = labels[tuple(_grid(places, batch))]
        return op.tracer.moved(op.name, [(shape, found)], data)[0]
    merged = op.tracer.reduced(op.name, data, range(batch, depth), keep=True)
    labels = merged.labels.reshape(
        *merged.labels.shape[:batch],
        *(1,) * (index.rank - 1 - batch),
        *merged.labels.shape[depth:],
    )
    return Traced(shape, labels, merged.origin)


def _grid(places: Array, batch: int) -> list[Array]:
    """An index for each of the first axes of what places (…, depth) name, batches in front."""
    outer = [
        np.arange(n).reshape(-1, *(1,) * (places.ndim - 2 - i))
        for i, n in enumerate(places.shape[:batch])
    ]
    return [*outer, *np.moveaxis(places, -1, 0)]


HANDLERS: Handlers = standard(Gather=_gather, GatherElements=_gather_elements, GatherND=_gather_nd)
