"""What a model says of itself before any node: versions, types, initialisers, functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from modlint.analysis.onnx_check import Problem
from modlint_plugins.onnx_check.calls import domain_of, function_key
from modlint_plugins.onnx_check.contrib import CONTRIB
from modlint_plugins.onnx_check.operators import body_nodes
from modlint_plugins.onnx_check.structure import CONSTANT, graphs, node_label, text


def declaration_problems(model: Any) -> Iterator[Problem]:
    """Every reason to refuse a model that its nodes do not matter for."""
    if not model.HasField("ir_version"):
        yield Problem("invalid", "the model states no ir_version")
    if not model.opset_import:
        yield Problem("invalid", "the model imports no operator set")
    yield from _types(model)
    yield from _initialisers(model.graph)
    yield from _functions(model)
    for body in (*graphs(model), *model.functions):
        yield from _constants(body)


def _types(model: Any) -> Iterator[Problem]:
    for value in model.graph.input:
        if value.name and value.type.WhichOneof("value") is None:
            yield Problem("invalid", f"input {text(value.name)!r} has no type")
    for graph in graphs(model):
        values = {text(name) for node in graph.node for name in node.output}
        values |= {text(value.name) for value in (*graph.input, *graph.output)}
        for value in (*graph.input, *graph.output, *graph.value_info):
            number = _element_type(value.type)
            if text(value.name) in values and number is not None and not _is_known(number):
                message = f"{text(value.name)!r} has unknown element type {number}"
                yield Problem("invalid", message)


def _element_type(kind: Any) -> int | None:
    """The element type of a TypeProto, None where it has none; the outermost of nested types."""
    while (which := kind.WhichOneof("value")) in ("sequence_type", "optional_type"):
        kind = getattr(kind, which).elem_type
    if which in ("tensor_type", "sparse_tensor_type"):
        number: int = getattr(kind, which).elem_type
        return number
    return None


def _is_known(number: int) -> bool:
    import onnx

    return number != 0 and number in onnx.TensorProto.DataType.values()


def _initialisers(graph: Any) -> Iterator[Problem]:
    """Initialisers that differ from others of the name, or from the input of the name."""
    found: dict[str, tuple[int, tuple[int, ...]]] = {}
    for proto in graph.initializer:
        name, this = text(proto.name), (proto.data_type, tuple(proto.dims))
        if name and found.setdefault(name, this) != this:
            yield Problem("duplicate", f"initialisers called {name!r} differ in type or shape")
    sparse = Counter(text(sparse.values.name) for sparse in graph.sparse_initializer)
    for name, count in sparse.items():
        if count > 1:
            yield Problem("duplicate", f"{count} sparse initialisers are called {name!r}")
    for value in graph.input:
        this = found.get(text(value.name), (0, ()))
        if this[0] and value.type.HasField("tensor_type"):
            stated = value.type.tensor_type
            if stated.elem_type != this[0] or not _fits(this[1], stated):
                name = text(value.name)
                yield Problem("invalid", f"input {name!r} and its initialiser differ in type")


def _fits(shape: tuple[int, ...], stated: Any) -> bool:
    if not stated.HasField("shape"):
        return True
    dims = stated.shape.dim
    return len(dims) == len(shape) and all(
        not dim.HasField("dim_value") or dim.dim_value == size
        for dim, size in zip(dims, shape, strict=True)
    )


def _functions(model: Any) -> Iterator[Problem]:
    for (domain, name, _), count in Counter(map(function_key, model.functions)).items():
        if count > 1:
            yield Problem("duplicate", f"{count} functions are called {name!r} of {domain!r}")
    for function in model.functions:
        if len(set(function.output)) < len(function.output):
            yield Problem("duplicate", f"function {text(function.name)!r} gives a name twice")
        imported = {domain_of(opset) for opset in function.opset_import}
        for domain in {domain_of(node) for node in body_nodes(function.node)} - imported:
            message = f"function {text(function.name)!r} calls operators of {domain or 'ai.onnx'!r}"
            yield Problem("invalid", f"{message} without importing them")
    domains = {domain_of(function) for function in model.functions} - CONTRIB.keys()
    domains -= {domain_of(opset) for opset in model.opset_import}
    for node in body_nodes(model.graph.node):
        if domain_of(node) in domains:
            label = node_label(node)
            yield Problem("invalid", f"node {label!r} calls a function without importing it", label)


def _constants(body: Any) -> Iterator[Problem]:
    """Constants that give nothing, or give it twice."""
    for node in body.node:
        if node.op_type == CONSTANT and (not node.attribute or len(node.output) != 1):
            label = node_label(node)
            what = "gives no value" if not node.attribute else f"has {len(node.output)} outputs"
            yield Problem("invalid", f"Constant {label!r} {what}", label)
