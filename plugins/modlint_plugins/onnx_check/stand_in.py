"""A model that onnx.checker can judge without the weights: small constants filled in."""

from __future__ import annotations

import math
from typing import Any

from modlint.analysis.onnx_check import OnnxGraph
from modlint.errors import Unavailable, UnreadableError
from modlint_plugins.onnx_check.structure import subgraphs, text

_REAL = 4096
_REAL_INTEGERS = 1 << 20
"""Bytes of a tensor up to which its real elements are given; shapes are integers."""
_MAX_CONSTANTS = 64 << 20
_INTEGERS = frozenset({6, 7})
_DATA_FIELDS = (
    "float_data int32_data string_data int64_data raw_data double_data uint64_data"
    " external_data data_location segment"
)


class StandIn:
    """Fills in a copy of the model.

    Large initialisers of the main graph become inputs of the same type and shape; other large
    tensors get zeros.

    Raises:
        Unavailable: those zeros would take more than 64 MiB.
    """

    def __init__(self, graph: OnnxGraph) -> None:
        import onnx

        self._graph = graph
        self._filled = 0
        self.model = onnx.ModelProto()
        self.model.CopyFrom(graph.model)
        self.model.ClearField("training_info")
        self._main(self.model.graph)
        for function in self.model.functions:
            self._nodes(function)

    def _main(self, graph: Any) -> None:
        inputs = {text(value.name) for value in graph.input}
        kept = []
        for proto in graph.initializer:
            if self._is_small(proto) or not proto.name:
                self._fill(proto)
                kept.append(proto)
            elif text(proto.name) not in inputs:
                inputs.add(text(proto.name))
                _add_input(graph, text(proto.name), proto.data_type, proto.dims)
        for sparse in graph.sparse_initializer:
            if text(sparse.values.name) not in inputs:
                _add_input(graph, text(sparse.values.name), sparse.values.data_type, sparse.dims)
        kept_copies = [_copy(proto) for proto in kept]
        graph.ClearField("initializer")
        graph.ClearField("sparse_initializer")
        graph.initializer.extend(kept_copies)
        self._nodes(graph)

    def _nodes(self, body: Any) -> None:
        for node in body.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    self._fill(attribute.t)
                for proto in attribute.tensors:
                    self._fill(proto)
                if attribute.HasField("sparse_tensor"):
                    self._fill_sparse(attribute.sparse_tensor)
            for graph in subgraphs(node):
                for proto in graph.initializer:
                    self._fill(proto)
                for sparse in graph.sparse_initializer:
                    self._fill_sparse(sparse)
                self._nodes(graph)

    def _fill_sparse(self, sparse: Any) -> None:
        self._fill(sparse.values)
        self._fill(sparse.indices)

    def _is_small(self, proto: Any) -> bool:
        most = _REAL_INTEGERS if proto.data_type in _INTEGERS else _REAL
        return _nbytes(proto) <= most

    def _fill(self, proto: Any) -> None:
        """Give a tensor elements: its own where it is small."""
        if proto.data_type == 8:  # strings stay as they are: only their number counts
            _set_strings(proto)
            return
        nbytes = _nbytes(proto)
        self._filled += nbytes
        if self._filled > _MAX_CONSTANTS:
            raise Unavailable(f"constants within nodes exceed {_MAX_CONSTANTS >> 20} MiB")
        data = self._elements(proto, nbytes) if self._is_small(proto) else None
        for name in _DATA_FIELDS.split():
            proto.ClearField(name)
        proto.raw_data = bytes(nbytes) if data is None else data

    def _elements(self, proto: Any, nbytes: int) -> bytes | None:
        tensor = self._graph.constant(proto)
        if tensor is None:
            return None
        try:
            return bytes(tensor.storage.read()[:nbytes])
        except UnreadableError:
            return None


def _nbytes(proto: Any) -> int:
    """Bytes that a TensorProto's shape takes as raw_data."""
    elements: int = math.prod(max(size, 0) for size in proto.dims)
    return -(-elements * _bits(proto.data_type) // 8)


def _bits(data_type: int) -> int:
    eight, sixteen, four = {2, 3, 9, 17, 18, 19, 20, 24}, {4, 5, 10, 16}, {21, 22, 23}
    if data_type in four:
        return 4
    if data_type in eight:
        return 8
    if data_type in sixteen:
        return 16
    return {1: 32, 6: 32, 12: 32, 15: 128, 25: 2, 26: 2, 27: 6, 28: 6}.get(data_type, 64)


def _set_strings(proto: Any) -> None:
    elements = math.prod(max(size, 0) for size in proto.dims)
    if elements > _REAL:
        raise Unavailable(f"a constant holds more than {_REAL:,} strings")
    for name in _DATA_FIELDS.split():
        proto.ClearField(name)
    proto.string_data.extend([b""] * elements)


def _add_input(graph: Any, name: str, data_type: int, dims: Any) -> None:
    value = graph.input.add()
    value.name = name
    value.type.tensor_type.elem_type = data_type
    value.type.tensor_type.shape.SetInParent()
    for size in dims:
        value.type.tensor_type.shape.dim.add().dim_value = size


def _copy(proto: Any) -> Any:
    copy = type(proto)()
    copy.CopyFrom(proto)
    return copy
