"""Operators that onnx does not know: told, and put where its checker leaves them alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from modlint.analysis.onnx_check import Problem
from modlint_plugins.onnx_check.calls import called_functions, domain_of, function_key, operator_key
from modlint_plugins.onnx_check.contrib import CONTRIB
from modlint_plugins.onnx_check.structure import MAX_PROBLEMS, node_label, subgraphs, text

STANDARD = frozenset({"", "ai.onnx.ml", "ai.onnx.training"})
"""Domains whose operators are onnx's own, whatever a model's functions are called."""
_NEWEST = {"ai.onnx.ml": 3, "ai.onnx.training": 1}
"""A version of each other domain that every onnx knows, for models that name none."""
_UNKNOWN_DOMAIN = "modlint.unknown"
_EXPERIMENTAL = (
    "ATen Affine ConstantFill Crop DynamicSlice GRUUnit GivenTensorFill ImageScaler"
    " ParametricSoftplus Scale ScaledTanh"
)
"""Operators of the first releases; onnx prints a line for each of them."""


def drop_uncalled_functions(model: Any) -> None:
    """Take out the functions that no runtime calls: it has the operator itself, or nothing does.

    The model is changed in place; the domain "ai.onnx" becomes "" throughout.
    """
    for opset in (*model.opset_import, *(o for f in model.functions for o in f.opset_import)):
        opset.domain = domain_of(opset)
    for node in nodes(model):
        node.domain = domain_of(node)
    called = called_functions(model)
    kept = [
        function
        for index, function in enumerate(model.functions)
        if index in called and not _is_shadowed(function)
    ]
    for function in kept:
        function.domain = domain_of(function)
    copies = [type(function).FromString(function.SerializeToString()) for function in kept]
    model.ClearField("functions")
    model.functions.extend(copies)


def _is_shadowed(function: Any) -> bool:
    domain, name, _ = function_key(function)
    return domain in STANDARD or name in CONTRIB.get(domain, ())


def isolate_unknown_operators(model: Any) -> list[Problem]:
    """Note every operator that onnx has no definition of; the model is changed in place."""
    imported = {domain_of(opset): opset.version for opset in model.opset_import}
    own = {function_key(function) for function in model.functions}
    problems: dict[tuple[str, str], Problem] = {}
    defined: dict[tuple[str, str], bool] = {}
    for node in nodes(model):
        key = operator_key(node)
        domain, operator, _ = key
        if key in own:
            continue
        if domain in STANDARD:
            if (domain, operator) not in defined:
                defined[domain, operator] = _is_defined(operator, domain, imported)
            if defined[domain, operator]:
                if domain not in imported:
                    _import(model, domain, imported, _newest(domain))
                continue
        if operator not in CONTRIB.get(domain, ()) and len(problems) < MAX_PROBLEMS:
            problems.setdefault((domain, operator), _judge(node, domain, operator, imported))
        if domain in STANDARD:
            node.domain = domain = _UNKNOWN_DOMAIN
        _import(model, domain, imported)
    return list(problems.values())


def nodes(model: Any) -> Iterator[Any]:
    """Every node of a model, those of subgraphs and functions included."""
    for body in (model.graph, *model.functions):
        yield from body_nodes(body.node)


def body_nodes(outer: Iterable[Any]) -> Iterator[Any]:
    """Nodes and, each after its own, those of their subgraphs."""
    for node in outer:
        yield node
        for graph in subgraphs(node):
            yield from body_nodes(graph.node)


def _import(model: Any, domain: str, imported: dict[str, int], version: int = 1) -> None:
    """Import a domain wherever it is not; runtimes know the newest of the standard's anyway."""
    if domain not in imported:
        imported[domain] = version
        model.opset_import.add(domain=domain, version=version)
    for function in model.functions:
        if all(text(opset.domain) != domain for opset in function.opset_import):
            function.opset_import.add(domain=domain, version=imported[domain])


def _newest(domain: str) -> int:
    import onnx

    version: int = onnx.defs.onnx_opset_version() if domain == "" else _NEWEST[domain]
    return version


def _judge(node: Any, domain: str, operator: str, imported: dict[str, int]) -> Problem:
    import onnx

    label = node_label(node)
    called = f"node {label!r} calls {operator} of {domain or 'ai.onnx'!r}"
    newest = onnx.defs.onnx_opset_version()
    if domain in STANDARD and domain in imported and (domain or imported[domain] <= newest):
        version = imported[domain]
        return Problem("unknown-operator", f"{called}, which opset {version} does not have", label)
    if domain not in imported:
        return Problem("unknown-domain", f"{called}, a domain that no opset_import names", label)
    return Problem("custom-operator", f"{called}, which onnx does not define", label)


def _is_defined(operator: str, domain: str, imported: dict[str, int]) -> bool:
    import onnx

    version = imported.get(domain, _newest(domain))
    if operator in _EXPERIMENTAL.split() or not 0 < version < 1 << 31:
        return False
    try:
        return not onnx.defs.get_schema(operator, version, domain).deprecated
    except onnx.defs.SchemaError:
        return False
