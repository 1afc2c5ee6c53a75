"""The fixed partition: its share against one counted by hand, and what training makes of it."""

from __future__ import annotations

import pytest
import torch
from modlint_train import FixedPartition, clusterable_init_
from torch import nn
from trained_modules import make


def test_share_is_counted_over_layers_that_do_not_read_the_input() -> None:
    module = make("mlp")
    partition = FixedPartition(module, clusters=3, seed=1)
    shares, chances = [], []
    for layer, source, target in ((module[2], "0/0", "0/2"), (module[4], "0/2", "0/4")):
        inner, outer = partition.units[source].tolist(), partition.units[target].tolist()
        squares = layer.weight.detach().square().tolist()
        same = [
            (row, column)
            for row in range(len(outer))
            for column in range(len(inner))
            if outer[row] == inner[column]
        ]
        shares.append(sum(squares[r][c] for r, c in same) / sum(map(sum, squares)))
        chances.append(len(same) / layer.weight.numel())
    share, chance = sum(shares) / 2, sum(chances) / 2
    assert partition.share() == pytest.approx(share)
    assert partition.chance == pytest.approx(chance)
    assert partition.penalty().item() == pytest.approx(1 - share)
    assert partition.excess() == pytest.approx((share - chance) / (1 - chance))


@pytest.mark.parametrize("name", ["cnn", "decoder", "late_norm"])
def test_weights_within_clusters_only_have_no_penalty(name: str) -> None:
    module = make(name)
    units = clusterable_init_(
        module, modules=2, within=1.0, between=0.0, generator=torch.Generator().manual_seed(0)
    )
    partition = FixedPartition(module, clusters=2, units=units)
    assert 0.3 < partition.chance < 0.8
    assert partition.penalty().item() == pytest.approx(0)
    assert partition.excess() == pytest.approx(1)
    assert FixedPartition(module, clusters=2, seed=5).excess() < 0.6


def test_descending_it_keeps_the_weights_within_their_clusters() -> None:
    module = make("cnn")
    partition = FixedPartition(module, clusters=3)
    assert abs(partition.excess()) < 0.2
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
    for _ in range(100):
        optimiser.zero_grad()
        partition.penalty().backward()
        optimiser.step()
    assert partition.excess() > 0.95


def test_the_seed_decides() -> None:
    module = make("mlp")
    drawn = [FixedPartition(module, seed=seed).units["0/2"] for seed in (1, 1, 2)]
    assert drawn[0].equal(drawn[1])
    assert not drawn[0].equal(drawn[2])


def test_refusals_say_why() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        FixedPartition(make("mlp"), clusters=1)
    with pytest.raises(ValueError, match="every layer reads the input"):
        FixedPartition(nn.Sequential(nn.Linear(4, 3)))


def test_a_layer_of_zeros_has_a_penalty_and_a_gradient() -> None:
    module = make("mlp")
    nn.init.zeros_(module[2].weight)
    penalty = FixedPartition(module, clusters=3).penalty()
    penalty.backward()
    assert penalty.isfinite()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in module.parameters())


def test_partitions_that_do_not_fit_are_refused() -> None:
    module = make("mlp")
    units = FixedPartition(module, clusters=3).units
    short = {name: labels[:-1] for name, labels in units.items()}
    for wrong in ({}, short):
        with pytest.raises(ValueError, match="clusters for the"):
            FixedPartition(module, clusters=3, units=wrong)
    together = {name: torch.zeros_like(labels) for name, labels in units.items()}
    with pytest.raises(ValueError, match="nothing can leave it"):
        FixedPartition(module, clusters=3, units=together)


def test_factors_that_turn_signs_are_refused() -> None:
    with pytest.raises(ValueError, match="turn signs"):
        clusterable_init_(make("mlp"), modules=2, within=5.0)
