"""From a parsed model to its networks: constants first, then a walk over each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from msgspec.structs import replace

from modlint.checkpoint import Checkpoint
from modlint.network import Network
from modlint_plugins.networks.onnx_graph import constants
from modlint_plugins.networks.onnx_graph.handlers import HANDLERS
from modlint_plugins.networks.onnx_graph.nodes import (
    Node,
    Unordered,
    components,
    ordered,
    text,
)
from modlint_plugins.networks.onnx_graph.reasons import WEIGHTED
from modlint_plugins.networks.onnx_graph.regions import Region, find_regions
from modlint_plugins.networks.onnx_graph.values import Constant, Input, Integers, Stop, Value
from modlint_plugins.networks.onnx_graph.walk import Walk

MAX_NODES = 100_000
NO_LAYER = "the graph has no fully connected or convolutional layer"


def build(checkpoint: Checkpoint, oldest_opset: int) -> list[Network]:
    """The networks of a model; never empty."""
    model = checkpoint.graph.model
    opset = max((o.version for o in model.opset_import if _is_onnx(o.domain)), default=0)
    if not opset:
        return [Network("0", reason="the model does not say which operator set it uses")]
    if opset < oldest_opset:
        return [Network("0", reason=f"operator set {opset} is older than {oldest_opset}")]
    count = len(model.graph.node)
    if count > MAX_NODES:
        return [Network("0", reason=f"the graph has {count:,} nodes, more than {MAX_NODES:,}")]
    nodes = [Node.of(proto, index) for index, proto in enumerate(model.graph.node)]
    outputs = {text(value.name) for value in model.graph.output}
    try:
        nodes = ordered(nodes, outputs)
    except Unordered as unordered:
        return [Network("0", reason=str(unordered))]
    values = _given(checkpoint)
    neural = _split(nodes, values, checkpoint)
    names = _names(neural, values)
    parts = components(neural, names)
    walks = [_walk(part, values, names, outputs) for part in parts]
    return [replace(network, id=str(i)) for i, network in enumerate(_worth_naming(parts, walks))]


def _is_onnx(domain: str | bytes) -> bool:
    return text(domain) in ("", "ai.onnx")


def _given(checkpoint: Checkpoint) -> dict[str, Value]:
    """The graph's inputs and initializers."""
    graph = checkpoint.graph.model.graph
    values: dict[str, Value] = {
        text(value.name): Input(text(value.name), _declared(value)) for value in graph.input
    }
    for proto in graph.initializer:  # an old file lists its initializers among the inputs
        name = text(proto.name)
        values.pop(name, None)
        tensor = checkpoint.tensors.get(name)
        if tensor is not None:
            values[name] = Constant(name, tensor, tensor.shape)
    return values


def _declared(value: Any) -> tuple[int | None, ...] | None:
    """The shape that the file declares for a value."""
    if not value.type.tensor_type.HasField("shape"):
        return None
    return tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in value.type.tensor_type.shape.dim
    )


def _split(nodes: Sequence[Node], values: dict[str, Value], checkpoint: Checkpoint) -> list[Node]:
    """The nodes that depend on an input; the others' values are added to `values`."""
    dependent = {name for name, value in values.items() if isinstance(value, Input)}
    neural = []
    for node in nodes:
        if dependent.intersection(node.reads):
            dependent.update(node.outputs)
            neural.append(node)
            continue
        value = _constant(node, values, checkpoint)
        values.update((name, value) for name in node.outputs if name)
    return neural


def _constant(node: Node, values: Mapping[str, Value], checkpoint: Checkpoint) -> Value:
    if node.op == "Constant" and not node.domain:
        return constants.constant_node(node, checkpoint.graph, checkpoint.tensors)
    return constants.fold(node, [values.get(name) for name in node.inputs])


def _names(neural: Sequence[Node], values: Mapping[str, Value]) -> set[str]:
    """Names of the values that depend on an input."""
    names = {name for name, value in values.items() if isinstance(value, Input)}
    names.update(name for node in neural for name in node.outputs if name)
    return names


def _walk(
    part: Sequence[Node],
    values: Mapping[str, Value],
    names: Set[str],
    outputs: Set[str],
) -> Network:
    """Walk one part of the graph."""
    regions = find_regions(part, names, outputs, lambda name: _is_scalar(values.get(name)))
    walk = Walk(dict(values), _readers(part, regions, outputs))
    inner = {node.index for region in regions.values() for node in region.nodes}
    try:
        for node in part:
            if node.index in regions:
                walk.values[node.output] = regions[node.index].apply(walk)
            elif node.index not in inner:
                walk.visit(node, HANDLERS)
    except Stop as stop:
        return Network("", reason=str(stop))
    for name in outputs:
        walk.expose(walk.values.get(name))
    return walk.network()


def _is_scalar(value: Value | None) -> bool:
    """Whether a value is one number, or a list of axes."""
    if isinstance(value, Constant):
        return value.tensor.elements == 1 or value.tensor.dtype.kind == "int"
    return isinstance(value, Integers)


def _readers(
    part: Sequence[Node], regions: Mapping[int, Region], outputs: Set[str]
) -> dict[str, int]:
    """By value, how many nodes and outputs read it; a region reads its start once."""
    readers = dict.fromkeys(outputs, 1)
    inner = {node.index for region in regions.values() for node in region.nodes}
    for node in part:
        if node.index not in inner and node.op != "Shape":
            for name in node.reads:
                readers[name] = readers.get(name, 0) + 1
    for region in regions.values():
        readers[region.start] = readers.get(region.start, 0) + 1
    return readers


def _worth_naming(parts: Sequence[Sequence[Node]], walks: Sequence[Network]) -> list[Network]:
    """The networks without the parts that hold no layer, unless there is nothing else."""
    found = [
        network
        for part, network in zip(parts, walks, strict=True)
        if network.layers or (network.reason and any(node.op in WEIGHTED for node in part))
    ]
    stopped = [network for network in walks if network.reason]
    return found or stopped[:1] or [Network("", reason=NO_LAYER)]
