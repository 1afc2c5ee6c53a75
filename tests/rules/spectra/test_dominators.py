"""What all paths run through, beside the sets of calls that each path has."""

from __future__ import annotations

import random

import pytest
import torch
from traced_networks import Drawn

from modlint.network import Call, Network
from modlint_rules.base.dominators import passed_by_all

WIDTH = 4


def drawn(seed: int, operations: int) -> Network:
    """Layers and sums of values that are drawn at random."""
    choose, network = random.Random(seed), Drawn()
    values = [network.input(1, WIDTH)]
    for number in range(operations):
        x = choose.choice(values[-4:])
        if choose.random() < 0.6:
            values.append(network.linear(f"fc{number}", x, torch.ones(WIDTH, WIDTH)))
        else:
            values.append(network.add(x, choose.choice(values[-6:])))
    return network.inputs(values[-1]).network


def by_sets(network: Network, value: str) -> set[str]:
    """For each value the calls that stand on all paths to it, as sets."""
    passed: dict[str, frozenset[str]] = {}
    for op in network.operations:
        before = [passed.get(span.value, frozenset()) for span in op.reads]
        own = {op.name} if isinstance(op, Call) else set()
        passed[op.target] = frozenset.intersection(*before) | own
    return {*passed.get(value, frozenset())}


@pytest.mark.parametrize("seed", range(30))
def test_it_is_what_the_sets_of_all_paths_share(seed: int) -> None:
    network = drawn(seed, 25)
    for value in network.values:
        found = [call.name for call in passed_by_all(network, value.name)]
        assert {*found} == by_sets(network, value.name)
        assert found == [call.name for call in network.calls if call.name in found]
