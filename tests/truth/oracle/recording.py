"""A model as a flat list of ATen calls, each with its value."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

Values = dict[fx.Node, Any]
_BENT = frozenset(
    {"relu", "hardtanh", "clamp", "clamp_min", "hardsigmoid", "hardswish", "threshold"}
)


@dataclass(frozen=True)
class Recording:
    """What was called, in order, what it gave, and which placeholders hold parameters."""

    order: list[fx.Node]
    values: Values
    named: dict[fx.Node, str]
    aliases: dict[str, str]


def kind(node: fx.Node) -> str:
    """The name of the ATen call, without overload: "convolution", "addmm"."""
    packet = getattr(node.target, "overloadpacket", node.target)
    return str(getattr(packet, "__name__", packet))


def called(node: fx.Node, look: Callable[[fx.Node], Any]) -> Any:
    """The call's result for the arguments that `look` gives; what cuts off, leaks.

    A unit that is zero for the example inputs would hide what it multiplies and what passes it.
    """
    args, kwargs = fx.node.map_arg((node.args, node.kwargs), look)
    result = node.target(*args, **kwargs)  # type: ignore[operator]
    if kind(node) in _BENT and isinstance(args[0], torch.Tensor) and args[0].is_floating_point():
        return result + 0.1 * args[0]
    return result


def record(model: nn.Module, inputs: tuple[Any, ...]) -> Recording:
    """Export in float64 and run once; the model is turned into float64 and eval mode."""
    model = model.eval().double()
    inputs = tuple(_double(x) for x in inputs)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(model, inputs, strict=False).run_decompositions()
        return _run(program, inputs, _aliases(model))


def _double(value: Any) -> Any:
    floating = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.double() if floating else value


def _run(program: Any, inputs: tuple[Any, ...], aliases: dict[str, str]) -> Recording:
    signature, given = program.graph_signature, iter(inputs)
    stored = {**program.constants, **program.state_dict}
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    names |= signature.inputs_to_lifted_tensor_constants
    values: Values = {}
    named: dict[fx.Node, str] = {}
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in names:
            values[node] = stored[names[node.name]]
            named[node] = aliases.get(names[node.name], names[node.name])
        elif node.op == "placeholder":
            values[node] = next(given)
        elif node.op == "call_function":
            values[node] = called(node, values.__getitem__)
    order = [node for node in program.graph.nodes if node.op == "call_function"]
    return Recording(order, values, named, aliases)


def _aliases(model: nn.Module) -> dict[str, str]:
    """Other names of a tensor → the first one, for parameters that are tied."""
    first: dict[tuple[int, tuple[int, ...]], str] = {}
    found = {}
    for name, value in model.state_dict(keep_vars=True).items():
        key = (value.data_ptr(), tuple(value.shape))
        if value.numel() and first.setdefault(key, name) != name:
            found[name] = first[key]
    return found
