"""Short wires: units that lie in space and pay for weights by their length.

Brain-inspired modular training (Liu, Gan and Tegmark, arXiv 2305.08746, eqs. 3–5) with one change:
units are not swapped in pairs, each layer's are assigned anew to its places, which is optimal while
the other layers' stay.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

from modlint.network import Call, Group, Network
from modlint_train.layout import by_column, by_row, kernels
from modlint_train.live import infer, live_tensors


@dataclass(frozen=True, slots=True, eq=False)
class _Wires:
    """A weight, and the units at its ends.

    Attributes:
        call: the layer.
        weight: its weight.
        rows: (groups, rows of a group) int64, the units that its rows drive.
        columns: (groups, columns of a group) int64, the units that its columns read.
    """

    call: Call
    weight: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor

    def strengths(self) -> torch.Tensor:
        """Σ|w| over a kernel's positions: (groups, rows of a group, columns of a group)."""
        return kernels(self.call, self.weight.abs()).sum(-1)


@dataclass(frozen=True, slots=True)
class _Layer:
    """The units of a group: `size` of them from `first`; inputs and outputs do not move."""

    first: int
    size: int
    moves: bool

    @property
    def units(self) -> slice:
        """Its rows among all units."""
        return slice(self.first, self.first + self.size)


class WiringCost:
    """Σ|w|·(length·d + contact) over the weights between units at distance d of each other.

    The units of each layer lie on a square grid that fills the unit square, layer above layer; an
    input of 784 pixels lies as its image does. Add λ · `penalty()` to the loss, and call
    `rearrange()` every few hundred steps. Biases are not penalised.

    Attributes:
        places: (units, 2) float, where each unit of each network lies, in [0, 1]².

    Args:
        module: any from whose parameters modlint rebuilds its networks. Its parameters are held:
            make a new one after replacing them.
        length: cost of a weight of 1 over a distance of 1.
        contact: cost of a weight of 1 over no distance.
        seed: of the first places.

    Raises:
        ValueError: a cost below zero, or no layer between input and output.
        NotInferred: modlint rebuilds no network from the module.
    """

    def __init__(
        self, module: nn.Module, length: float = 1.0, contact: float = 0.1, seed: int = 0
    ) -> None:
        if min(length, contact) < 0:
            raise ValueError(f"length {length} and contact {contact} must not be negative")
        networks, tensors = infer(module), live_tensors(module)
        self._length, self._contact = length, contact
        self._layers: list[_Layer] = []
        self._wires = list(self._read(networks, tensors))
        if not any(layer.moves for layer in self._layers):
            raise ValueError("every unit is an input or an output: none can be moved")
        generator = torch.Generator().manual_seed(seed)
        self.places = torch.cat([_drawn(layer, generator) for layer in self._layers])
        self._refresh()

    def _read(
        self, networks: tuple[Network, ...], tensors: dict[str, torch.Tensor]
    ) -> Iterator[_Wires]:
        first = 0
        for network in networks:
            units: dict[str, torch.Tensor] = {}
            for group in network.groups:
                self._layers.append(_Layer(first, group.size, _moves(group)))
                units[group.name] = torch.arange(first, first + group.size)
                first += group.size
            for call in network.calls:
                ends = (by_row(network, call, units), by_column(network, call, units))
                yield _Wires(call, tensors[call.weight], *ends)

    def penalty(self) -> torch.Tensor:
        """The cost, a differentiable scalar."""
        return torch.stack(
            [(w.strengths() * p).sum() for w, p in zip(self._wires, self._prices, strict=True)]
        ).sum()

    @torch.no_grad()
    def rearrange(self) -> None:
        """Move the units of each layer in turn to the places where their weights cost least."""
        wires = [(w, w.strengths().double().cpu()) for w in self._wires]
        for layer in self._layers:
            if layer.moves:
                cost = self._cost(layer, wires)
                units, places = linear_sum_assignment(cost.numpy())
                there = self.places[layer.units]
                there[units] = there[places].clone()
        self._refresh()

    def _cost(self, layer: _Layer, wires: list[tuple[_Wires, torch.Tensor]]) -> torch.Tensor:
        """Σ|w|·d of each unit of a layer at each of its places: (units, places)."""
        places = self.places[layer.units]
        cost = torch.zeros(layer.size, layer.size, dtype=torch.float64)
        for wire, strengths in wires:
            for near, far, weights in (
                (wire.rows, wire.columns, strengths),
                (wire.columns, wire.rows, strengths.mT),
            ):
                here = (near >= layer.first) & (near < layer.first + layer.size)
                if here.any():
                    lengths = weights @ torch.cdist(self.places[far], places).double()
                    cost.index_add_(0, near[here] - layer.first, lengths[here])
        return cost

    def _refresh(self) -> None:
        """The price of each weight at the present places."""
        self._prices = [
            (self._length * torch.cdist(self.places[w.rows], self.places[w.columns]))
            .add_(self._contact)
            .to(w.weight)
            for w in self._wires
        ]


def _moves(group: Group) -> bool:
    return group.role not in ("input", "output")


def _drawn(layer: _Layer, generator: torch.Generator) -> torch.Tensor:
    """The places of a layer's units: (units, 2); those that move in any order."""
    side = math.ceil(math.sqrt(layer.size))
    order = torch.arange(layer.size)
    grid = torch.stack([order % side, order // side], 1).float().add_(0.5).div_(side)
    return grid[torch.randperm(layer.size, generator=generator)] if layer.moves else grid
