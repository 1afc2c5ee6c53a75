"""Weights as layers use them: where a constant lies in its tensor, and the call that reads it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from modlint.network import CallKind
from modlint_plugins.networks.flow.nodes import CallNode, Weighted
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.naming import layer_name
from modlint_plugins.networks.onnx_graph.op import Op
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.scope import Fresh
from modlint_plugins.networks.onnx_graph.static import Arrange, Static

Letters = tuple[str, str, str]


def weighted(
    static: Static,
    arrange: Arrange,
    shape: tuple[int, int],
    groups: int = 1,
    bias: str | None = None,
    *,
    is_exact: bool = True,
) -> Weighted:
    """A constant as kernels of shape (rows, columns).

    Args:
        static: the constant.
        arrange: puts its elements into (groups, rows of a group, columns of a group, positions).
        shape: rows and columns, of all groups together.
        groups: number of groups.
        bias: name of the bias.
        is_exact: whether the kernels are its elements, not multiples of them.

    Raises:
        Refused: it is of no tensor of the file.
    """
    if static.tensor is None:
        raise Refused("takes a weight that is computed of several tensors")
    rows, columns = shape
    if groups < 1 or rows % groups or columns % groups:
        raise Refused(f"has {rows:,} rows and {columns:,} columns in {groups} groups")
    layout, used = (static.layout(arrange) if is_exact else None) or (None, None)
    return Weighted(
        tensor=static.tensor.name,
        layout=layout,
        rows=rows,
        columns=columns,
        groups=groups,
        bias=bias if used is None else None,
        row_of=used,
        channels=None if used is None else rows,
    )


def called(
    op: Op,
    kind: CallKind,
    weight: Weighted,
    x: Traced | None,
    axis: int,
    shape: Sequence[int],
    out_axis: int,
) -> Traced:
    """What a weight makes of a tensor; the layer is named after its tensors or its node."""
    name = layer_name(weight.tensor, weight.bias, op.node.name, op.node.kind)
    y = op.tracer.call(name, kind, weight, x, axis, shape, out_axis)
    call = op.tracer.node_of(y)
    if isinstance(call, CallNode):
        op.walk.scope.fresh[op.node.output] = Fresh(call, op.node)
    return y


def product(
    op: Op,
    letters: Letters,
    x: Traced,
    weight: Static,
    bias: str | None = None,
    *,
    is_exact: bool = True,
) -> Traced:
    """The product of activations and a constant: `letters` name the axes of x, weight, result.

    What is summed and what both have are columns; a letter that both and the result have parts
    the weight into groups.
    """
    own, theirs, target = letters
    size = dict(zip(theirs, weight.shape, strict=True)) | {
        letter: n for letter, n in zip(own, x.shape, strict=True) if n > 1
    }
    given = dict(zip(theirs, weight.shape, strict=True))
    repeated = [weight.repeats(i) for i, t in enumerate(theirs)]
    single = [
        t for t, alike in zip(theirs, repeated, strict=True) if alike and t in own and t in target
    ]
    if single:
        cut = tuple(0 if t in single else slice(None) for t in theirs)
        weight = weight.moved(lambda a: a[cut], copies=False)
        theirs = "".join(t for t in theirs if t not in single)
    batch = [t for t in theirs if t in own and t in target]
    summed = [t for t in theirs if t in own and t not in target]
    rows = [t for t in theirs if t not in own and t in target]
    if not summed or len(batch) + len(summed) + len(rows) != len(theirs):
        raise Refused("multiplies constants in a way that is not followed")
    if any(given[t] != size[t] for t in summed):
        raise Refused(f"multiplies {list(x.shape)} and {list(weight.shape)}")
    x = op.widened(x, [size[t] if t in batch else n for t, n in zip(own, x.shape, strict=True)])
    counts = [math.prod(size[t] for t in part) for part in (batch, rows, summed)]
    order = [theirs.index(t) for t in (*batch, *rows, *summed)]
    kernels = weighted(
        weight,
        lambda a: a.transpose(order).reshape(*counts, 1),
        (counts[0] * counts[1], counts[0] * counts[2]),
        counts[0],
        bias,
        is_exact=is_exact,
    )
    return _called(op, kernels, x, own, (batch, rows, summed), target, size)


def _called(
    op: Op,
    kernels: Weighted,
    x: Traced,
    own: str,
    parts: tuple[list[str], list[str], list[str]],
    target: str,
    size: dict[str, int],
) -> Traced:
    batch, rows, summed = parts
    shape = [size.get(t, 1) for t in target]
    if not batch and len(summed) == len(rows) == 1:
        return called(op, "linear", kernels, x, own.index(summed[0]), shape, target.index(rows[0]))
    rest = [t for t in own if t not in batch and t not in summed]
    moved = op.transposed(x, [own.index(t) for t in (*rest, *batch, *summed)])
    front = [size.get(t, 1) for t in rest]
    flat = op.as_traced(op.reshaped(moved, [*front, kernels.columns]))
    y = called(op, "linear", kernels, flat, -1, [*front, kernels.rows], -1)
    order = [*rest, *batch, *rows]
    wide = op.reshaped(y, [size.get(t, 1) for t in order])
    return op.as_traced(op.transposed(wide, [order.index(t) for t in target]))
