"""Gathering the tensors of a model: those of subgraphs, functions and training included."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from modlint.checkpoint import Remark, Role, Tensor
from modlint_plugins.readers.onnx.external import Fault
from modlint_plugins.readers.onnx.tensors import STRIPPED, TensorSource
from modlint_plugins.readers.onnx.types import ELEMENT_TYPES, STRING, text

SEGMENTED = "segmented-tensor"
"""Kind of the remark on a tensor that some readers refuse for a mark that others overlook."""
_ARITHMETIC = frozenset({"Add", "Sub", "Mul", "Div"})


class Collector(Struct):
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
            for attribute in function.attribute_proto:
                name, section = text(attribute.name), text(function.name)
                self._attribute(attribute, name, section)
                for graph in _graphs(attribute):
                    self.graph(graph, f"{section}.{name}")
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
            arithmetic = any(text(output) in read_by for output in node.output)
            for attribute in node.attribute:
                name = _attribute_name(node, attribute)
                self._attribute(attribute, name, section, role, arithmetic=arithmetic)
                for graph in _graphs(attribute):
                    inner = f"{_node_name(node)}.{text(attribute.name)}"
                    self.graph(graph, f"{section}.{inner}" if section else inner, role)

    def _attribute(
        self,
        attribute: Any,
        name: str,
        section: str,
        role: Role = Role.WEIGHT,
        *,
        arithmetic: bool = False,
    ) -> None:
        for proto in _tensors(attribute):
            if _is_weight(proto, arithmetic):
                self._add(proto, name, section, role)
            else:
                self._examine(proto, f"{section}.{name}" if section else name)
        for sparse in _sparse_tensors(attribute):
            self._add_sparse(sparse, name, section, role)

    def _examine(self, proto: Any, name: str) -> None:
        """Note what is wrong with a tensor that is no weight."""
        try:
            self.source.tensor(proto, name)
        except Fault as fault:
            self._note(fault.remark)

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
            self._note(fault.remark)
        if proto.HasField("segment"):
            message = f"tensor {name!r} says that it is a segment of a larger one"
            self.remarks.append(Remark(SEGMENTED, message))

    def _note(self, remark: Remark) -> None:
        (self.remarks if remark.kind == STRIPPED else self.faults).append(remark)

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
