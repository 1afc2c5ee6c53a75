"""What every graph tells of norms, activations and heads, whoever exported it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from truth.rebuilt import rebuilt
from truth.sources import write

from modlint.network import Activation, Join, Network, Norm

SOURCES = ("pt2", "onnx-ts", "onnx-dynamo", "torchscript")
Exported = Callable[..., Network]


@pytest.fixture(params=SOURCES)
def exported(request: pytest.FixtureRequest, tmp_path: Path) -> Exported:
    def export(module: nn.Module, *inputs: Tensor) -> Network:
        (network,) = rebuilt(write(request.param, module.eval(), inputs, tmp_path)).networks
        return network

    return export


def _shaken(module: nn.Module) -> nn.Module:
    """Parameters that are all alike are none that a graph has to keep."""
    for value in module.parameters():
        value.data += 0.1 * torch.rand(value.shape)
    return module


class _RootMeanSquare(nn.Module):
    """x/√mean(x²) · (offset + γ)."""

    def __init__(self, size: int, offset: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(size))
        self.offset = offset

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight + self.offset if self.offset else self.weight
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * scale


@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_a_decomposed_norm_keeps_its_kind_and_its_offset(offset: float, exported: Exported) -> None:
    norm = _RootMeanSquare(9, offset)
    network = exported(nn.Sequential(nn.Linear(5, 9), norm, nn.Linear(9, 3)), torch.randn(2, 5))
    (found,) = (op for op in network.operations if isinstance(op, Norm))
    assert found.kind == "rms"
    assert found.offset in (offset, 0.0)  # an exporter adds it to the stored scale


def test_a_group_norm_knows_its_groups(exported: Exported) -> None:
    body = nn.Sequential(nn.Conv2d(3, 8, 1), nn.GroupNorm(4, 8), nn.ReLU(), nn.Conv2d(8, 2, 1))
    network = exported(_shaken(body), torch.randn(2, 3, 5, 5))
    assert [op.groups for op in network.operations if isinstance(op, Norm) and op.scale] == [4]


def test_slopes_of_a_prelu_are_known(exported: Exported) -> None:
    body = nn.Sequential(nn.Linear(5, 7), nn.PReLU(7), nn.Linear(7, 2))
    network = exported(_shaken(body), torch.randn(2, 5))
    (found,) = (op for op in network.operations if isinstance(op, Activation))
    assert (found.name, found.elements) == ("prelu", (range(7),))
    assert found.slope in network.tensors


class _Squared(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        bent = torch.relu(x)
        return bent * bent


def test_a_product_with_itself_is_a_square(exported: Exported) -> None:
    network = exported(
        nn.Sequential(nn.Linear(5, 7), _Squared(), nn.Linear(7, 2)), torch.randn(2, 5)
    )
    names = [op.name for op in network.operations if isinstance(op, Activation)]
    assert names == ["relu", "square"]


class _Graph(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        return self.two(torch.relu(adjacency @ self.one(x)))


def test_an_adjacency_matrix_has_no_channels_of_a_layer(exported: Exported) -> None:
    network = exported(_Graph(), torch.randn(6, 4), torch.rand(6, 6))
    hidden = network.value(network.calls[0].target).group
    assert not any(value.is_input for value in network.values if value.group == hidden)
    assert not any(isinstance(op, Join) for op in network.operations)


class _Attention(nn.Module):
    """Two heads of queries to each of two heads of keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = nn.Linear(5, 12), nn.Linear(5, 6), nn.Linear(5, 6)
        self.out = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        q = self.q(x).view(2, 7, 4, 3).transpose(1, 2)
        k, v = (
            side(x).view(2, 7, 2, 3).transpose(1, 2).repeat_interleave(2, 1)
            for side in (self.k, self.v)
        )
        met = torch.softmax(q @ k.transpose(2, 3), -1) @ v
        return self.out(met.transpose(1, 2).reshape(2, 7, 12))


def test_neurons_of_queries_keys_and_values_stay_in_their_heads(exported: Exported) -> None:
    network = exported(_Attention(), torch.randn(2, 7, 5))
    groups = {group.name: group for group in network.groups}
    heads = [(groups[network.value(c.target).group].size, c.rows) for c in network.calls]
    assert heads == [(6, 12), (6, 6), (6, 6), (4, 4)]
    assert [groups[network.value(c.target).group].heads for c in network.calls] == [2, 2, 2, 1]
