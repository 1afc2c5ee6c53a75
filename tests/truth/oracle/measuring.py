"""The truth of a model: every producer's channels, by the names of the weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn

from truth.graph import Edges, Truth, add, folded
from truth.oracle.calls import Call, Owners, weighted_calls
from truth.oracle.decoding import dependence
from truth.oracle.disturbing import Wave, region
from truth.oracle.numbering import places
from truth.oracle.recording import Recording, record
from truth.oracle.sums import confined


def measure(model: nn.Module, inputs: tuple[Any, ...]) -> Truth:
    """Which channel feeds which column in a model (see the package).

    Args:
        model: turned into float64 and eval mode.
        inputs: example inputs; a batch of two or more finds more, where a ReLU is often closed.
    """
    recording = record(model, inputs)
    truth = Truth(units=_units(model), aliases=recording.aliases)
    calls, owners = weighted_calls(recording, truth.units)
    with torch.no_grad():
        for call in calls.values():
            _measure_call(call, recording, calls, owners, truth)
    fixed = {n for c in calls.values() if c.fixed for n in owners[c.weight]}
    read = {n for c in calls.values() if not c.fixed for n in owners[c.weight]}
    truth.optional = fixed - read
    truth.required = folded(truth.required, truth.units)
    truth.allowed = folded(truth.allowed, truth.units)
    return truth


def _measure_call(
    call: Call, recording: Recording, calls: dict[fx.Node, Call], owners: Owners, truth: Truth
) -> None:
    count = recording.values[call.node].shape[call.out]
    outputs = places(call, call.rows, count, recording, owners)
    _note_layer(call, outputs, recording, owners, truth)
    wave = Wave(recording, calls, call.node, region(recording, calls, call.node))
    if not wave.region:
        return
    probes = {0, count // 3, count - 1}
    blocked = confined(wave, calls, probes, reductions=False)
    strict = blocked | confined(replace(wave, blocked=blocked), calls, probes, reductions=True)
    _note(replace(wave, blocked=strict), count, outputs, owners, (truth.required, truth.allowed))
    if strict != blocked:
        _note(replace(wave, blocked=blocked), count, outputs, owners, (truth.allowed,))


def _note_layer(
    call: Call, outputs: list[tuple[str, int]], recording: Recording, owners: Owners, truth: Truth
) -> None:
    columns = 0 if call.data is None else recording.values[call.data].shape[call.into]
    for name in {name for name, _ in outputs}:
        old = truth.layers.get(name, (0, 0))
        highest = 1 + max(i for n, i in outputs if n == name)
        truth.layers[name] = (max(old[0], highest), max(old[1], columns))


def _note(
    wave: Wave, count: int, outputs: list[tuple[str, int]], owners: Owners, into: tuple[Edges, ...]
) -> None:
    for consumer, moved in dependence(wave, count).items():
        call = wave.calls[consumer]
        inputs = places(call, call.lines, moved.shape[1], wave.record, owners)
        for channel, column in moved.nonzero().tolist():
            (producer, row), (name, line) = outputs[channel], inputs[column]
            for edges in into:
                add(edges, (producer, name), [(row, line)])


def _units(model: nn.Module) -> dict[str, int]:
    """Hidden units of recurrent weights, whose rows are gates of them."""
    found = {}
    for prefix, module in model.named_modules():
        if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
            for name, value in module.named_parameters(recurse=False):
                if name.startswith(("weight_ih", "weight_hh")) and value.ndim > 1:
                    found[f"{prefix}.{name}" if prefix else name] = module.hidden_size
    return found
