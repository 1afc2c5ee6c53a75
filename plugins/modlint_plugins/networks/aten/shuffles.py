"""Moves that put elements into another order, or several times."""

from __future__ import annotations

import numpy as np

from modlint_plugins.networks.aten.arguments import Arguments, as_int
from modlint_plugins.networks.aten.moves import Array, moving
from modlint_plugins.networks.aten.padding import padded
from modlint_plugins.networks.aten.values import MAX_ELEMENTS, UnfollowedError


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
        x = padded(x, axis - 2, n, n, "constant")
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
