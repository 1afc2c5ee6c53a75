"""Products with a fixed matrix, and embeddings: what makes channels of channels."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from modlint.network import CallKind
from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike, as_tensor
from modlint_plugins.networks.aten.combining import combined
from modlint_plugins.networks.aten.contractions import contraction
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, UnfollowedError, Value, computed, layout_of
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.nodes import NormTensors, Weighted
from modlint_plugins.networks.flow.traced import Traced

_MOST_PARTS = 256
_STEM = re.compile(
    r"(\.parametrizations)?\.(weight(_v|_g|_orig|_raw)?|weight\.original[01]?|kernel|w|W)$"
    r"|_weight$|\.parametrizations\.\w+\.original\d?$"
)


def layer_name(tensor: str) -> str:
    """The layer that a weight is of, by the weight's name."""
    return _STEM.sub("", tensor) or tensor


@table("linear", "input weight bias")
def _linear(walk: Walk, a: Arguments) -> Value:
    weight = a.tensor("weight")
    if weight.rank == 1:
        weight = walk.run("unsqueeze", weight, 0)
    turned = walk.run("transpose", weight, 0, 1)
    return product(walk, a, a.tensor("input"), turned, a.optional("bias"))


@table("matmul mm bmm mv __matmul__ __rmatmul__ dot inner chain_matmul", "self mat2")
def _matmul(walk: Walk, a: Arguments) -> Value:
    return product(walk, a, *(as_tensor(x, a.op) for x in a.all[:2]))


@table("addmm addmv baddbmm addbmm", "self mat1 mat2")
def _addmm(walk: Walk, a: Arguments) -> Value:
    bias, left, right = (as_tensor(x, a.op) for x in a.all[:3])
    return product(walk, a, left, right, bias)


@table("outer ger", "self vec2")
def _outer(walk: Walk, a: Arguments) -> Value:
    left, right = (as_tensor(x, a.op) for x in a.all[:2])
    return combined(walk, a, "product", walk.run("unsqueeze", left, -1), right)


def product(
    walk: Walk, a: Arguments, left: Tensorlike, right: Tensorlike, bias: Tensorlike | None = None
) -> Value:
    """The matrix product of two tensors, with a bias added."""
    if (
        isinstance(right, Fixed)
        and right.rank == 2
        and left.rank
        and left.shape[-1] != right.shape[0]
    ):
        walk.refuse(left.shape[-1], right.shape[0])
    shape = _shape_of(left.shape, right.shape)
    if isinstance(left, Fixed) and isinstance(right, Fixed):
        return computed(shape, (left, right))
    if isinstance(right, Fixed) and right.owners and right.rank > 1:
        return _columns(walk, a, walk.traced(left), right, bias)
    if isinstance(left, Fixed) and left.owners and left.rank > 1:
        turned = walk.run("mT", right) if right.rank > 1 else right
        out = _columns(walk, a, walk.traced(turned), walk.run("mT", left), None)
        out = walk.run("mT", out) if right.rank > 1 else out
        return out if bias is None else combined(walk, _as(a, "add"), "sum", out, bias)
    out = _between(walk, left, right)
    return out if bias is None else combined(walk, _as(a, "add"), "sum", out, bias)


def _as(a: Arguments, op: str) -> Arguments:
    return Arguments(op, a.positional, a.named, a.order)


