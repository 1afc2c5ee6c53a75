"""Recurrent layers as torch.nn.LSTM, GRU and RNN name their weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modlint.builder import Built
from modlint.checkpoint import Tensor
from modlint.network import Unplaced
from modlint_plugins.networks.flow import layouts
from modlint_plugins.networks.flow.assembly import network_of
from modlint_plugins.networks.flow.nodes import Weighted
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer

_WEIGHT = re.compile(r"(?:(?P<path>.+)\.)?weight_ih_l0")
_OUTSIDE = "stands outside of the recurrent layers, and names do not tell what it reads"
_GATES = (1, 3, 4)
"""Rows of a unit: of an RNN, a GRU and an LSTM."""


def rebuild_recurrent(
    identifier: str,
    tensors: Sequence[Tensor],
    config: Mapping[str, Any],  # noqa: ARG001
) -> Built | None:
    """A network for each recurrent module, of all its layers and directions; None without any."""
    by_key = {tensor.key: tensor for tensor in tensors}
    paths = [match["path"] or "" for key in by_key if (match := _WEIGHT.fullmatch(key))]
    found, used = [], set[str]()
    for path in paths:
        built = _module(path, identifier, by_key)
        if built is not None:
            found.append(built[0])
            used |= built[1]
    if not found:
        return None
    networks = [network for built in found for network in built.networks]
    outside = [t.name for t in tensors if len(t.shape) > 1 and t.name not in used]
    return Built(tuple(networks), tuple(Unplaced(name, _OUTSIDE) for name in outside))


def _module(
    path: str, identifier: str, tensors: Mapping[str, Tensor]
) -> tuple[Built, set[str]] | None:
    """The layers of one module in their order; None where shapes contradict one another."""
    tracer, used = Tracer(), set[str]()
    start = f"{path}." if path else ""
    x = tracer.input("input", (1, 1, _columns(tensors[f"{start}weight_ih_l0"])))
    number = 0
    while f"{start}weight_ih_l{number}" in tensors:
        directions = []
        for suffix in ("", "_reverse"):
            if f"{start}weight_ih_l{number}{suffix}" not in tensors:
                continue
            made = _direction(tracer, start, f"l{number}{suffix}", tensors, x)
            if made is None:
                return None
            directions.append(made[0])
            used |= made[1]
        x = tracer.concat("directions", 2, *directions) if len(directions) > 1 else directions[0]
        number += 1
    tracer.output(x)
    return network_of(tracer, path or identifier, "names"), used


def _direction(
    tracer: Tracer, start: str, suffix: str, tensors: Mapping[str, Tensor], x: Traced
) -> tuple[Traced, set[str]] | None:
    into = tensors[f"{start}weight_ih_{suffix}"]
    back = tensors.get(f"{start}weight_hh_{suffix}")
    if back is None or len(back.shape) != 2 or f"{start}weight_hr_{suffix}" in tensors:
        return None
    rows, hidden = back.shape
    fits = into.shape == (rows, x.shape[-1]) and hidden and rows % hidden == 0
    if not fits or rows // hidden not in _GATES:
        return None
    weights = _gated(into, hidden, tensors), _gated(back, hidden, tensors)
    state, _ = tracer.recurrent(f"{start}{suffix}", weights, x, 2, (1, 1, hidden), 2)
    return state, {into.name, back.name}


def _gated(tensor: Tensor, hidden: int, tensors: Mapping[str, Tensor]) -> Weighted:
    """A weight whose rows are gates of units: row r is of unit r mod hidden."""
    bias = tensors.get(tensor.key.replace("weight_", "bias_"))
    plain = layouts.linear(tensor, bias=None if bias is None else bias.name)
    return Weighted(
        tensor=plain.tensor,
        layout=plain.layout,
        rows=plain.rows,
        columns=plain.columns,
        bias=plain.bias,
        row_of=np.arange(plain.rows) % hidden,
        channels=hidden,
    )


def _columns(tensor: Tensor) -> int:
    return tensor.shape[-1] if len(tensor.shape) == 2 else 0
