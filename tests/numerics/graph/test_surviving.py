"""Flow without a block, against all paths of small networks added up by torch."""

from __future__ import annotations

import pytest
import torch
from hand_built import Drawn, HandInputs, random_weights

from modlint.analysis.flow import SurvivingFlow
from modlint.errors import Unavailable


def stacked(weights: dict[str, torch.Tensor], skips: dict[int, int]) -> HandInputs:
    """Blocks one after the other; `skips` adds the value before a block behind another."""
    drawn = Drawn()
    values = [drawn.linear("stem", drawn.input(1, 5), weights["stem"])]
    for i in range(3):
        inner = drawn.relu(drawn.linear(f"b.{i}.a", values[-1], weights[f"a{i}"]))
        x = drawn.linear(f"b.{i}.b", inner, weights[f"b{i}"])
        values.append(drawn.add(x, values[skips[i]]) if i in skips else x)
    out = drawn.linear("head", values[-1], weights["head"])
    return drawn.inputs(out, blocks=[f"b.{i}" for i in range(3)])


def share(weights: dict[str, torch.Tensor], skips: dict[int, int], without: int) -> float:
    """By the absolute weights on ones."""

    def total(removed: int | None) -> float:
        w = {name: weight.double().abs() for name, weight in weights.items()}
        values = [w["stem"] @ torch.ones(5, dtype=torch.float64)]
        for i in range(3):
            x = w[f"b{i}"] @ w[f"a{i}"] @ values[-1] * (i != removed)
            values.append(x + values[skips[i]] if i in skips else x)
        return float((w["head"] @ values[-1]).sum())

    return total(without) / total(None)


@pytest.mark.parametrize("scale", [1.0, 1e-30])
@pytest.mark.parametrize(
    "skips", [{0: 0, 1: 1, 2: 2}, {1: 0, 2: 2}, {2: 0}, {0: 0, 2: 1}, {1: 1, 2: 0}]
)
def test_share_is_that_of_the_paths(skips: dict[int, int], scale: float) -> None:
    drawn = random_weights(3, 5, 6)
    weights = {"stem": drawn[0], "head": random_weights(4, 6, 4)[0]}
    for i in range(3):
        weights[f"a{i}"], weights[f"b{i}"] = random_weights(i, 6, 7, 6)
        weights[f"a{i}"] = weights[f"a{i}"] * scale
    found = stacked(weights, skips).result(SurvivingFlow())
    assert [block.block for block in found] == ["b.0", "b.1", "b.2"]
    for i, block in enumerate(found):
        assert block.share == pytest.approx(share(weights, skips, i), rel=1e-9, abs=1e-300)


def test_nothing_flows() -> None:
    weights = {"stem": torch.zeros(6, 5), "head": torch.ones(4, 6)}
    for i in range(3):
        weights |= {f"a{i}": torch.ones(7, 6), f"b{i}": torch.ones(6, 7)}
    with pytest.raises(Unavailable, match="nothing flows"):
        stacked(weights, {0: 0, 1: 1, 2: 2}).result(SurvivingFlow())
