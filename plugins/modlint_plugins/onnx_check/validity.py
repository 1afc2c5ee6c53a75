"""All checks of a graph in turn, on a stand-in without weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint.analysis.onnx_check import REFUSED, OnnxGraph, OnnxValidity, Problem
from modlint_plugins.onnx_check.calls import (
    argument_problems,
    call_problem,
    called_functions,
    drop_repeated_arguments,
)
from modlint_plugins.onnx_check.checked import nonconforming, one_line, refused_nodes
from modlint_plugins.onnx_check.constants import constants_to_initialisers
from modlint_plugins.onnx_check.declarations import declaration_problems
from modlint_plugins.onnx_check.inference import inference_problems
from modlint_plugins.onnx_check.operators import (
    STANDARD,
    body_nodes,
    drop_uncalled_functions,
    isolate_unknown_operators,
)
from modlint_plugins.onnx_check.order import sort_nodes
from modlint_plugins.onnx_check.sparse import sparse_problems
from modlint_plugins.onnx_check.stand_in import StandIn
from modlint_plugins.onnx_check.structure import Structure, text


def validate(graph: OnnxGraph) -> OnnxValidity:
    """Check a model as a runtime does on loading it, then as the standard asks for.

    Nodes are judged in a model that declares itself well, shapes are inferred where every node
    is accepted, and onnx.checker is asked about the whole where no runtime would refuse it.

    Raises:
        Unavailable: it is too large to check.
    """
    structure = Structure()
    structure.model(graph.model, called_functions(graph.model))
    problems = [*structure.problems, *declaration_problems(graph.model), *sparse_problems(graph)]
    endless = call_problem(graph.model)
    if endless is not None:
        return OnnxValidity((*problems, endless), structure.nodes, False)
    model = StandIn(graph).model
    problems += _unshaped(model)
    whole = type(model).FromString(model.SerializeToString())
    drop_uncalled_functions(model)
    problems += argument_problems(model)
    problems += isolate_unknown_operators(model)
    inferred = False
    if not _refused(problems):
        prepared = _prepared(model)
        if isinstance(prepared, Problem):
            problems.append(prepared)
        else:
            problems += refused_nodes(prepared)
            if not _refused(problems):
                constants_to_initialisers(prepared)
                problems += inference_problems(prepared, _is_known_throughout(prepared))
                inferred = True
    if not _refused(problems):
        isolate_unknown_operators(whole)
        problems += nonconforming(whole)
    return OnnxValidity(tuple(problems), structure.nodes, inferred)


def _refused(problems: list[Problem]) -> bool:
    return any(problem.kind in REFUSED for problem in problems)


def _prepared(model: Any) -> Any | Problem:
    """The model as a runtime has it before it resolves it: functions unfolded, nodes in order."""
    import onnx
    import onnx.inliner

    if model.functions:
        versions = {opset.domain: opset.version for opset in model.opset_import}
        for function in model.functions:
            for opset in function.opset_import:
                opset.version = versions.setdefault(opset.domain, opset.version)
        drop_repeated_arguments(model)
        model.ClearField("opset_import")
        for domain, version in versions.items():
            model.opset_import.add(domain=domain, version=version)
        try:
            model = onnx.inliner.inline_local_functions(model)
        except (ValueError, RuntimeError, IndexError) as error:
            return Problem("invalid", f"its functions cannot be unfolded: {one_line(error)}")
        model.ClearField("functions")
    return sort_nodes(model.graph) or model


def _is_known_throughout(model: Any) -> bool:
    """Whether shape inference knows every operator of the subgraphs, and can be strict.

    In the main graph it leaves off where it meets an operator that it does not know.
    """
    inner = (node for outer in model.graph.node for node in body_nodes([outer]) if node != outer)
    return all(node.domain in STANDARD for node in inner)


def _unshaped(model: Any) -> Iterator[Problem]:
    for value in model.graph.input:
        tensor = value.type.tensor_type
        if value.type.HasField("tensor_type") and not tensor.HasField("shape"):
            message = f"input {text(value.name)!r} states no shape, as the standard asks for"
            yield Problem("no-shape", message)
