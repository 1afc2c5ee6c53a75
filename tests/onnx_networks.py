"""ONNX models to rebuild networks from, and what tests ask of the networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from modlint.builder import Built
from modlint.checkpoint import Checkpoint
from modlint.edges import direct_edges
from modlint.network import Call, Network, Norm
from modlint.source import Source, open_source
from modlint_plugins.networks.onnx_graph import OnnxGraphBuilder
from modlint_plugins.readers.onnx.reader import OnnxReader

Node = onnx.NodeProto
node = helper.make_node
Pairs = set[tuple[int, int]]


def read(data: bytes) -> Checkpoint:
    """A checkpoint of a serialised model."""
    return OnnxReader().read(Source(Path("model.onnx"), memoryview(data)))


def built(checkpoint: Checkpoint) -> Built:
    """What the builder makes of a checkpoint."""
    found = OnnxGraphBuilder().build(checkpoint)
    assert found is not None
    assert [network.id for network in found.networks] == [
        str(i) for i in range(len(found.networks))
    ]
    return found


def sole(checkpoint: Checkpoint) -> Network:
    """The one network of a checkpoint, in which every weight is placed."""
    found = built(checkpoint)
    assert found.unplaced == ()
    (network,) = found.networks
    assert network.reason is None
    return network


def made(
    nodes: Iterable[Node],
    tensors: Mapping[str, Any],
    *,
    inputs: Mapping[str, Sequence[int | str | None] | None] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    functions: Sequence[onnx.FunctionProto] = (),
) -> Checkpoint:
    """A checkpoint of a graph: tensors by name, given as arrays or as shapes."""
    generator = np.random.default_rng(0)
    arrays = {
        name: value if isinstance(value, np.ndarray) else generator.normal(size=value)
        for name, value in tensors.items()
    }
    graph = helper.make_graph(
        list(nodes),
        "net",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in (inputs or {"x": [1, 4]}).items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [
            numpy_helper.from_array(a.astype(np.float32) if a.dtype == np.float64 else a, name)
            for name, a in arrays.items()
        ],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=list(functions))
    return read(model.SerializeToString())


def exported(path: Path, module: nn.Module, *shape: int, **options: Any) -> Checkpoint:
    """What torch exports of a module that reads one tensor."""
    given: Any = {"dynamo": False, "input_names": ["x"], "verbose": False} | options
    torch.onnx.export(module.eval(), (torch.randn(shape),), str(path), **given)
    return OnnxReader().read(open_source(path))


def stored(checkpoint: Checkpoint, name: str) -> NDArray[Any]:
    """A tensor's elements in its shape."""
    tensor = checkpoint.tensors[name]
    elements: NDArray[Any] = np.frombuffer(tensor.storage.read(), np.dtype(tensor.dtype.name))
    return elements.reshape(tensor.shape)


def kernels(checkpoint: Checkpoint, call: Call) -> NDArray[Any]:
    """A call's kernels by channel of its target: (channels, columns of a group, positions).

    Rows that drive one channel (gates) are beside one another on the second axis.
    """
    assert call.layout is not None
    elements = np.ascontiguousarray(stored(checkpoint, call.weight)).reshape(-1)
    offset, shape, strides = call.layout.offset, call.layout.shape, call.layout.strides
    view = np.lib.stride_tricks.as_strided(
        elements[offset:], shape, [s * elements.itemsize for s in strides], writeable=False
    )
    rows = view.reshape(call.rows, *shape[2:])
    by_channel: dict[int, list[NDArray[Any]]] = {}
    for span in call.drives:
        for channel, row in sorted(span.pairs()):
            by_channel.setdefault(channel, []).append(rows[row])
    return np.stack([np.concatenate(by_channel[i]) for i in sorted(by_channel)])


def edges(network: Network) -> dict[tuple[str | None, str], Pairs]:
    """Pairs of channel and column by producer and consumer; the producer None for inputs."""
    found: dict[tuple[str | None, str], Pairs] = {}
    for edge in direct_edges(network):
        pairs = set(map(tuple, edge.pairs.T.tolist()))
        found.setdefault((edge.producer, edge.consumer), set()).update(pairs)
    return found


def joined(network: Network) -> dict[tuple[str | None, str], Pairs]:
    """The edges between calls."""
    return {pair: columns for pair, columns in edges(network).items() if pair[0] is not None}


def straight(size: int) -> Pairs:
    """Channel i to column i."""
    return {(i, i) for i in range(size)}


def norms(network: Network) -> list[Norm]:
    """The norms, in topological order."""
    return [op for op in network.operations if isinstance(op, Norm)]


def linear(source: str, target: str, weight: str = "w") -> Node:
    """A Gemm without a bias."""
    return node("Gemm", [source, weight], [target])