def _shape_of(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    if not left or not right or left[-1] != right[-2 if len(right) > 1 else 0]:
        raise ValueError(f"a product of {left} and {right}")
    lead = np.broadcast_shapes(left[:-2], right[:-2])
    return (*lead, *left[-2:-1], *(right[-1:] if len(right) > 1 else ()))


def _between(walk: Walk, left: Tensorlike, right: Tensorlike) -> Value:
    """A product in which no operand is a weight."""
    letters = "abcdefghijklmnop"
    rank = max(left.rank, right.rank, 2)
    lead = letters[: rank - 2]
    a = (lead[rank - left.rank :] + "yz") if left.rank > 1 else "z"
    b = (lead[rank - right.rank :] + "zx") if right.rank > 1 else "z"
    out = lead + ("y" if left.rank > 1 else "") + ("x" if right.rank > 1 else "")
    return contraction(walk, (a, b, out), left, right)


def _columns(walk: Walk, a: Arguments, x: Traced, weight: Fixed, bias: Tensorlike | None) -> Value:
    """A product with a weight whose columns are its last axis but one."""
    if weight.rank == 2:
        return called(walk, "linear", x, weight, bias)
    lead = weight.shape[:-2]
    count = int(np.prod(lead))
    if weight.view is not None and not any(weight.view.strides[:-2]):  # one, for each example
        weight = walk.move("first", lambda x: x[(slice(0, 1),) * len(lead)], weight)
        count = 1
    if count == 1:
        flat = walk.run("reshape", weight, weight.shape[-2:])
        return called(walk, "linear", x, flat, bias)
    if count > _MOST_PARTS:
        raise UnfollowedError(f"a product with more than {_MOST_PARTS} matrices at once")
    rank = max(x.rank, weight.rank)
    wide = np.broadcast_shapes(x.shape[:-2], lead)
    x = walk.run("expand", x, (*wide, *x.shape[-2:]))
    weight = walk.run("expand", weight, (*wide[: rank - weight.rank], *weight.shape))
    if wide != lead:
        raise UnfollowedError("a product with matrices for each example")
    parts = walk.run("unbind", walk.run("reshape", x, (count, *x.shape[-2:])), 0)
    weights = walk.run("unbind", walk.run("reshape", weight, (count, *weight.shape[-2:])), 0)
    made = [called(walk, "linear", p, w, None) for p, w in zip(parts, weights, strict=True)]
    out = walk.run("reshape", walk.run("stack", made, 0), (*lead, x.shape[-2], weight.shape[-1]))
    return out if bias is None else combined(walk, _as(a, "add"), "sum", out, bias)


def called(
    walk: Walk, kind: CallKind, x: Traced, weight: Fixed, bias: Tensorlike | None, name: str = ""
) -> Value:
    """A call with a weight (columns, rows); a bias that is a whole tensor is the call's own."""
    columns, rows = weight.shape
    if x.shape[-1] != columns:
        walk.refuse(x.shape[-1], columns)
    turned = weight.view.T if weight.view is not None and not weight.offset else None
    own = isinstance(bias, Fixed) and bias.name is not None and bias.shape == (rows,)
    weighted = Weighted(
        tensor=weight.owners[0],
        layout=layout_of(None if turned is None else turned, (1, rows, columns, 1)),
        rows=rows,
        columns=columns,
        bias=bias.name if own and isinstance(bias, Fixed) else None,
    )
    shape = (*x.shape[:-1], rows)
    out = walk.tracer.call(name or layer_name(weight.owners[0]), kind, weighted, x, -1, shape, -1)
    return out if own or bias is None else with_bias(walk, out, bias, -1)


def with_bias(walk: Walk, x: Traced, bias: Tensorlike, axis: int) -> Value:
    """A bias that is a part of a tensor of the file, or computed."""
    if isinstance(bias, Fixed) and bias.rank == 1 and bias.view is not None and bias.size > 1:
        shift = NormTensors(kind="affine", shift=bias.owners[0])
        return walk.tracer.norm(shift, x, axis, bias.start)
    if isinstance(bias, Fixed):
        is_zero = bias.value is not None and not bias.value.any()
        return x if is_zero else walk.tracer.offset(x)
    return walk.run("add", x, bias)


@table("embedding embedding_bag", "weight indices")
def _embedding(walk: Walk, a: Arguments) -> Value:
    weight, places = a.tensor("weight"), a.tensor("indices")
    if isinstance(weight, Traced):
        return gathered(walk, weight, 0, places)
    bag = a.op == "embedding_bag"
    shape = (
        (1 if bag else places.shape[0], weight.shape[-1])
        if bag
        else (*places.shape, weight.shape[-1])
    )
    out = looked_up(walk, weight, shape)
    return [out, *(Fixed((1,)) for _ in range(3))] if bag else out


def looked_up(walk: Walk, weight: Fixed, shape: Sequence[int]) -> Traced | Fixed:
    """Rows of a table (entries, channels)."""
    if not weight.owners or weight.rank != 2:
        return computed(tuple(shape), (weight,))
    entries, channels = weight.shape
    view = None if weight.view is None else weight.view.T
    layout = layout_of(view, (1, channels, entries, 1))
    table_ = Weighted(tensor=weight.owners[0], layout=layout, rows=channels, columns=entries)
    return walk.tracer.call(layer_name(weight.owners[0]), "embedding", table_, None, 0, shape, -1)


def gathered(walk: Walk, x: Traced, axis: int, places: Tensorlike) -> Value:
    """Elements along an axis at places that depend on the input."""
    shape = (*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])
    merged = walk.tracer.pooled(x, [axis], [1 if i == axis else n for i, n in enumerate(x.shape)])
    lead = (*x.shape[:axis], *(1,) * places.rank, *x.shape[axis + 1 :])
    out = walk.run("reshape", merged, lead)
    return walk.move("expand", lambda labels: np.broadcast_to(labels, shape), out)
