"""Normalisations: batch norm folds as a fixed map, the others keep their scale."""

from __future__ import annotations

from collections.abc import Mapping

from modlint.network import Norm
from modlint_plugins.networks.onnx_graph.nodes import Node
from modlint_plugins.networks.onnx_graph.values import Input, Signal, Stop
from modlint_plugins.networks.onnx_graph.walk import Handler, Walk


def batch_normalization(walk: Walk, node: Node) -> Signal:
    """Inputs: data, scale, shift, mean, variance, all per channel."""
    signal, size = _entered(walk, node, axis=1)
    scale, shift, mean, variance = (*walk.tensor_names(node, 1, size), None, None, None, None)[:4]
    if node.integer("training_mode", 0):
        walk.remarks.append(
            f"{node.title} normalises by the statistics of its batch (training mode); "
            "its running statistics are folded"
        )
    norm = Norm("batch", size, scale, shift, mean, variance, node.real("epsilon", 1e-5))
    return walk.add_norm(node, signal, norm)


def group_normalization(walk: Walk, node: Node) -> Signal:
    """Statistics over positions (and groups of channels), then a scale and shift per channel."""
    signal, size = _entered(walk, node, axis=1)
    scale, shift = (*walk.tensor_names(node, 1, size), None, None)[:2]
    norm = Norm("group", size, scale, shift, epsilon=node.real("epsilon", 1e-5))
    return walk.add_norm(node, signal, norm)


def layer_normalization(walk: Walk, node: Node) -> Signal:
    """Statistics over the neurons of one position, then a scale and shift per neuron."""
    signal, size = _entered(walk, node, axis=-1)
    if node.integer("axis", -1) not in (-1, signal.rank - 1):
        raise Stop(node, f"({node.op}) normalises over more than one axis")
    scale, shift = (*walk.tensor_names(node, 1, size), None, None)[:2]
    kind = "rms" if node.op == "RMSNormalization" else "layer"
    norm = Norm(kind, size, scale, shift, epsilon=node.real("epsilon", 1e-5))  # type: ignore[arg-type]
    return walk.add_norm(node, signal, norm)


def _entered(walk: Walk, node: Node, axis: int) -> tuple[Signal, int]:
    """The signal that a norm reads, and how many entries lie along the axis it scales."""
    data = walk.data(node)
    size = walk.weight(node, 1).tensor.elements
    if isinstance(data, Input):
        rank = len(data.shape) if data.shape else 2
        entered = walk.entered(node, data, size, rank)
        return Signal(entered.group, rank, axis % rank), size
    if data.axis is None or data.axis != axis % data.rank:
        raise Stop(node, f"({node.op}) scales along an axis that holds no neurons")
    neurons = walk.groups[data.group]
    if size != neurons and (data.columns == "unit" or not neurons or size % neurons):
        raise Stop(node, f"({node.op}) has {size:,} parameters for {neurons:,} neurons")
    return data, size


HANDLERS: Mapping[str, Handler] = {
    "BatchNormalization": batch_normalization,
    "InstanceNormalization": group_normalization,
    "GroupNormalization": group_normalization,
    "LayerNormalization": layer_normalization,
    "SimplifiedLayerNormalization": layer_normalization,
    "RMSNormalization": layer_normalization,
}
