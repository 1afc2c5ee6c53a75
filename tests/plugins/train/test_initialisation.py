"""Clusterable initialisation: which weights are scaled, and by how much."""

from __future__ import annotations

import pytest
import torch
from modlint_train import clusterable_init_
from torch import nn
from trained_modules import make


def _seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _expected(
    outer: torch.Tensor, inner: torch.Tensor, within: float, between: float
) -> torch.Tensor:
    """(out, in) factors."""
    same = outer.unsqueeze(1) == inner.unsqueeze(0)
    return torch.where(same, within, between).double()


def _ones(name: str) -> nn.Module:
    module = make(name)
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    return module


def test_linear_weights_by_module_the_first_layer_left() -> None:
    module = _ones("mlp")
    units = clusterable_init_(module, generator=_seeded())
    assert module[0].weight.unique().tolist() == [1]
    expected = _expected(units["0/2"], units["0/0"], 4.6, 0.6)
    torch.testing.assert_close(module[2].weight.data, expected)
    assert len(expected.unique()) == 2
    assert units["0/4"].tolist() == [0, 1, 2, 3, 4]
    assert [p.unique().tolist() for p in module.parameters() if p.ndim == 1] == [[1], [1], [1]]


def test_convolutions_get_their_own_factors_and_columns_those_of_their_channel() -> None:
    module = _ones("cnn")
    units = clusterable_init_(module, generator=_seeded(3))
    grouped, head = module[3].weight, module[7].weight
    inner = units["0/0"].repeat_interleave(2)  # output channels 2i and 2i + 1 read channel i
    same = (units["0/3"] == inner).double() * 2.0 + 0.8
    torch.testing.assert_close(grouped.data, same.view(16, 1, 1, 1).expand(16, 1, 3, 3))
    assert len(grouped.unique()) == 2
    columns = units["0/3"].repeat_interleave(4)
    torch.testing.assert_close(head.data, _expected(units["0/7"], columns, 4.6, 0.6))


def test_transposed_convolutions_are_stored_the_other_way_round() -> None:
    module = _ones("decoder")
    units = clusterable_init_(module, modules=2, generator=_seeded())
    expected = _expected(units["0/2"], units["0/0"], 1.2, 0.8).T
    torch.testing.assert_close(module[2].weight.data, expected[..., None, None].expand(8, 3, 3, 3))


@pytest.mark.parametrize(
    ("given", "within", "between"),
    [
        ({"between": 0.5}, 3.0, 0.5),
        ({"within": 2.0}, 2.0, 0.75),
        ({"within": 7.0, "between": 0.1}, 7.0, 0.1),
    ],
)
def test_one_factor_follows_from_the_other(
    given: dict[str, float], within: float, between: float
) -> None:
    module = _ones("mlp")
    clusterable_init_(module, modules=5, generator=_seeded(), **given)
    assert module[2].weight.unique().tolist() == pytest.approx([between, within])


def test_the_mean_weight_stays() -> None:
    module = nn.Sequential(nn.Linear(4, 500), nn.ReLU(), nn.Linear(500, 500), nn.Linear(500, 3))
    nn.init.ones_(module[2].weight)
    clusterable_init_(module, generator=_seeded())
    assert module[2].weight.mean().item() == pytest.approx(1, abs=0.01)


def test_the_generator_decides() -> None:
    first, again, other = (_ones("mlp") for _ in range(3))
    for module, seed in ((first, 1), (again, 1), (other, 2)):
        clusterable_init_(module, generator=_seeded(seed))
    assert first[2].weight.equal(again[2].weight)
    assert not first[2].weight.equal(other[2].weight)


def test_one_module_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        clusterable_init_(make("mlp"), modules=1)
