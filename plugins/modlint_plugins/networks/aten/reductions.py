"""Sums and extremes along axes, softmax, and what sorts."""

from __future__ import annotations

from typing import Any

import numpy as np

from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike
from modlint_plugins.networks.aten.combining import combined
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, Value, computed
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.traced import Traced

_NUMPY: dict[str, Any] = {
    "sum": np.sum, "amax": np.max, "amin": np.min, "max": np.max, "min": np.min, "prod": np.prod,
    "all": np.all, "any": np.any, "mean": np.mean,
}  # fmt: skip


@table("sum mean amax amin prod logsumexp nansum nanmean all any count_nonzero", "self dim keepdim")
def _reduce(walk: Walk, a: Arguments) -> Value:
    return reduced(walk, a, a.tensor("self"), a.flag("keepdim"))


@table("max min median mode nanmedian aminmax", "self dim keepdim")
def _extreme(walk: Walk, a: Arguments) -> Value:
    x = a.tensor("self")
    if a.op in ("max", "min") and _other(a) is not None:
        return combined(walk, a, "sum", x, a.tensor("other" if "other" in a.named else "dim"))
    out = reduced(walk, a, x, a.flag("keepdim"))
    if a.op == "aminmax" or a.get("dim", None) is not None:
        return [out, walk.tracer.forgotten(a.op, out.shape) if isinstance(x, Traced) else out]
    return out


def _other(a: Arguments) -> Any:
    given = a.get("other", a.get("dim", None))
    return given if isinstance(given, (Traced, Fixed)) else None


@table("var std", "self dim unbiased keepdim")
def _spread(walk: Walk, a: Arguments) -> Value:
    return reduced(walk, a, a.tensor("self"), a.flag("keepdim"))


@table("var_mean std_mean", "self dim unbiased keepdim")
def _spread_and_mean(walk: Walk, a: Arguments) -> Value:
    x = a.tensor("self")
    return [reduced(walk, a, x, a.flag("keepdim")), reduced(walk, a, x, a.flag("keepdim"))]


@table("norm linalg_vector_norm linalg_norm", "self p dim keepdim")
def _norm(walk: Walk, a: Arguments) -> Value:
    return reduced(walk, a, a.tensor("self"), a.flag("keepdim"))


def reduced(walk: Walk, a: Arguments, x: Tensorlike, keep: bool) -> Tensorlike:
    """What is left of a tensor along the axes that the call names."""
    axes = _axes(a, x.rank)
    if isinstance(x, Traced):
        return walk.tracer.reduced(a.op, x, axes, keep) if axes else x
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes)
    function = _NUMPY.get(a.op)
    if x.value is None or function is None:
        return computed(shape, (x,))
    return Fixed(shape, value=np.asarray(function(x.value, axis=tuple(axes), keepdims=keep)))


def _axes(a: Arguments, rank: int) -> list[int]:
    given = a.get("dim", None)
    if given is None or isinstance(given, bool) or (isinstance(given, (list, tuple)) and not given):
        return list(range(rank))
    return sorted({axis % rank for axis in a.ints("dim")}) if rank else []


@table("softmax _softmax log_softmax _log_softmax _safe_softmax softmin", "self dim")
def _softmax(walk: Walk, a: Arguments) -> Value:
    x = a.tensor("self")
    return _forgotten(walk, a, x, x.shape)


@table("argmax argmin", "self dim keepdim")
def _place(walk: Walk, a: Arguments) -> Value:
    x, axes = a.tensor("self"), _axes(a, a.tensor("self").rank)
    keep = a.flag("keepdim")
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes)
    return _forgotten(walk, a, x, shape)


@table("topk", "self k dim")
def _topk(walk: Walk, a: Arguments) -> Value:
    x, axis = a.tensor("self"), a.int("dim", -1) % a.tensor("self").rank
    shape = tuple(a.int("k") if i == axis else n for i, n in enumerate(x.shape))
    return [_selected(walk, a, x, axis, shape), _forgotten(walk, a, x, shape)]


@table("sort argsort msort kthvalue", "self dim descending")
def _sort(walk: Walk, a: Arguments) -> Value:
    x = a.tensor("self")
    values = _selected(walk, a, x, a.int("dim", -1) % max(1, x.rank), x.shape)
    places = _forgotten(walk, a, x, x.shape)
    return places if a.op == "argsort" else [values, places]


def _selected(walk: Walk, a: Arguments, x: Tensorlike, axis: int, shape: tuple[int, ...]) -> Value:
    """Elements in another order along an axis: positions keep their channels."""
    if isinstance(x, Traced) and x.labels.shape[axis] == 1:
        return walk.tracer.pooled(x, [], shape)
    return _forgotten(walk, a, x, shape)


@table("cumsum cumprod cummax cummin logcumsumexp", "self dim")
def _cumulative(walk: Walk, a: Arguments) -> Value:
    x, axis = a.tensor("self"), a.int("dim") % max(1, a.tensor("self").rank)
    if isinstance(x, Fixed):
        if x.value is not None and a.op == "cumsum":
            return Fixed(x.shape, value=np.cumsum(x.value, axis))
        return computed(x.shape, (x,))
    out = x if x.labels.shape[axis] == 1 else walk.tracer.forgotten(a.op, x.shape, x)
    return [out, walk.tracer.forgotten(a.op, x.shape)] if a.op in ("cummax", "cummin") else out


def _forgotten(walk: Walk, a: Arguments, x: Tensorlike, shape: tuple[int, ...]) -> Value:
    if isinstance(x, Traced):
        return walk.tracer.forgotten(a.op, shape, x)
    return computed(shape, (x,))


@table("diff", "self n dim prepend append")
def _diff(walk: Walk, a: Arguments) -> Value:
    x, axis = a.tensor("self"), a.int("dim", -1)
    more = {name: a.optional(name) for name in ("prepend", "append")}
    parts = [p for p in (more["prepend"], x, more["append"]) if p is not None]
    whole = walk.run("cat", parts, axis)
    later = walk.run("slice", whole, axis, 1)
    return walk.run("sub", later, walk.run("slice", whole, axis, 0, -1))
