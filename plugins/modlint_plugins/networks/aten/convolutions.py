"""Convolutions, pooling and resizing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from modlint.network import CallKind
from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike, as_int, plain
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, UnfollowedError, Value, computed, layout_of
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.aten.weighted import layer_name, with_bias
from modlint_plugins.networks.flow.nodes import Weighted
from modlint_plugins.networks.flow.tracer import Traced

Sizes = tuple[int, ...]


@table("conv1d conv2d conv3d", "input weight bias stride padding dilation groups")
def _conv(walk: Walk, a: Arguments) -> Value:
    return _convolved(walk, a, transposed=False)


@table(
    "conv_transpose1d conv_transpose2d conv_transpose3d",
    "input weight bias stride padding output_padding groups dilation",
)
def _conv_transpose(walk: Walk, a: Arguments) -> Value:
    return _convolved(walk, a, transposed=True)


@table(
    "convolution _convolution convolution_overrideable",
    "input weight bias stride padding dilation transposed output_padding groups",
)
def _convolution(walk: Walk, a: Arguments) -> Value:
    return _convolved(walk, a, transposed=a.flag("transposed"))


def _convolved(walk: Walk, a: Arguments, transposed: bool) -> Value:
    x, weight, groups = a.tensor("input"), a.tensor("weight"), a.int("groups", 1)
    rank = weight.rank - 2
    if isinstance(x, Fixed) or isinstance(weight, Traced) or not weight.owners:
        raise UnfollowedError("a convolution whose kernels are no weight of the file")
    single = x.rank == rank + 1
    x = walk.run("unsqueeze", x, 0) if single else x
    out, inner = weight.shape[:2]
    rows, columns = (inner * groups, out) if transposed else (out, inner * groups)
    if x.shape[1] != columns or rows % groups or columns % groups:
        walk.refuse(x.shape[1], columns)
    shape = (x.shape[0], rows, *_sizes_after(a, x.shape[2:], weight.shape[2:], transposed))
    bias = a.optional("bias")
    own = isinstance(bias, Fixed) and bias.name is not None and bias.shape == (rows,)
    weighted = Weighted(
        tensor=weight.owners[0],
        layout=layout_of(*_kernels(weight, groups, transposed)),
        rows=rows,
        columns=columns,
        groups=groups,
        bias=bias.name if own and isinstance(bias, Fixed) else None,
    )
    kind: CallKind = "conv-transpose" if transposed else "conv"
    made = walk.tracer.call(layer_name(weight.owners[0]), kind, weighted, x, 1, shape, 1)
    made = made if own or bias is None else with_bias(walk, made, bias, 1)
    return walk.run("squeeze", made, 0) if single else made


def _kernels(weight: Fixed, groups: int, transposed: bool):  # type: ignore[no-untyped-def]
    """The weight's view and the shape (groups, rows, columns, positions) that it is read in."""
    out, inner, *kernel = weight.shape
    positions = int(np.prod(kernel, dtype=int))
    shape = (groups, out // groups, inner, positions)
    view = None if weight.offset else weight.view
    if not transposed or view is None:
        return view, shape
    try:
        view = view.view()
        view.shape = shape
    except AttributeError:
        return None, shape
    return view.swapaxes(1, 2), (groups, inner, out // groups, positions)


def _sizes_after(a: Arguments, sizes: Sizes, kernel: Sizes, transposed: bool) -> Sizes:
    rank = len(kernel)
    stride, dilation = _each(a, "stride", 1, rank), _each(a, "dilation", 1, rank)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    padding = a.get("padding", 0)
    if isinstance(padding, str):
        if padding == "same":
            return sizes
        padding = 0
        pads: Sizes = (0,) * rank
    else:
        pads = _each(a, "padding", 0, rank)
    if transposed:
        extra = _each(a, "output_padding", 0, rank)
        found = [
            (n - 1) * s - 2 * p + r + e
            for n, s, p, r, e in zip(sizes, stride, pads, reach, extra, strict=True)
        ]
    else:
        found = [
            (n + 2 * p - r) // s + 1 for n, s, p, r in zip(sizes, stride, pads, reach, strict=True)
        ]
    if min(found, default=1) < 1:
        raise ValueError("the kernel is larger than the image")
    return tuple(found)


def _each(a: Arguments, name: str, default: int, rank: int) -> Sizes:
    given = a.ints(name, default) or (default,)
    return given * rank if len(given) == 1 else given


def _rank_of(op: str) -> int:
    return next(int(digit) for digit in op if digit.isdigit())


_POOLS = "max_pool1d max_pool2d max_pool3d max_pool2d_with_indices max_pool3d_with_indices max_pool1d_with_indices"


@table(_POOLS, "self kernel_size stride padding dilation ceil_mode")
def _max_pool(walk: Walk, a: Arguments) -> Value:
    out = _pooled(walk, a, _rank_of(a.op))
    return [out, walk.tracer.forgotten(a.op, out.shape)] if "indices" in a.op else out


@table("avg_pool1d avg_pool2d avg_pool3d lp_pool2d", "self kernel_size stride padding ceil_mode")
def _avg_pool(walk: Walk, a: Arguments) -> Value:
    return _pooled(walk, a, _rank_of(a.op))


def _pooled(walk: Walk, a: Arguments, rank: int) -> Traced:
    x = walk.traced(a.tensor("self"))
    kernel = _each(a, "kernel_size", 1, rank)
    stride = a.ints("stride", ()) or kernel
    stride = stride * rank if len(stride) == 1 else stride
    pads, dilation = _each(a, "padding", 0, rank), _each(a, "dilation", 1, rank)
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
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d _adaptive_avg_pool1d",
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


@table("_weight_norm _weight_norm_interface", "v g dim")
def _weight_norm(walk: Walk, a: Arguments) -> Value:
    v: Tensorlike = a.tensor("v")
    if not isinstance(v, Fixed):
        raise UnfollowedError("a norm of weights that depend on the input")
    made = computed(v.shape, tuple(x for x in (v, a.tensor("g")) if isinstance(x, Fixed)))
    return [made, Fixed(a.tensor("g").shape)] if a.op.endswith("interface") else made
