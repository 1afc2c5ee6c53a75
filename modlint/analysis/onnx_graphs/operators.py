"""Operators that onnx does not know: told, and put where its checker leaves them alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint.analysis.onnx_check import Problem
from modlint.analysis.onnx_graphs.structure import MAX_PROBLEMS, node_label, subgraphs, text

_STANDARD = ("", "ai.onnx")
_STRANGER = "modlint.unknown"
_EXPERIMENTAL = (
    "ATen Affine ConstantFill Crop DynamicSlice GRUUnit GivenTensorFill ImageScaler"
    " ParametricSoftplus Scale ScaledTanh"
)
"""Operators of the first releases; onnx prints a line for each of them."""


def set_strangers_aside(model: Any) -> list[Problem]:
    """Note every operator that onnx has no definition of; the model is changed in place."""
    imported = {text(opset.domain): opset.version for opset in model.opset_import}
    own = {(text(function.domain), text(function.name)) for function in model.functions}
    problems: dict[tuple[str, str], Problem] = {}
    for node in nodes(model):
        domain, operator = text(node.domain), text(node.op_type)
        if (domain, operator) in own:
            continue
        problem = _judge(node, domain, operator, imported)
        if problem is None:
            continue
        if len(problems) < MAX_PROBLEMS:
            problems.setdefault((domain, operator), problem)
        if domain in _STANDARD or domain.startswith("ai.onnx."):
            node.domain = domain = _STRANGER
        if domain not in imported:
            imported[domain] = 1
            model.opset_import.add(domain=domain, version=1)
            for function in model.functions:
                function.opset_import.add(domain=domain, version=1)
    return list(problems.values())


def nodes(model: Any) -> Iterator[Any]:
    """Every node of a model, those of subgraphs and functions included."""
    for body in (model.graph, *model.functions):
        yield from _nodes(body)


def _nodes(body: Any) -> Iterator[Any]:
    for node in body.node:
        yield node
        for graph in subgraphs(node):
            yield from _nodes(graph)


def _judge(node: Any, domain: str, operator: str, imported: dict[str, int]) -> Problem | None:
    label = node_label(node)
    version = imported.get(domain)
    if version is None and domain in ("", "ai.onnx"):
        version = imported.get("ai.onnx" if domain == "" else "")
        if version is None:
            return None  # the checker says so
    called = f"node {label!r} calls {operator} of {domain or 'ai.onnx'!r}"
    if version is None:
        return Problem("unknown-domain", f"{called}, a domain that no opset_import names", label)
    if _is_defined(operator, domain, version):
        return None
    return Problem("custom-operator", f"{called}, which onnx does not define", label)


def _is_defined(operator: str, domain: str, version: int) -> bool:
    import onnx

    if operator in _EXPERIMENTAL.split() or not 0 < version < 1 << 31:
        return False
    try:
        onnx.defs.get_schema(operator, version, "" if domain == "ai.onnx" else domain)
    except onnx.defs.SchemaError:
        return False
    return True
