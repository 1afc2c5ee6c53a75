"""Operations that only move elements: numpy runs them, on labels, places in weights or values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint_plugins.networks.aten.arguments import Arguments, as_int, plain
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import MAX_ELEMENTS, Fixed, UnfollowedError, Value
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.tracer import Traced

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
def _t(x: Array, a: Arguments) -> Array:
    return x.T


@moving("mT adjoint mH", "self")
def _matrix_transpose(x: Array, a: Arguments) -> Array:
    return x.swapaxes(-1, -2)


@moving("movedim moveaxis", "self source destination")
def _movedim(x: Array, a: Arguments) -> Array:
    return np.moveaxis(x, a.ints("source"), a.ints("destination"))


@moving("slice", "self dim start end step")
def _slice(x: Array, a: Arguments) -> Array:
    axis = a.int("dim", 0) % x.ndim
    return x[(slice(None),) * axis + (_span(a),)]


def _span(a: Arguments) -> slice:
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
def _ravel(x: Array, a: Arguments) -> Array:
    return x.reshape(-1)


@moving("unflatten", "self dim sizes")
def _unflatten(x: Array, a: Arguments) -> Array:
    axis, sizes = a.int("dim") % x.ndim, list(a.ints("sizes"))
    if -1 in sizes:
        sizes[sizes.index(-1)] = x.shape[axis] // -int(np.prod(sizes))
    return x.reshape((*x.shape[:axis], *sizes, *x.shape[axis + 1 :]))


@moving("repeat tile", "self repeats")
def _repeat(x: Array, a: Arguments) -> Array:
    times = a.ints("dims" if "dims" in a.named else "repeats")
    if int(np.prod(times, dtype=object)) * x.size > MAX_ELEMENTS:
        raise UnfollowedError(f"repeats to more than {MAX_ELEMENTS:,} elements")
    if a.op == "repeat" and len(times) < x.ndim:
        raise ValueError("fewer repeats than axes")
    return np.tile(x, times)


@moving("flip", "self dims")
def _flip(x: Array, a: Arguments) -> Array:
    return np.flip(x, a.ints("dims"))


@moving("roll", "self shifts dims")
def _roll(x: Array, a: Arguments) -> Array:
    dims = a.ints("dims", ())
    shifts = a.ints("shifts")
    return np.roll(x, shifts, dims) if dims else np.roll(x, shifts[0])


@moving("rot90", "self k dims")
def _rot90(x: Array, a: Arguments) -> Array:
    dims = a.ints("dims", (0, 1))
    return np.rot90(x, a.int("k", 1), (dims[0], dims[1]))


@moving("pixel_shuffle", "self upscale_factor")
def _pixel_shuffle(x: Array, a: Arguments) -> Array:
    r = a.int("upscale_factor")
    *lead, c, h, w = x.shape
    x = x.reshape((*lead, c // (r * r), r, r, h, w))
    n = len(lead)
    x = x.transpose((*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return x.reshape((*lead, c // (r * r), h * r, w * r))


@moving("pixel_unshuffle", "self downscale_factor")
def _pixel_unshuffle(x: Array, a: Arguments) -> Array:
    r = a.int("downscale_factor")
    *lead, c, h, w = x.shape
    x = x.reshape((*lead, c, h // r, r, w // r, r))
    n = len(lead)
    x = x.transpose((*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return x.reshape((*lead, c * r * r, h // r, w // r))


@moving("channel_shuffle native_channel_shuffle", "self groups")
def _channel_shuffle(x: Array, a: Arguments) -> Array:
    groups = a.int("groups")
    split = x.reshape((x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    return split.swapaxes(1, 2).reshape(x.shape)


@moving("repeat_interleave", "self repeats dim")
def _repeat_interleave(x: Array, a: Arguments) -> Array:
    times, dim = a.int("repeats"), a.get("dim", None)
    return np.repeat(x, times, None if dim is None else as_int(dim, a.op))


@moving("unfold", "self dimension size step")
def _unfold(x: Array, a: Arguments) -> Array:
    axis = a.int("dimension") % max(x.ndim, 1)
    windows = np.lib.stride_tricks.sliding_window_view(x, a.int("size"), axis)
    return windows[(slice(None),) * axis + (slice(None, None, a.int("step")),)]


@moving("diagonal", "self offset dim1 dim2")
def _diagonal(x: Array, a: Arguments) -> Array:
    return np.diagonal(x, a.int("offset", 0), a.int("dim1", 0), a.int("dim2", 1))


@moving("im2col", "self kernel_size dilation padding stride")
def _im2col(x: Array, a: Arguments) -> Array:
    kernel, padding = _pair(a.ints("kernel_size")), _pair(a.ints("padding", (0,)))
    stride, dilation = _pair(a.ints("stride", (1,))), _pair(a.ints("dilation", (1,)))
    for axis, n in enumerate(padding):
        x = _padded(x, axis - 2, n, n, "constant")
    reach = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, (-2, -1))
    windows = windows[..., :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
    n = windows.ndim - 4
    moved = windows.transpose((*range(n), n + 2, n + 3, n, n + 1))
    lead = x.shape[:-3]
    columns = x.shape[-3] * kernel[0] * kernel[1]
    return moved.reshape((*lead, columns, windows.shape[n] * windows.shape[n + 1]))


def _pair(given: tuple[int, ...]) -> tuple[int, ...]:
    return given * 2 if len(given) == 1 else given


@moving("pad constant_pad_nd", "self pad mode value")
def _pad(x: Array, a: Arguments) -> Array:
    mode = a.get("mode", "constant") if a.op == "pad" else "constant"
    return _padded_all(x, a.ints("pad"), str(mode))


@moving(
    "reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d"
    " replication_pad3d",
    "self padding",
)
def _pad_by_name(x: Array, a: Arguments) -> Array:
    mode = "reflect" if a.op.startswith("reflection") else "replicate"
    return _padded_all(x, a.ints("padding"), mode)


_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _padded_all(x: Array, sizes: Sequence[int], mode: str) -> Array:
    for i in range(len(sizes) // 2):
        x = _padded(x, -1 - i, sizes[2 * i], sizes[2 * i + 1], mode)
    return x


def _padded(x: Array, axis: int, before: int, after: int, mode: str) -> Array:
    axis %= x.ndim
    cut = slice(max(0, -before), x.shape[axis] - max(0, -after))
    x = x[(slice(None),) * axis + (cut,)]
    before, after = max(0, before), max(0, after)
    if not before and not after:
        return x
    if (before + after + x.shape[axis]) * (x.size // max(1, x.shape[axis])) > MAX_ELEMENTS:
        raise UnfollowedError(f"pads to more than {MAX_ELEMENTS:,} elements")
    widths = [(before, after) if i == axis else (0, 0) for i in range(x.ndim)]
    return np.pad(x, widths, mode=_MODES.get(mode, "constant"))  # type: ignore[call-overload]


@table("tril triu", "self diagonal")
def _triangle(walk: Walk, a: Arguments) -> Value:
    x, cut = a.tensor("self"), np.tril if a.op.startswith("tril") else np.triu
    if isinstance(x, Traced):
        return x
    return walk.move(a.op, lambda values: cut(values, a.int("diagonal", 0)), x)


@moving("view_as_real", "self")
def _view_as_real(x: Array, a: Arguments) -> Array:
    return np.broadcast_to(x[..., None], (*x.shape, 2))


@table("expand_as view_as reshape_as", "self other")
def _alike(walk: Walk, a: Arguments) -> Value:
    shape = a.tensor("other").shape
    expand = a.op == "expand_as"
    function = (lambda x: np.broadcast_to(x, shape)) if expand else (lambda x: x.reshape(shape))
    return walk.move(a.op, function, a.tensor("self"))


@table("stack", "tensors dim")
def _stack(walk: Walk, a: Arguments) -> Value:
    parts = _listed(walk, a)
    return walk.move("stack", lambda *xs: np.stack(xs, a.int("dim", 0)), *parts)


@table("cat concat concatenate", "tensors dim")
def _cat(walk: Walk, a: Arguments) -> Value:
    parts = [x for x in _listed(walk, a) if x.shape != (0,)]
    name = "axis" if "axis" in a.named else "dim"
    axis = a.int(name, 0) % parts[0].rank
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(x, Fixed) for x in parts):
        return walk.move("concat", lambda *xs: np.concatenate(xs, axis), *parts)
    return walk.tracer.concat("concat", axis, *(walk.traced(x) for x in parts))


@table("hstack vstack dstack column_stack", "tensors")
def _stacks(walk: Walk, a: Arguments) -> Value:
    return walk.move(a.op, lambda *xs: getattr(np, a.op)(xs), *_listed(walk, a))


def _listed(walk: Walk, a: Arguments) -> list[Any]:
    given = a.get("tensors")
    if not isinstance(given, (list, tuple)) or not given:
        raise UnfollowedError(f"{a.op} of no tensors")
    inner = [Arguments(a.op, (x,), {}, ("self",)).tensor("self") for x in given]
    if sum(int(np.prod(x.shape, dtype=object)) for x in inner) > 4 * MAX_ELEMENTS:
        raise UnfollowedError(f"{a.op} of more than {4 * MAX_ELEMENTS:,} elements")
    return inner


@table("slice_scatter", "self src dim start end step")
def _slice_scatter(walk: Walk, a: Arguments) -> Value:
    def written(x: Array, src: Array) -> Array:
        out = np.array(x)
        out[(slice(None),) * (a.int("dim", 0) % x.ndim) + (_span(a),)] = src
        return out

    return walk.move(a.op, written, a.tensor("self"), a.tensor("src"))


@table("select_scatter", "self src dim index")
def _select_scatter(walk: Walk, a: Arguments) -> Value:
    def written(x: Array, src: Array) -> Array:
        out = np.array(x)
        out[(slice(None),) * (a.int("dim") % x.ndim) + (a.int("index"),)] = src
        return out

    return walk.move(a.op, written, a.tensor("self"), a.tensor("src"))
