"""Normalisations with a scale and a shift for each channel."""

from __future__ import annotations

from modlint.network import NormKind
from modlint_plugins.networks.flow.nodes import NormTensors
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, alike, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static


def named(op: Op, index: int, size: int | None = None) -> str | None:
    """The tensor of a parameter; None where it is left out or computed."""
    value = op.at(index)
    if not isinstance(value, Static) or (size is not None and value.elements != size):
        return None
    return value.name


def _batch(op: Op) -> Result:
    """Inputs: data, scale, shift, mean, variance, all per channel."""
    x = op.traced(0)
    if x.rank < 2:
        raise Refused("has no axis of channels")
    scale, shift, mean, variance = (named(op, i, x.shape[1]) for i in range(1, 5))
    if op.node.integer("training_mode", 0):
        op.walk.remarks.append(
            f"{op.node.title} normalises by the statistics of its batch (training mode); "
            "its running statistics are folded"
        )
    epsilon = op.node.real("epsilon", 1e-5)
    tensors = NormTensors(
        kind="batch", scale=scale, shift=shift, mean=mean, variance=variance, epsilon=epsilon
    )
    return op.tracer.norm(tensors, x, 1)


def _group(op: Op) -> Result:
    """Statistics over positions (and groups of channels), then a scale and shift per channel."""
    x = op.traced(0)
    if x.rank < 2:
        raise Refused("has no axis of channels")
    groups = op.node.integer("num_groups", x.shape[1])
    scale, shift = (named(op, i, x.shape[1]) for i in (1, 2))
    spreads = x.labels.shape[1] == 1 or any(n > 1 for n in x.labels.shape[2:])
    if scale is None or spreads:  # a group norm over reshaped channels: the scale comes later
        op.walk.scope.normed[op.node.output] = f"group {groups}"
        return x
    tensors = NormTensors(
        kind="group", scale=scale, shift=shift, epsilon=op.node.real("epsilon", 1e-5), groups=groups
    )
    return op.tracer.norm(tensors, x, 1)


def _layer(op: Op) -> Result:
    """Statistics over the last axes, then a scale and shift for each of their elements."""
    kind: NormKind = "layer" if op.node.kind == "LayerNormalization" else "rms"
    x = op.traced(0)
    first = op.axis(-1, x.rank)
    return [layered(op, kind, x, first, 1, 2), *_statistics(op, x, first)]


def layered(op: Op, kind: NormKind, x: Traced, first: int, scale: int, shift: int | None) -> Traced:
    """A norm over the axes from `first` on, by the places of its parameters among the inputs."""
    axes = [axis for axis in range(first, x.rank) if x.shape[axis] > 1] or [x.rank - 1]
    if len(axes) > 1:
        return x
    (axis,) = axes
    size = x.shape[axis]
    tensors = NormTensors(
        kind=kind,
        scale=named(op, scale, size),
        shift=None if shift is None else named(op, shift, size),
        epsilon=op.node.real("epsilon", 1e-5),
    )
    return op.tracer.norm(tensors, x, axis) if tensors.scale is not None else x


def _statistics(op: Op, x: Traced, first: int) -> list[Traced]:
    """Mean and deviation, which some nodes give too."""
    shape = tuple(1 if axis >= first else n for axis, n in enumerate(x.shape))
    return [op.forgotten(shape, x) for _ in op.node.outputs[1:3]]


HANDLERS: Handlers = {
    **standard(BatchNormalization=_batch),
    **alike(_group, "InstanceNormalization", "GroupNormalization"),
    **alike(_layer, "LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"),
    ("com.microsoft", "SimplifiedLayerNormalization"): _layer,
}
