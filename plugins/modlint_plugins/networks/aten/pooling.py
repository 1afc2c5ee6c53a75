"""Pooling and resizing of images."""

from __future__ import annotations

import math
from collections.abc import Sequence

from modlint_plugins.networks.aten.arguments import Arguments, as_int, plain
from modlint_plugins.networks.aten.convolutions import sizes_of
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, UnfollowedError, Value, computed
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.traced import Traced


def _rank_of(op: str) -> int:
    return next(int(digit) for digit in op if digit.isdigit())


_POOLS = (
    "max_pool1d max_pool2d max_pool3d"
    " max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices"
)


@table(_POOLS, "self kernel_size stride padding dilation ceil_mode")
def _max_pool(walk: Walk, a: Arguments) -> Value:
    out = _pooled(walk, a, _rank_of(a.op))
    return [out, walk.tracer.forgotten(a.op, out.shape)] if "indices" in a.op else out


@table("avg_pool1d avg_pool2d avg_pool3d lp_pool2d", "self kernel_size stride padding ceil_mode")
def _avg_pool(walk: Walk, a: Arguments) -> Value:
    return _pooled(walk, a, _rank_of(a.op))


def _pooled(walk: Walk, a: Arguments, rank: int) -> Traced:
    x = walk.traced(a.tensor("self"))
    kernel = sizes_of(a, "kernel_size", 1, rank)
    stride = a.ints("stride", ()) or kernel
    stride = stride * rank if len(stride) == 1 else stride
    pads, dilation = sizes_of(a, "padding", 0, rank), sizes_of(a, "dilation", 1, rank)
    up = a.flag("ceil_mode")
    found = []
    for n, k, s, p, d in zip(x.shape[-rank:], kernel, stride, pads, dilation, strict=True):
        free = n + 2 * p - d * (k - 1) - 1
        size = (-(-free // s) if up else free // s) + 1
        found.append(size - 1 if up and (size - 1) * s >= n + p else size)
    if min(found) < 1:
        raise ValueError("the window is larger than the image")
    return _resized(walk, x, rank, found)


def _resized(walk: Walk, x: Traced, rank: int, sizes: Sequence[int]) -> Traced:
    shape = (*x.shape[:-rank], *sizes)
    axes = [axis for axis in range(x.rank - rank, x.rank) if shape[axis] != x.shape[axis]]
    return walk.tracer.pooled(x, axes or range(x.rank - rank, x.rank), shape)


@table(
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d"
    " _adaptive_avg_pool1d _adaptive_avg_pool2d _adaptive_avg_pool3d",
    "self output_size",
)
def _adaptive(walk: Walk, a: Arguments) -> Value:
    x, rank = walk.traced(a.tensor("self")), _rank_of(a.op)
    given = a.get("output_size")
    listed = list(given) if isinstance(given, (list, tuple)) else [given] * rank
    listed = listed * rank if len(listed) == 1 else listed
    sizes = [
        n if size is None else as_int(size, a.op)
        for n, size in zip(x.shape[-rank:], listed, strict=True)
    ]
    return _resized(walk, x, rank, sizes)


@table("adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d", "self output_size")
def _adaptive_max(walk: Walk, a: Arguments) -> Value:
    out = _adaptive(walk, a)
    return [out, walk.tracer.forgotten(a.op, out.shape)]


_RESIZES = (
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d"
    " _upsample_nearest_exact2d _upsample_nearest_exact3d"
)


_SMOOTH = (
    "upsample_bilinear2d upsample_bicubic2d upsample_linear1d upsample_trilinear3d"
    " _upsample_bilinear2d_aa _upsample_bicubic2d_aa"
)


@table(_RESIZES, "input output_size scale_factors")
def _nearest(walk: Walk, a: Arguments) -> Value:
    return _upsampled(walk, a, "scale_factors" if "scale_factors" in a.named else "scales")


@table(_SMOOTH, "input output_size align_corners scale_factors")
def _smooth(walk: Walk, a: Arguments) -> Value:
    return _upsampled(walk, a, "scale_factors")


def _upsampled(walk: Walk, a: Arguments, _: str) -> Value:
    x, rank = a.first, _rank_of(a.op)
    if isinstance(x, Fixed):
        size = a.ints("output_size", ())
        if not size:
            raise UnfollowedError("resizes a constant by a factor")
        return computed((*x.shape[:-rank], *size), (x,))
    if not isinstance(x, Traced):
        raise UnfollowedError(f"{a.op} of what is no tensor")
    size = a.get("output_size", None)
    if size is not None:
        return _resized(walk, x, rank, a.ints("output_size"))
    factors = plain(a.get("scale_factors"))
    listed = factors if isinstance(factors, (list, tuple)) else [factors] * rank
    sizes = [math.floor(n * float(plain(f))) for n, f in zip(x.shape[-rank:], listed, strict=True)]
    return _resized(walk, x, rank, sizes)


@table("grid_sampler grid_sampler_2d grid_sampler_3d", "input grid")
def _sampled(walk: Walk, a: Arguments) -> Value:
    x, grid = walk.traced(a.tensor("input")), a.tensor("grid")
    return _resized(walk, x, x.rank - 2, grid.shape[1:-1])
