"""Operations that only move elements: numpy runs them, on labels, places in weights or values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint_plugins.networks.aten.arguments import Arguments, as_int, plain
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import UnfollowedError, Value
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.traced import Traced

Array = NDArray[Any]
_END = 1 << 62


def moving(names: str, order: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of (array, arguments, rank) that moves the first argument's elements."""

    def register(function: Callable[[Array, Arguments], Any]) -> Callable[[Array, Arguments], Any]:
        @table(names, order)
        def handler(walk: Walk, a: Arguments) -> Value:
            return walk.move(a.op, lambda x: function(x, a), a.tensor(order.split()[0]))

        return function

    return register


@moving("view reshape _unsafe_view _reshape_alias", "self size")
def _view(x: Array, a: Arguments) -> Array:
    name = "shape" if "shape" in a.named else "size"
    if not isinstance(a.get(name, None), (list, tuple, int)):
        return x  # another element type
    return x.reshape(a.ints(name))


@moving("permute", "self dims")
def _permute(x: Array, a: Arguments) -> Array:
    return x.transpose(a.ints("dims"))


@moving("transpose swapaxes swapdims", "self dim0 dim1")
def _transpose(x: Array, a: Arguments) -> Array:
    first = "dim0" if "dim0" in a.named or len(a.positional) > 1 else "axis0"
    return x.swapaxes(a.int(first), a.int(first[:-1] + "1")) if x.ndim else x


@moving("t numpy_T", "self")
def _t(x: Array, __: Arguments) -> Array:
    return x.T


@moving("mT adjoint mH", "self")
def _matrix_transpose(x: Array, __: Arguments) -> Array:
    return x.swapaxes(-1, -2)


@moving("movedim moveaxis", "self source destination")
def _movedim(x: Array, a: Arguments) -> Array:
    return np.moveaxis(x, a.ints("source"), a.ints("destination"))


@moving("slice", "self dim start end step")
def _slice(x: Array, a: Arguments) -> Array:
    axis = a.int("dim", 0) % x.ndim
    return x[(slice(None),) * axis + (span_of(a),)]


def span_of(a: Arguments) -> slice:
    """The places that a slice names."""
    return slice(a.int("start", 0), a.int("end", _END), a.int("step", 1))


@moving("narrow", "self dim start length")
def _narrow(x: Array, a: Arguments) -> Array:
    axis, start = a.int("dim") % x.ndim, a.int("start")
    start = start + x.shape[axis] if start < 0 else start
    return x[(slice(None),) * axis + (slice(start, start + a.int("length")),)]


@moving("select", "self dim index")
def _select(x: Array, a: Arguments) -> Array:
    index = plain(a.get("index"))
    axis = a.int("dim") % x.ndim
    if not isinstance(index, int):  # an input's number: every place may be meant
        if x.strides[axis] == 0:
            return x[(slice(None),) * axis + (slice(0, 1),)].squeeze(axis)
        raise UnfollowedError("select at a place that depends on the input")
    if not -x.shape[axis] <= index < x.shape[axis]:
        raise IndexError(f"place {index} of {x.shape[axis]}")
    index %= x.shape[axis]
    return x[(slice(None),) * axis + (slice(index, index + 1),)].squeeze(axis)


@moving("unbind", "self dim")
def _unbind(x: Array, a: Arguments) -> list[Array]:
    moved = np.moveaxis(x, a.int("dim", 0), 0)
    if len(moved) > 4096:
        raise UnfollowedError("unbinds more than 4,096 parts")
    return list(moved)


@moving("split split_with_sizes unsafe_split unsafe_split_with_sizes", "self split_size dim")
def _split(x: Array, a: Arguments) -> list[Array]:
    given = a.get("split_sizes" if "split_sizes" in a.named else "split_size")
    axis = a.int("dim", 0) % x.ndim
    if isinstance(given, (list, tuple)):
        sizes = [as_int(size, a.op) for size in given]
        if sum(sizes) != x.shape[axis]:
            raise ValueError(f"splits {x.shape[axis]} into {sizes}")
        return np.split(x, np.cumsum(sizes)[:-1], axis)
    size = as_int(given, a.op)
    return np.split(x, range(size, x.shape[axis], size), axis)


@moving("chunk unsafe_chunk", "self chunks dim")
def _chunk(x: Array, a: Arguments) -> list[Array]:
    axis = a.int("dim", 0) % x.ndim
    size = max(1, -(-x.shape[axis] // a.int("chunks")))
    return np.split(x, range(size, x.shape[axis], size), axis)


@moving("tensor_split", "self sections dim")
def _tensor_split(x: Array, a: Arguments) -> list[Array]:
    given = a.get("indices" if "indices" in a.named else "sections")
    places = [as_int(i, a.op) for i in given] if isinstance(given, (list, tuple)) else int(given)
    return np.array_split(x, places, a.int("dim", 0))


@moving("expand broadcast_to", "self size")
def _expand(x: Array, a: Arguments) -> Array:
    return _expanded(x, a.ints("size"))


def _expanded(x: Array, size: Sequence[int]) -> Array:
    own = (1,) * (len(size) - x.ndim) + x.shape
    wanted = [n if size[i] == -1 else size[i] for i, n in enumerate(own)]
    return np.broadcast_to(x, wanted)


@moving("unsqueeze", "self dim")
def _unsqueeze(x: Array, a: Arguments) -> Array:
    return np.expand_dims(x, a.int("dim"))


@moving("squeeze", "self dim")
def _squeeze(x: Array, a: Arguments) -> Array:
    dims = a.get("dim", None)
    axes = range(x.ndim) if dims is None else [d % max(x.ndim, 1) for d in a.ints("dim")]
    return x.squeeze(tuple({axis for axis in axes if x.shape[axis] == 1}))


@moving("flatten", "self start_dim end_dim")
def _flatten(x: Array, a: Arguments) -> Array:
    if not x.ndim:
        return x.reshape(1)
    start, end = a.int("start_dim", 0) % x.ndim, a.int("end_dim", -1) % x.ndim
    size = int(np.prod(x.shape[start : end + 1]))
    return x.reshape((*x.shape[:start], size, *x.shape[end + 1 :]))


@moving("ravel", "self")
def _ravel(x: Array, __: Arguments) -> Array:
    return x.reshape(-1)


@moving("unflatten", "self dim sizes")
def _unflatten(x: Array, a: Arguments) -> Array:
    axis, sizes = a.int("dim") % x.ndim, list(a.ints("sizes"))
    if -1 in sizes:
        sizes[sizes.index(-1)] = x.shape[axis] // -int(np.prod(sizes))
    return x.reshape((*x.shape[:axis], *sizes, *x.shape[axis + 1 :]))


@table("tril triu", "self diagonal")
def _triangle(walk: Walk, a: Arguments) -> Value:
    x, cut = a.tensor("self"), np.tril if a.op.startswith("tril") else np.triu
    if isinstance(x, Traced):
        return x
    return walk.move(a.op, lambda values: cut(values, a.int("diagonal", 0)), x)


@moving("view_as_real", "self")
def _view_as_real(x: Array, __: Arguments) -> Array:
    return np.broadcast_to(x[..., None], (*x.shape, 2))
