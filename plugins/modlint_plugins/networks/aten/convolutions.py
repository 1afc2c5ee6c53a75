"""Convolutions, pooling and resizing."""

from __future__ import annotations

import numpy as np

from modlint.network import CallKind
from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, UnfollowedError, Value, computed, layout_of
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.aten.weighted import layer_name, with_bias
from modlint_plugins.networks.flow.nodes import Weighted
from modlint_plugins.networks.flow.traced import Traced

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
    stride, dilation = sizes_of(a, "stride", 1, rank), sizes_of(a, "dilation", 1, rank)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    padding = a.get("padding", 0)
    if isinstance(padding, str):
        if padding == "same":
            return sizes
        padding = 0
        pads: Sizes = (0,) * rank
    else:
        pads = sizes_of(a, "padding", 0, rank)
    if transposed:
        extra = sizes_of(a, "output_padding", 0, rank)
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


def sizes_of(a: Arguments, name: str, default: int, rank: int) -> Sizes:
    """A number for each axis."""
    given = a.ints(name, default) or (default,)
    return given * rank if len(given) == 1 else given


@table("_weight_norm _weight_norm_interface", "v g dim")
def _weight_norm(_: Walk, a: Arguments) -> Value:
    v: Tensorlike = a.tensor("v")
    if not isinstance(v, Fixed):
        raise UnfollowedError("a norm of weights that depend on the input")
    made = computed(v.shape, tuple(x for x in (v, a.tensor("g")) if isinstance(x, Fixed)))
    return [made, Fixed(a.tensor("g").shape)] if a.op.endswith("interface") else made
