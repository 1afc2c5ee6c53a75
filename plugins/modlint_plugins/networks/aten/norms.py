"""Normalisations."""

from __future__ import annotations

from modlint.network import NormKind
from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, Value, computed
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.nodes import NormTensors
from modlint_plugins.networks.flow.traced import Traced


@table(
    "batch_norm native_batch_norm _native_batch_norm_legit cudnn_batch_norm _batch_norm_impl_index",
    "input weight bias running_mean running_var training momentum eps",
)
def _batch_norm(walk: Walk, a: Arguments) -> Value:
    return _packed(a, _normed(walk, a, "batch", a.tensor("input"), 1, statistics=True))


@table(
    "_native_batch_norm_legit_no_training _batch_norm_no_update",
    "input weight bias running_mean running_var momentum eps",
)
def _batch_norm_only(walk: Walk, a: Arguments) -> Value:
    return _packed(a, _normed(walk, a, "batch", a.tensor("input"), 1, statistics=True))


@table("instance_norm", "input weight bias running_mean running_var use_input_stats momentum eps")
def _instance_norm(walk: Walk, a: Arguments) -> Value:
    x = a.tensor("input")
    if not a.flag("use_input_stats", True):
        return _normed(walk, a, "batch", x, 1, statistics=True)
    return _normed(walk, a, "group", x, 1, groups=x.shape[1])


@table("layer_norm native_layer_norm", "input normalized_shape weight bias eps")
def _layer_norm(walk: Walk, a: Arguments) -> Value:
    x, axes = a.tensor("input"), len(a.ints("normalized_shape"))
    return _packed(a, _normed(walk, a, "layer", x, -1 if axes == 1 else -axes, several=axes > 1))


@table("rms_norm _fused_rms_norm", "input normalized_shape weight eps")
def _rms_norm(walk: Walk, a: Arguments) -> Value:
    out = _normed(
        walk, a, "rms", a.tensor("input"), -1, several=len(a.ints("normalized_shape")) > 1
    )
    return [out, None] if a.op == "_fused_rms_norm" else out


@table("group_norm", "input num_groups weight bias eps")
def _group_norm(walk: Walk, a: Arguments) -> Value:
    return _normed(walk, a, "group", a.tensor("input"), 1, groups=a.int("num_groups"))


@table("native_group_norm", "input weight bias N C HxW group eps")
def _native_group_norm(walk: Walk, a: Arguments) -> Value:
    return _packed(a, _normed(walk, a, "group", a.tensor("input"), 1, groups=a.int("group")))


def _packed(a: Arguments, out: Value) -> Value:
    return [out, None, None] if a.op.startswith(("native", "_native", "cudnn", "_batch")) else out


def _normed(
    walk: Walk,
    a: Arguments,
    kind: NormKind,
    x: Tensorlike,
    axis: int,
    *,
    groups: int = 1,
    statistics: bool = False,
    several: bool = False,
) -> Value:
    """A norm along an axis; of one over several axes the scale and shift are left out."""
    if isinstance(x, Fixed):
        return computed(x.shape, (x,))
    names = ("weight", "bias", "running_mean", "running_var") if statistics else ("weight", "bias")
    held = [None] * 4 if several else [_name(a.get(name, None), x.shape[axis]) for name in names]
    scale, shift, mean, variance = (*held, None, None)[:4]
    tensors = NormTensors(
        kind=kind,
        scale=scale,
        shift=shift,
        mean=mean,
        variance=variance,
        epsilon=a.number("eps", 1e-5),
        groups=groups,
    )
    if several and kind == "layer":
        return x
    return walk.tracer.norm(tensors, x, axis)


def _name(value: Value, size: int) -> str | None:
    if isinstance(value, Fixed) and value.shape == (size,):
        return value.name
    if isinstance(value, Traced):
        raise TypeError("a scale that depends on the input")
    return None
