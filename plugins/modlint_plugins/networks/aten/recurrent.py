"""Recurrent layers and cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modlint_plugins.networks.aten.arguments import Arguments, as_tensor
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, UnfollowedError, Value, layout_of
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.nodes import Weighted
from modlint_plugins.networks.flow.traced import Traced

_PART = re.compile(r"\.?weight_ih(?:_l(\d+))?(_reverse)?$")
_ACTIVATIONS = {"rnn_relu": "relu", "rnn_relu_cell": "relu"}
_GATES = {"lstm": 4, "gru": 3}


@dataclass(frozen=True)
class _Cell:
    """The parameters of one direction of one layer."""

    op: str
    weights: tuple[Fixed, Fixed]
    biases: tuple[Fixed | None, Fixed | None]

    @property
    def units(self) -> int:
        return self.weights[1].shape[1]

    @property
    def name(self) -> str:
        stem = _PART.sub("", self.weights[0].owners[0]) or "recurrent"
        found = _PART.search(self.weights[0].owners[0])
        layer = (found[1] or "") if found else ""
        suffix = (f".l{layer}" if layer else "") + ((found[2] or "") if found else "")
        return stem + suffix

    def weighted(self, which: int) -> Weighted:
        weight, bias = self.weights[which], self.biases[which]
        rows, columns = weight.shape
        return Weighted(
            tensor=weight.owners[0],
            layout=layout_of(weight.view, (1, rows, columns, 1)),
            rows=rows,
            columns=columns,
            bias=None if bias is None else bias.name,
            row_of=np.tile(np.arange(self.units), rows // self.units),
            channels=self.units,
        )


@table(
    "lstm gru rnn_tanh rnn_relu",
    "input hx params has_biases num_layers dropout train bidirectional batch_first",
)
def _layers(walk: Walk, a: Arguments) -> Value:
    x, hx = a.tensor("input"), a.get("hx")
    if not isinstance(hx, (Traced, Fixed, list, tuple)) or isinstance(a.get("params"), bool):
        raise UnfollowedError("a recurrent layer of packed sequences")
    if isinstance(a.get("params"), (Traced, Fixed)):
        raise UnfollowedError("a recurrent layer of packed sequences")
    directions = 2 if a.flag("bidirectional") else 1
    first = a.flag("batch_first")
    x = walk.traced(walk.run("transpose", x, 0, 1) if first else x)
    start = hx[0] if isinstance(hx, (list, tuple)) else hx
    cells = list(_cells(a))
    if len(cells) != directions * a.int("num_layers"):
        raise UnfollowedError("a recurrent layer with a projection")
    last = []
    for layer in range(0, len(cells), directions):
        made = [
            _run(walk, cell, x, _initial(walk, start, layer + i))
            for i, cell in enumerate(cells[layer : layer + directions])
        ]
        last += [walk.run("select", h, 0, 0 if i else -1) for i, h in enumerate(made)]
        x = made[0] if directions == 1 else walk.run("cat", made, -1)
    out = walk.run("transpose", x, 0, 1) if first else x
    state = walk.run("stack", last, 0)
    return [out, state, state] if a.op == "lstm" else [out, state]


def _cells(a: Arguments) -> Sequence[_Cell]:
    params = [as_tensor(p, a.op) for p in a.get("params")]
    step = 4 if a.flag("has_biases", True) else 2
    fixed = [p for p in params if isinstance(p, Fixed)]
    if len(fixed) != len(params) or len(params) % step:
        raise UnfollowedError("a recurrent layer whose weights are computed from the input")
    return [_cell(a.op, fixed[i : i + step]) for i in range(0, len(fixed), step)]


def _cell(op: str, parts: Sequence[Fixed | None]) -> _Cell:
    into, back, *biases = parts
    if into is None or back is None or not into.owners or not back.owners or back.rank != 2:
        raise UnfollowedError("a recurrent layer whose weights are not in the file")
    if back.shape[0] % back.shape[1] or back.shape[0] != into.shape[0]:
        raise UnfollowedError("a recurrent layer with a projection")
    gates = _GATES.get(op.removesuffix("_cell"), 1)
    if back.shape[0] != gates * back.shape[1]:
        raise UnfollowedError("a recurrent layer with a projection")
    one, other = (*biases, None, None)[:2]
    return _Cell(op, (into, back), (one, other))


def _initial(walk: Walk, start: Value, place: int) -> Traced | None:
    if not isinstance(start, Traced) or start.is_unlabelled:
        return None
    return walk.traced(walk.run("select", start, 0, place))


def _run(walk: Walk, cell: _Cell, x: Traced, start: Traced | None) -> Traced:
    if x.shape[-1] != cell.weights[0].shape[1]:
        walk.refuse(x.shape[-1], cell.weights[0].shape[1])
    activation = _ACTIVATIONS.get(cell.op, "tanh")
    shape = (*x.shape[:-1], cell.units)
    weights = (cell.weighted(0), cell.weighted(1))
    hidden, _ = walk.tracer.recurrent(
        cell.name, weights, x, -1, shape, -1, activation, initial=start
    )
    return hidden


@table("lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell", "input hx w_ih w_hh b_ih b_hh")
def _cell_call(walk: Walk, a: Arguments) -> Value:
    """One step: the state that it reads is what the call is given."""
    parts = [a.optional(name) for name in ("w_ih", "w_hh", "b_ih", "b_hh")]
    cell = _cell(a.op, [p if isinstance(p, Fixed) else None for p in parts])
    hx = a.get("hx")
    h = walk.traced(as_tensor(hx[0] if isinstance(hx, (list, tuple)) else hx, a.op))
    x = walk.traced(a.tensor("input"))
    shape, tracer = (*x.shape[:-1], cell.units), walk.tracer
    into = tracer.call(cell.name, "recurrent", cell.weighted(0), x, -1, shape, -1)
    back = tracer.call(f"{cell.name} (state)", "recurrent", cell.weighted(1), h, -1, shape, -1)
    out = tracer.activation(_ACTIVATIONS.get(a.op, "tanh"), tracer.join("sum", into, back))
    return [out, out] if a.op == "lstm_cell" else out
