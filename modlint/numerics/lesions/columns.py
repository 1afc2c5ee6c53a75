"""The weights that read a layer's units: with these zero, nothing reads them.

That is the same as if the units gave nothing, wherever only layers read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from modlint.network import Call, Join, Network
from modlint.numerics.graph.channels import Ints, neurons_of, reads_of

Weights = Mapping[str, Any]
"""Arrays by the names of tensors, as they are stored."""


class Reading(Struct, frozen=True, eq=False):
    """What a layer reads of a group.

    Attributes:
        call: the layer.
        columns: of its weight: (pairs,).
        neurons: of the group, which each of them reads: (pairs,).
    """

    call: Call
    columns: Ints
    neurons: Ints


def readings_of(network: Network, group: str) -> tuple[Reading, ...] | str:
    """What reads the units of a hidden group, or why silencing them is not a matter of weights."""
    found = []
    for value in network.values:
        if value.group != group:
            continue
        if value.is_output or value.exposed or value.is_input:
            return "its units are read outside of the network's layers"
        for op in network.readers[value.name]:
            if isinstance(op, Call):
                found += list(_readings(network, op, value.name))
            elif network.value(op.target).group != group or _mixes(op):
                return "its units meet others before a layer reads them"
    return tuple(found) if found else "no layer reads its units"


def _mixes(op: object) -> bool:
    return isinstance(op, Join) and op.kind not in ("sum", "product")


def _readings(network: Network, call: Call, value: str) -> Iterator[Reading]:
    neurons = neurons_of(network.value(value))
    for read in reads_of(call.reads):
        if read.value == value:
            yield Reading(call, read.columns, neurons[read.channels])


def why_fixed(network: Network, readings: Iterable[Reading], known: Weights) -> str | None:
    """Why weights that read a group cannot be set to zero where the model runs, if they cannot."""
    for reading in readings:
        call = reading.call
        if call.layout is None:
            return f"the weight of {call.name} is computed from others"
        if sum(other.weight == call.weight for other in network.calls) > 1:
            return f"several layers share the weight {call.weight}"
        if call.weight not in known:
            return f"the weight {call.weight} is not stored in a form that can be changed"
    return None


def silenced(readings: Sequence[Reading], units: Ints, weights: Weights) -> dict[str, Any]:
    """The weights that read a group, zero where they read some of its units.

    Args:
        readings: of the group.
        units: which are to give nothing.
        weights: as they are stored, at least those of the layers that read it.
    """
    found: dict[str, Any] = {}
    for reading in readings:
        call = reading.call
        weight = found.setdefault(call.weight, np.array(weights[call.weight], order="C"))
        columns = reading.columns[np.isin(reading.neurons, units)]
        weight.reshape(-1)[_places(call, columns)] = 0
    return found


def _places(call: Call, columns: Ints) -> Ints:
    """Where the entries of columns lie among the stored elements."""
    layout = call.layout
    assert layout is not None  # noqa: S101 (`why_fixed` was asked)
    _, rows, each, positions = layout.shape
    steps = layout.strides
    starts = (columns // each) * steps[0] + (columns % each) * steps[2]
    within = np.arange(rows)[:, None] * steps[1] + np.arange(positions) * steps[3]
    found: Ints = (layout.offset + starts[:, None] + within.reshape(-1)).reshape(-1)
    return found


def by_unit(reading: Reading, columns: Any, units: int) -> Any:
    """What a layer reads as a mean for each unit: (samples, units) of (samples, columns)."""
    counts = np.bincount(reading.neurons, minlength=units)
    found = np.zeros((len(columns), units))
    np.add.at(found.T, reading.neurons, columns.T[reading.columns])
    return found / np.maximum(counts, 1)
