"""Computes `OnnxDataflow`: one walk over a model's graphs, subgraphs and functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from modlint.analysis.base import Inputs
from modlint.analysis.dataflow import OnnxDataflow
from modlint.analysis.onnx_check import OnnxGraph
from modlint.checkpoint import Checkpoint
from modlint.errors import Unavailable
from modlint.results.dataflow import Body, Dataflow, Node, Port, Size
from modlint_plugins.onnx_check.calls import called_functions, domain_of
from modlint_plugins.onnx_check.held import Held, element_type
from modlint_plugins.onnx_check.shape_lists import whole_numbers
from modlint_plugins.onnx_check.structure import CONSTANT, node_label, subgraphs, text

_MAX_INTS = 64
"""Elements of an attribute that is a list."""
_INT, _INTS = 2, 7


class OnnxDataflowWalk(OnnxDataflow, frozen=True):
    """The walk, over the graph that the ONNX reader leaves."""

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> Dataflow:  # noqa: ARG002
        """Walk.

        Raises:
            Unavailable: the file holds no ONNX model.
        """
        if not isinstance(checkpoint.graph, OnnxGraph):
            raise Unavailable("the file holds no ONNX model")
        return dataflow(checkpoint.graph)


def dataflow(graph: OnnxGraph) -> Dataflow:
    """The dataflow of a model."""
    model = graph.model
    walk = _Walk(Held(graph))
    opset = _opset(model)
    walk.graph(model.graph, "the graph", opset, roots=_further_roots(model))
    called = called_functions(model)
    for index, function in enumerate(model.functions):
        walk.function(function, _opset(function), live=index in called)
    return Dataflow(
        bodies=tuple(walk.bodies),
        ir_version=model.ir_version,
        opsets={domain_of(imported): imported.version for imported in model.opset_import},
        training=len(model.training_info),
        unread=walk.held.unread,
    )


class _Walk(Struct):
    """Gathers bodies, the one around another first.

    Attributes:
        held: tells what constants hold.
        bodies: those that were walked.
    """

    held: Held
    bodies: list[Body] = field(default_factory=list)

    def function(self, function: Any, opset: int, *, live: bool) -> None:
        """Walk a FunctionProto."""
        outputs = tuple(Port(name) for name in map(text, function.output))
        body = Body(
            "function",
            f"function {text(function.name)!r}",
            tuple(Port(name) for name in map(text, function.input)),
            outputs,
            {},
            (),
            opset=opset,
        )
        start = len(self.bodies)
        self._walk(body, function.node)
        if not live:
            self._kill(start)

    def graph(
        self,
        graph: Any,
        label: str,
        opset: int,
        outer: int | None = None,
        roots: Iterable[str] = (),
    ) -> set[str]:
        """Walk a GraphProto; the names that it reads from around it."""
        body = Body(
            "graph" if outer is None else "subgraph",
            label,
            tuple(map(_port, graph.input)),
            tuple(map(_port, graph.output)),
            {constant.name: constant for constant in self.held.initialisers(graph)},
            (),
            outer=outer,
            opset=opset,
        )
        return self._walk(body, graph.node, roots)

    def _walk(self, body: Body, protos: Sequence[Any], roots: Iterable[str] = ()) -> set[str]:
        index = len(self.bodies)
        self.bodies.append(body)
        constants, nodes, inner = dict(body.constants), [], []
        for proto in protos:
            given = self.held.given_by(proto) if proto.op_type == CONSTANT else None
            if given is not None:
                constants[given.name] = given
                continue
            start = len(self.bodies)
            captured = set[str]()
            for graph in subgraphs(proto):
                where = f"a subgraph of node {node_label(proto)!r}"
                captured |= self.graph(graph, where, body.opset, index)
            nodes.append(_node(proto, captured))
            inner.append(range(start, len(self.bodies)))
        live, needed = _live(nodes, {*roots, *(port.name for port in body.outputs)})
        for place, node in enumerate(nodes):
            if place not in live:
                nodes[place] = replace(node, live=False)
                self._kill(inner[place].start, inner[place].stop)
        self.bodies[index] = replace(
            body,
            nodes=tuple(nodes),
            same=_same(nodes),
            whole=whole_numbers(nodes, constants),
            constants={
                name: constant if name in needed else replace(constant, read=False)
                for name, constant in constants.items()
            },
        )
        own = {*constants, *(port.name for port in body.inputs)}
        return needed.difference(own, *(node.outputs for node in nodes))

    def _kill(self, start: int, stop: int | None = None) -> None:
        for index in range(start, len(self.bodies) if stop is None else stop):
            self.bodies[index] = replace(self.bodies[index], live=False)


def _live(nodes: Sequence[Node], roots: Set[str]) -> tuple[set[int], set[str]]:
    """Indices of the nodes that roots depend on, and every name that these and the roots read.

    A node that gives nothing is there for what it does, and a root itself.
    """
    producer = {name: index for index, node in enumerate(nodes) for name in node.outputs if name}
    live = {index for index, node in enumerate(nodes) if not any(node.outputs)}
    needed = set(roots)
    waiting = [*roots, *(name for index in live for name in _reads(nodes[index]))]
    while waiting:
        name = waiting.pop()
        needed.add(name)
        index = producer.get(name)
        if index is not None and index not in live:
            live.add(index)
            waiting += _reads(nodes[index])
    return live, needed


def _same(nodes: Sequence[Node]) -> dict[str, str]:
    """By name of what an Identity gives, the name of what the first of a row of them reads."""
    same: dict[str, str] = {}
    for node in nodes:
        if node.op == "Identity" and not node.domain and node.input(0) and node.outputs:
            same[node.outputs[0]] = same.get(node.inputs[0], node.inputs[0])
    return same


def _reads(node: Node) -> Iterator[str]:
    yield from filter(None, node.inputs)
    yield from node.captured


def _node(proto: Any, captured: Set[str]) -> Node:
    return Node(
        op=text(proto.op_type),
        domain=domain_of(proto),
        label=node_label(proto),
        inputs=tuple(map(text, proto.input)),
        outputs=tuple(map(text, proto.output)),
        attributes=dict(_integers(proto)),
        captured=tuple(sorted(captured)),
    )


def _integers(proto: Any) -> Iterator[tuple[str, int | tuple[int, ...]]]:
    for attribute in proto.attribute:
        if attribute.ref_attr_name:
            continue
        if attribute.type == _INT or (not attribute.type and attribute.HasField("i")):
            yield text(attribute.name), attribute.i
        elif attribute.type in (_INTS, 0) and len(attribute.ints) <= _MAX_INTS:
            yield text(attribute.name), tuple(attribute.ints)


def _port(value: Any) -> Port:
    tensor = value.type.tensor_type
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(map(_size, tensor.shape.dim))
    return Port(text(value.name), shape, element_type(tensor.elem_type))


def _size(dim: Any) -> Size:
    which = dim.WhichOneof("value")
    if which == "dim_value":
        size: int = dim.dim_value
        return size
    return text(dim.dim_param) or None if which else None


def _opset(proto: Any) -> int:
    """Version of ONNX's own operators that a model or a function imports."""
    versions = [entry.version for entry in proto.opset_import if not domain_of(entry)]
    return versions[0] if versions else 0


def _further_roots(model: Any) -> Iterator[str]:
    """Names of the main graph that something besides its nodes refers to."""
    for annotation in model.graph.quantization_annotation:
        yield text(annotation.tensor_name)
        yield from (text(entry.value) for entry in annotation.quant_parameter_tensor_names)
    for info in model.training_info:
        for entry in (*info.update_binding, *info.initialization_binding):
            yield text(entry.key)
        yield from _names_read(info.algorithm)


def _names_read(graph: Any) -> Iterator[str]:
    for node in graph.node:
        yield from map(text, node.input)
        for inner in subgraphs(node):
            yield from _names_read(inner)
