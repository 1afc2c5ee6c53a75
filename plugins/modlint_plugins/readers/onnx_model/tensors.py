"""From a skeleton's TensorProtos to tensors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from modlint.checkpoint import Remark, Role, Storage, Tensor, contiguous_strides
from modlint_plugins.readers.onnx_model.external import ExternalFiles, Fault
from modlint_plugins.readers.onnx_model.payload import Payload, Span, locate
from modlint_plugins.readers.onnx_model.types import ELEMENT_TYPES, STRING, text

STRIPPED = "stripped-weights"
"""Kind of the remark on a tensor whose elements were taken out, shape and type left."""
_EXTERNAL = 1
_MAX_AXES = 64
_ARITHMETIC = frozenset({"Add", "Sub", "Mul", "Div"})


@dataclass(frozen=True, slots=True)
class TensorSource:
    """Turns TensorProtos of one skeleton into tensors.

    Attributes:
        view: the whole file.
        spans: the skeleton's table of cut-out elements.
        files: external data.
    """

    view: memoryview
    spans: list[Span]
    files: ExternalFiles

    def tensor(self, proto: Any, name: str, section: str = "", role: Role = Role.WEIGHT) -> Tensor:
        """A tensor over the elements that the file holds for a TensorProto.

        Raises:
            Fault: there are no such elements.
        """
        if proto.data_type not in ELEMENT_TYPES:
            raise Fault("unknown-dtype", f"tensor {name!r} has unknown type {proto.data_type}")
        dtype, typed_field = ELEMENT_TYPES[proto.data_type]
        shape = _shape(proto, name)
        nbytes = dtype.nbytes(math.prod(shape))
        member, payload = self._payload(proto, name, nbytes, typed_field)
        if nbytes and not payload.nbytes and proto.data_location != _EXTERNAL:
            raise Fault(STRIPPED, f"tensor {name!r} of shape {list(shape)} holds no elements")
        if dtype is not STRING and payload.nbytes != nbytes:
            raise Fault(
                "tensor-size",
                f"tensor {name!r} of shape {list(shape)} takes {nbytes:,} bytes, "
                f"the file holds {payload.nbytes:,}",
            )
        storage = Storage(
            name,
            payload.nbytes,
            payload.read,
            member,
            payload.offset,
            member_offset=payload.external,
        )
        strides = contiguous_strides(shape)
        return Tensor(name, dtype, shape, strides, storage, section=section, role=role)

    def _payload(
        self, proto: Any, name: str, nbytes: int, typed_field: str
    ) -> tuple[str | None, Payload]:
        if proto.data_location == _EXTERNAL:
            return self.files.locate(proto, name, nbytes)
        if proto.HasField("segment"):
            raise Fault("segmented-tensor", f"tensor {name!r} is a segment of a larger one")
        dtype = ELEMENT_TYPES[proto.data_type][0]
        return None, locate(self.view, self.spans, proto, typed_field, dtype)


def _shape(proto: Any, name: str) -> tuple[int, ...]:
    if len(proto.dims) > _MAX_AXES or any(size < 0 for size in proto.dims):
        shown = ", ".join(str(size) for size in proto.dims[:8])
        raise Fault("tensor-shape", f"tensor {name!r} has the impossible shape [{shown}]")
    return tuple(proto.dims)


@dataclass(slots=True)
class Collector:
    """Gathers every tensor of a model, nested graphs included.

    Attributes:
        source: makes the tensors.
        tensors: by name, in the file's order.
        remarks: what was noticed.
        faults: tensors that could not be read.
    """

    source: TensorSource
    tensors: dict[str, Tensor] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    faults: list[Remark] = field(default_factory=list)
    _copies: Counter[str] = field(default_factory=Counter)

    def model(self, model: Any) -> None:
        """Gather the tensors of a ModelProto."""
        self.graph(model.graph)
        for function in model.functions:
            self._nodes(function.node, text(function.name))
        for index, info in enumerate(model.training_info):
            for part in ("initialization", "algorithm"):
                section = f"training_info.{index}.{part}"
                self.graph(getattr(info, part), section, Role.TRAINING_STATE)

    def graph(self, graph: Any, section: str = "", role: Role = Role.WEIGHT) -> None:
        """Gather the tensors of a GraphProto."""
        for proto in graph.initializer:
            self._add(proto, text(proto.name), section, role)
        for sparse in graph.sparse_initializer:
            self._add_sparse(sparse, text(sparse.values.name), section, role)
        self._nodes(graph.node, section, role)

    def _nodes(self, nodes: Any, section: str, role: Role = Role.WEIGHT) -> None:
        read_by = {
            text(name) for node in nodes if node.op_type in _ARITHMETIC for name in node.input
        }
        for node in nodes:
            for attribute in node.attribute:
                name = _attribute_name(node, attribute)
                arithmetic = any(text(output) in read_by for output in node.output)
                for proto in _tensors(attribute):
                    if _is_weight(proto, arithmetic):
                        self._add(proto, name, section, role)
                for sparse in _sparse_tensors(attribute):
                    self._add_sparse(sparse, name, section, role)
                for graph in _graphs(attribute):
                    inner = f"{_node_name(node)}.{text(attribute.name)}"
                    self.graph(graph, f"{section}.{inner}" if section else inner, role)

    def _add_sparse(self, sparse: Any, name: str, section: str, role: Role) -> None:
        self._add(sparse.values, f"{name}.values", section, role)
        self._add(sparse.indices, f"{name}.indices", section, role)

    def _add(self, proto: Any, key: str, section: str, role: Role) -> None:
        name = f"{section}.{key}" if section else key
        if name in self.tensors:
            message = f"the file holds more than one tensor called {name!r}"
            if not self._copies[name]:
                self.remarks.append(Remark("duplicate-tensor", message))
            name = self._numbered(name)
        try:
            self.tensors[name] = self.source.tensor(proto, name, section, role)
        except Fault as fault:
            stripped = fault.remark.kind == STRIPPED
            (self.remarks if stripped else self.faults).append(fault.remark)

    def _numbered(self, name: str) -> str:
        """A name for another tensor of the same name: "w#2"."""
        while True:
            self._copies[name] += 1
            numbered = f"{name}#{self._copies[name] + 1}"
            if numbered not in self.tensors:
                return numbered


def _node_name(node: Any) -> str:
    return text(node.name) or (text(node.output[0]) if node.output else text(node.op_type))


def _attribute_name(node: Any, attribute: Any) -> str:
    if node.op_type == "Constant" and node.output:
        return text(node.output[0])
    return f"{_node_name(node)}.{text(attribute.name)}"


def _tensors(attribute: Any) -> Iterator[Any]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors


def _sparse_tensors(attribute: Any) -> Iterator[Any]:
    if attribute.HasField("sparse_tensor"):
        yield attribute.sparse_tensor
    yield from attribute.sparse_tensors


def _graphs(attribute: Any) -> Iterator[Any]:
    if attribute.HasField("g"):
        yield attribute.g
    yield from attribute.graphs


def _is_weight(proto: Any, arithmetic: bool) -> bool:
    """Whether a node's constant is a weight: not a shape, an axis or a bound."""
    dtype = ELEMENT_TYPES.get(proto.data_type, (STRING, ""))[0]
    if dtype.kind in ("float", "complex"):
        return arithmetic or math.prod(proto.dims) > 1
    return dtype.kind in ("int", "uint") and len(proto.dims) > 1
