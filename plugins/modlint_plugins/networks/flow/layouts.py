"""Where the kernels of stored weights lie."""

from __future__ import annotations

from math import prod

from modlint.checkpoint import Tensor, contiguous_strides
from modlint.network import CallKind, Layout
from modlint_plugins.networks.flow.nodes import Weighted


def linear(
    tensor: Tensor,
    *,
    transposed: bool = False,
    rows: range | None = None,
    bias: str | None = None,
) -> Weighted:
    """A linear layer's weight, stored as (out, in), or as (in, out); `rows` are the part used."""
    out, into = reversed(tensor.shape) if transposed else tensor.shape
    step, jump = (1, out) if transposed else (into, 1)
    used = range(out) if rows is None else rows
    layout = Layout(used.start * step, (1, len(used), into, 1), (0, step, jump, 1))
    return Weighted(tensor=tensor.name, layout=layout, rows=len(used), columns=into, bias=bias)


def convolution(
    tensor: Tensor, kind: CallKind = "conv", *, groups: int = 1, bias: str | None = None
) -> Weighted:
    """A convolution's weight, stored as (out, in/groups, *kernel).

    A transposed one's is stored as (in, out/groups, *kernel).
    """
    first, second, *kernel = tensor.shape
    positions = prod(kernel)
    step = contiguous_strides((first, second, positions))
    if kind == "conv-transpose":
        shape = (groups, second, first // groups, positions)
        strides = (first // groups * step[0], step[1], step[0], 1)
    else:
        shape = (groups, first // groups, second, positions)
        strides = (first // groups * step[0], step[0], step[1], 1)
    layout = Layout(0, shape, strides)
    rows, columns = shape[0] * shape[1], shape[0] * shape[2]
    return Weighted(
        tensor=tensor.name, layout=layout, rows=rows, columns=columns, groups=groups, bias=bias
    )


def embedding(tensor: Tensor) -> Weighted:
    """A table of (entries, channels): a column for each entry."""
    return linear(tensor, transposed=True)
