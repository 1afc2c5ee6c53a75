"""Wires: their cost against one counted by hand, and places against swaps of pairs."""

from __future__ import annotations

import itertools

import pytest
import torch
from modlint_train import NotInferred, WiringCost
from torch import nn
from trained_modules import make


def test_the_cost_is_counted_over_weights() -> None:
    module = make("mlp")
    wiring = WiringCost(module, length=0.7, contact=0.2)
    first = {0: 0, 2: 20, 4: 36}
    total = 0.0
    for layer, start in first.items():
        weight = module[layer].weight.detach()
        for row, column in itertools.product(*map(range, weight.shape)):
            ends = (
                wiring.places[start + column].double(),
                wiring.places[start + weight.shape[1] + row].double(),
            )
            distance = torch.dist(*ends).item()
            total += abs(weight[row, column].item()) * (0.7 * distance + 0.2)
    assert wiring.penalty().item() == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("name", ["mlp", "cnn", "decoder", "late_norm", "isolated"])
def test_no_swap_of_two_units_of_a_layer_that_was_arranged_last_lowers_the_cost(name: str) -> None:
    module = make(name)
    wiring = WiringCost(module)
    before = wiring.penalty().item()
    wiring.rearrange()
    after = wiring.penalty().item()
    assert after < before
    last = [layer for layer in wiring._layers if layer.moves][-1]
    for one, other in itertools.combinations(range(last.first, last.first + last.size), 2):
        wiring.places[[one, other]] = wiring.places[[other, one]]
        wiring._refresh()
        assert wiring.penalty().item() > after - 1e-5
        wiring.places[[one, other]] = wiring.places[[other, one]]


def test_inputs_and_outputs_keep_their_places() -> None:
    wiring = WiringCost(make("mlp"))
    ends = [*range(20), *range(50, 55)]
    before = wiring.places.clone()
    wiring.rearrange()
    assert torch.equal(wiring.places[ends], before[ends])
    assert not torch.equal(wiring.places[20:50], before[20:50])
    for units in (slice(20, 36), slice(36, 50)):
        assert sorted(wiring.places[units].tolist()) == sorted(before[units].tolist())


def test_descending_it_shortens_the_wires_that_are_left() -> None:
    module = make("mlp")
    wiring = WiringCost(module, contact=0.0)
    optimiser = torch.optim.SGD(module.parameters(), lr=1e-2)

    def mean_length() -> float:
        total = torch.stack([wire.weight.detach().abs().sum() for wire in wiring._wires]).sum()
        return wiring.penalty().item() / total.item()

    before = mean_length()
    for _ in range(20):
        optimiser.zero_grad()
        wiring.penalty().backward()
        optimiser.step()
        wiring.rearrange()
    assert mean_length() < 0.8 * before


def test_the_seed_decides() -> None:
    places = [WiringCost(make("mlp"), seed=seed).places for seed in (0, 0, 1)]
    assert torch.equal(places[0], places[1])
    assert not torch.equal(places[0], places[2])


def test_what_cannot_be_wired_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        WiringCost(make("mlp"), length=-1.0)
    with pytest.raises(ValueError, match="none can be moved"):
        WiringCost(nn.Sequential(nn.Linear(8, 4)))
    with pytest.raises(NotInferred):
        WiringCost(nn.Sequential(nn.ReLU()))
