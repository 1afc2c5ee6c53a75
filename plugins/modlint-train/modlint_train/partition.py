"""Training towards a partition drawn once (Golechha et al., arXiv 2502.02470).

Unlike the eigenvalue penalty it makes a network more clusterable than its own shuffled weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from modlint.network import Call
from modlint_train.layout import writable
from modlint_train.live import infer, live_tensors
from modlint_train.units import Units, draw_units, inner_layers


@dataclass(frozen=True, slots=True, eq=False)
class _Masked:
    """A weight, and which of its elements join units of one cluster: bool, in its shape."""

    weight: torch.Tensor
    mask: torch.Tensor

    def share(self) -> torch.Tensor:
        """Σ_same W² / ΣW², a scalar."""
        squares = self.weight.square()
        kept = squares.masked_fill(~self.mask.to(squares.device), 0)
        total = squares.sum()
        return kept.sum() / total.clamp_min(torch.finfo(total.dtype).tiny)


class FixedPartition:
    """The share of squared weight that stays within the clusters of a partition drawn once.

    C = Σ_same W² / ΣW² of each layer but those that read the input, averaged over layers: a mean of
    layers, so that no layer can raise it by growing. Add λ · `penalty()` to the loss; λ = 1
    suits a multilayer perceptron on MNIST.

    Attributes:
        units: by network and group ("0/fc1"), (units,) int64: each unit's cluster.
        chance: C expected of weights that know nothing of the partition.

    Args:
        module: any from whose parameters modlint rebuilds its networks. Its parameters are held:
            make a new one after replacing them.
        clusters: how many, at least 2; output c belongs to cluster c mod `clusters`.
        seed: of the partition.
        units: a partition to use instead of drawing one, such as `clusterable_init_` returns.

    Raises:
        ValueError: fewer than two clusters, no layer besides those that read the input, a partition
            that no weight can leave, or `units` that lack a group or have another size.
        NotInferred: modlint rebuilds no network from the module.
    """

    def __init__(
        self,
        module: nn.Module,
        clusters: int = 10,
        seed: int = 0,
        units: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        networks, tensors = infer(module), live_tensors(module)
        drawn = draw_units(networks, clusters, torch.Generator().manual_seed(seed))
        self.units: Units = drawn if units is None else _checked(units, drawn)
        self._layers = [
            _Masked(tensors[call.weight], _mask(call, together, tensors[call.weight]))
            for _, call, together in inner_layers(networks, self.units)
        ]
        if not self._layers:
            raise ValueError("every layer reads the input: no layer can keep to a partition")
        self.chance = self._mean([layer.mask.double().mean() for layer in self._layers]).item()
        if self.chance == 1:
            raise ValueError("every weight joins units of one cluster: nothing can leave it")

    def penalty(self) -> torch.Tensor:
        """1 − C: a differentiable scalar, 0 where no weight leaves its cluster."""
        return 1 - self._mean([layer.share() for layer in self._layers])

    @torch.no_grad()
    def share(self) -> float:
        """C, from 0 to 1."""
        return 1 - self.penalty().item()

    def excess(self) -> float:
        """(C − chance)/(1 − chance): 0 for weights that know nothing of it, 1 for a perfect cut."""
        return (self.share() - self.chance) / (1 - self.chance)

    @staticmethod
    def _mean(values: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack(values).mean()


def _checked(units: Mapping[str, torch.Tensor], like: Units) -> Units:
    """A given partition, if it has a cluster for each unit."""
    for name, drawn in like.items():
        given = len(units[name]) if name in units else 0
        if given != len(drawn):
            raise ValueError(f"`units` has {given} clusters for the {len(drawn)} units of {name!r}")
    return dict(units)


def _mask(call: Call, together: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    mask = torch.zeros_like(weight, dtype=torch.bool)
    with writable(call, mask) as view:
        view.copy_(together.to(mask))
    return mask
