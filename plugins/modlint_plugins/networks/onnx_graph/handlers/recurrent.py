"""LSTM, GRU and RNN: a unit has a row in every gate, and reads the state of one step before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from modlint_plugins.networks.flow import moves
from modlint_plugins.networks.flow.nodes import Weighted
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.naming import layer_name
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, alike
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static
from modlint_plugins.networks.onnx_graph.weights import weighted

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1, "DynamicQuantizeLSTM": 4}


class Sizes(NamedTuple):
    """Of a recurrent layer."""

    directions: int
    gates: int
    units: int
    fan_in: int


def _recurrent(op: Op) -> Result:
    """W (directions, gates·units, inputs), R (directions, gates·units, units)."""
    return recurrent(op, turned=False)


def _quantised(op: Op) -> Result:
    """DynamicQuantizeLSTM of onnxruntime: W (directions, inputs, gates·units)."""
    return recurrent(op, turned=True)


def recurrent(op: Op, *, turned: bool) -> Result:
    """The states of all directions, side by side."""
    x = op.traced(0)
    batch_first = bool(op.node.integer("layout", 0))
    if batch_first:
        x = op.as_traced(op.transposed(x, (1, 0, 2)))
    weights = [_matrices(op, index, turned=turned) for index in (1, 2)]
    size = _sizes(op, weights)
    steps, batch = x.shape[:2]
    states = [
        _direction(op, x, weights, size, number, (steps, 1, batch, size.units))
        for number in range(size.directions)
    ]
    sequence = moves.concat(op.tracer, op.name, 1, *states)
    shape = (size.directions, batch, size.units)
    last = Traced(shape, sequence.labels.reshape(sequence.labels.shape[1:]), sequence.origin)
    if batch_first:
        sequence = op.as_traced(op.transposed(sequence, (2, 0, 1, 3)))
        last = op.as_traced(op.transposed(last, (1, 0, 2)))
    return [sequence, last, last]


def _matrices(op: Op, index: int, *, turned: bool) -> Static:
    value = op.value(index)
    if not isinstance(value, Static) or value.rank != 3:
        raise Refused("has weights that are no constants")
    if value.tensor is None:
        raise Refused("has weights that are computed of several tensors")
    return value.moved(lambda a: a.transpose(0, 2, 1), copies=False) if turned else value


def _sizes(op: Op, weights: list[Static]) -> Sizes:
    gates = _GATES[op.node.kind]
    directions, rows, fan_in = weights[0].shape
    units = rows // gates
    if weights[1].shape != (directions, rows, units) or rows % gates or not units:
        raise Refused("has weights that do not fit one another")
    return Sizes(directions, gates, units, fan_in)


def _direction(
    op: Op, x: Traced, weights: list[Static], size: Sizes, number: int, shape: tuple[int, ...]
) -> Traced:
    pair = [_weighted(static, size, number) for static in weights]
    name = layer_name(pair[0].tensor, None, op.node.name, op.node.kind)
    if size.directions > 1:
        name += (".forward", ".backward")[number % 2]
    initial = op.at(5)
    start = None
    if isinstance(initial, Traced) and initial.rank == 3 and not initial.is_unlabelled:
        axis = 1 if op.node.integer("layout", 0) else 0
        start = op.as_traced(
            op.along([axis], lambda a: a.take([number % a.shape[axis]], axis), initial)
        )
    activation = "relu" if _first_activation(op) == "relu" else "tanh"
    state, _ = op.tracer.recurrent(name, (pair[0], pair[1]), x, 2, shape, -1, activation, start)
    return state


def _first_activation(op: Op) -> str:
    found = op.node.attributes.get("activations")
    names = (
        [] if found is None else [bytes(name).decode("utf-8", "replace") for name in found.strings]
    )
    return names[0].lower() if op.node.kind == "RNN" and names else "tanh"


def _weighted(static: Static, size: Sizes, number: int) -> Weighted:
    """One direction's matrix: which rows are whose unit's gates."""
    rows, columns = size.gates * size.units, static.shape[2]
    found = weighted(static, lambda a: a[number].reshape(1, rows, columns, 1), (rows, columns))
    units = np.tile(np.arange(size.units), size.gates)
    return Weighted(
        tensor=found.tensor,
        layout=found.layout,
        rows=rows,
        columns=columns,
        row_of=units if found.row_of is None else units[found.row_of],
        channels=size.units,
    )


HANDLERS: Handlers = {
    **alike(_recurrent, "LSTM", "GRU", "RNN"),
    ("com.microsoft", "DynamicQuantizeLSTM"): _quantised,
}
