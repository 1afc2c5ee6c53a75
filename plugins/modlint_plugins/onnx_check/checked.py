"""onnx.checker: on each node as a runtime asks it, and on the whole model beside that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint.analysis.onnx_check import Problem
from modlint_plugins.onnx_check.operators import body_nodes
from modlint_plugins.onnx_check.structure import CONSTANT, MAX_PROBLEMS, node_label, subgraphs

MAX_TEXT = 500
_LARGEST = (1 << 31) - 1
_TOLD = (
    "topologically sorted",
    "single static assignment",
    "is not an output of any node",
    "is higher than the checker's",  # a file of a newer onnx than the one that is installed
)


def refused_nodes(model: Any) -> Iterator[Problem]:
    """Nodes that onnx.checker refuses: wrong arity, wrong attributes, a subgraph without a name.

    Runtimes ask it of nodes alone, so that what it says of the model beside them is no reason to
    refuse one. Each node is judged without its subgraphs' nodes, so that one fault hides no other.
    """
    import onnx

    context = onnx.checker.C.CheckerContext()
    context.ir_version = _whole(model.ir_version) or onnx.IR_VERSION
    context.opset_imports = {opset.domain: _whole(opset.version) for opset in model.opset_import}
    told = 0
    for node in body_nodes(model.graph.node):
        if node.op_type == CONSTANT:
            continue
        message = _refusal(onnx, _hollow(node), context)
        if message is not None:
            yield Problem("invalid", f"onnx.checker: {message}", node_label(node))
            told += 1
        if told >= MAX_PROBLEMS:
            return


def _whole(version: int) -> int:
    """The version, as large as onnx.checker takes one."""
    return max(min(version, _LARGEST), -_LARGEST)


def _refusal(onnx: Any, node: Any, context: Any) -> str | None:
    try:
        onnx.checker.check_node(node, context)
        for graph in subgraphs(node):
            onnx.checker.check_graph(graph, context)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        return one_line(error)
    return None


def _hollow(node: Any) -> Any:
    """A copy of a node whose subgraphs hold no nodes, and types wherever there are values."""
    copy = type(node)()
    for name in ("input", "output"):
        getattr(copy, name).extend(getattr(node, name))
    copy.op_type, copy.domain = node.op_type, node.domain
    for attribute in node.attribute:
        kept = copy.attribute.add()
        if not attribute.HasField("g") and not attribute.graphs:
            kept.CopyFrom(attribute)
            continue
        for field, value in attribute.ListFields():
            if field.name == "g":
                _hollow_graph(kept.g, value)
            elif field.name == "graphs":
                for graph in value:
                    _hollow_graph(kept.graphs.add(), graph)
            else:
                _set(kept, field.name, value)
    return copy


def _hollow_graph(copy: Any, graph: Any) -> None:
    copy.name = graph.name
    for value in graph.input:
        given = copy.input.add()
        given.CopyFrom(value)
        if value.type.WhichOneof("value") is None:
            given.type.tensor_type.elem_type = 1
        if given.type.HasField("tensor_type"):
            given.type.tensor_type.shape.SetInParent()
    copy.initializer.extend(graph.initializer)
    copy.sparse_initializer.extend(graph.sparse_initializer)


def _set(message: Any, name: str, value: Any) -> None:
    current = getattr(message, name)
    if hasattr(current, "CopyFrom"):
        current.CopyFrom(value)
    elif hasattr(current, "extend"):
        current.extend(value)
    else:
        setattr(message, name, value)


def nonconforming(model: Any) -> Iterator[Problem]:
    """What onnx.checker refuses of a model whose nodes it accepts; runtimes load such a model."""
    import onnx

    checked = onnx.ModelProto()
    checked.CopyFrom(model)
    if not checked.graph.name:
        yield Problem("nonconforming", "the graph has no name, which the standard asks for")
        checked.graph.name = "graph"
    for value in (*checked.graph.input, *checked.graph.output):
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.shape.SetInParent()
    try:
        onnx.checker.check_model(checked)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        message = one_line(error)
        if not any(part in message for part in _TOLD):
            yield Problem("nonconforming", f"onnx.checker: {message}")


def one_line(error: Exception) -> str:
    """An error of onnx as part of a message."""
    return " ".join(str(error).split())[:MAX_TEXT]
