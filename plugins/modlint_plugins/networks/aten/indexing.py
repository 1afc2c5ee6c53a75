"""Elements at places: known ones are moved, others may be any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, UnfollowedError, Value, computed
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.aten.weighted import gathered, looked_up
from modlint_plugins.networks.flow.traced import Traced


@table("index _unsafe_index", "self indices")
def _index(walk: Walk, a: Arguments) -> Value:
    x, places = a.tensor("self"), _places(a)
    if all(
        i is None or i.value is not None for i in places if not isinstance(i, Traced)
    ) and not any(isinstance(i, Traced) for i in places):
        index = tuple(slice(None) if i is None else i.value for i in places)
        return walk.move("index", lambda values: np.array(values[index]), x)
    return _index_anywhere(walk, x, places)


def _places(a: Arguments) -> list[Any]:
    given = a.get("indices")
    if not isinstance(given, (list, tuple)):
        raise UnfollowedError("an index that is no list")
    return [None if i is None else Arguments(a.op, (i,), {}, ("i",)).tensor("i") for i in given]


def _index_anywhere(walk: Walk, x: Tensorlike, places: Sequence[Any]) -> Value:
    axes = [axis for axis, i in enumerate(places) if i is not None]
    shape = np.broadcast_shapes(*(places[axis].shape for axis in axes))
    if axes != list(range(axes[0], axes[-1] + 1)):
        raise UnfollowedError("an index along axes that lie apart")
    if isinstance(x, Fixed) and axes == [0] and x.rank == 2:
        return looked_up(walk, x, (*shape, x.shape[1]))
    full = (*x.shape[: axes[0]], *shape, *x.shape[axes[-1] + 1 :])
    if isinstance(x, Fixed):
        return computed(full, (x,))
    ones = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    merged = walk.tracer.pooled(x, axes, ones)
    lead = (*x.shape[: axes[0]], *(1,) * len(shape), *x.shape[axes[-1] + 1 :])
    out = walk.run("reshape", merged, lead)
    return walk.move("expand", lambda labels: np.broadcast_to(labels, full), out)


@table("index_select", "self dim index")
def _index_select(walk: Walk, a: Arguments) -> Value:
    x, index = a.tensor("self"), a.tensor("index")
    axis = a.int("dim") % x.rank
    if isinstance(index, Fixed) and index.value is not None:
        places = np.asarray(index.value).reshape(-1)
        return walk.move("index", lambda values: values.take(places, axis), x)
    if isinstance(x, Fixed):
        if axis == 0 and x.rank == 2:
            return looked_up(walk, x, (*index.shape, x.shape[1]))
        return computed((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), (x,))
    return gathered(walk, x, axis, index)


@table("gather take_along_dim", "self dim index")
def _gather(walk: Walk, a: Arguments) -> Value:
    named = a.op == "take_along_dim"
    x = a.tensor("self")
    index = a.tensor("indices" if "indices" in a.named else "index") if not named else None
    index = (
        index if index is not None else Arguments(a.op, a.all[:2], {}, ("self", "i")).tensor("i")
    )
    axis = (a.int("dim") if not named else -1) % x.rank
    if isinstance(index, Fixed) and index.value is not None:
        places = index.value
        return walk.move("gather", lambda values: np.take_along_axis(values, places, axis), x)
    if isinstance(x, Fixed):
        return computed(index.shape, (x,))
    merged = walk.tracer.pooled(x, [axis], [1 if i == axis else n for i, n in enumerate(x.shape)])
    cut = tuple(slice(0, n) for n in index.shape)
    lead = tuple(
        n if i == axis else min(n, m)
        for i, (n, m) in enumerate(zip(index.shape, x.shape, strict=True))
    )
    return walk.move(
        "gather",
        lambda values: np.broadcast_to(
            values, (*lead[:axis], index.shape[axis], *lead[axis + 1 :])
        )[cut],
        merged,
    )


@table("index_put index_put_ _index_put_impl _unsafe_index_put", "self indices values")
def _index_put(walk: Walk, a: Arguments) -> Value:
    x, values = a.tensor("self"), a.tensor("values")
    axes = [axis for axis, i in enumerate(_places(a)) if i is not None]
    if (axes and axes[-1] < x.rank - 1) or isinstance(values, Fixed):
        return _written(walk, x, values, axes)
    raise UnfollowedError("writes at places along the last axis")


@table(
    "index_add scatter scatter_add index_copy scatter_reduce index_reduce", "self dim index source"
)
def _scatter(walk: Walk, a: Arguments) -> Value:
    x, source = a.tensor("self"), a.all[3] if len(a.all) > 3 else None
    if not isinstance(source, (Traced, Fixed)):
        return x
    return _written(walk, x, source, [a.int("dim") % max(1, x.rank)])


@table("masked_scatter", "self mask source")
def _masked_scatter(walk: Walk, a: Arguments) -> Value:
    return _written(walk, a.tensor("self"), a.tensor("source"), [0])


def _written(walk: Walk, x: Tensorlike, source: Tensorlike, axes: Sequence[int]) -> Value:
    """A tensor some of whose elements, along axes, are those of another."""
    if isinstance(source, Fixed):
        return x
    kept = x.rank - 1 - max(axes)
    if source.rank < kept:
        raise UnfollowedError("writes a tensor of fewer axes")
    merged = walk.tracer.pooled(
        source,
        range(source.rank - kept),
        (*(1,) * (source.rank - kept), *source.shape[source.rank - kept :]),
    )
    tail = merged.shape[source.rank - kept :]
    lined = walk.run("reshape", merged, (*(1,) * (x.rank - kept), *tail))
    lined = walk.move("expand", lambda labels: np.broadcast_to(labels, x.shape), lined)
    return lined if isinstance(x, Fixed) else walk.tracer.join("sum", x, lined)


@table("one_hot", "self num_classes")
def _one_hot(walk: Walk, a: Arguments) -> Value:
    x, classes = a.tensor("self"), a.int("num_classes", -1)
    if classes < 1:
        raise UnfollowedError("one_hot with an unknown number of classes")
    shape = (*x.shape, classes)
    return walk.tracer.forgotten("one_hot", shape, x) if isinstance(x, Traced) else Fixed(shape)
