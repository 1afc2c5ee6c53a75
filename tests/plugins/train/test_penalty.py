"""The eigenvalue penalty: its value against a dense decomposition, its gradient against nudges."""

from __future__ import annotations

import pytest
import torch
from modlint_train import ClusterabilityPenalty, clusterability_penalty
from modlint_train.eigenvalues import smallest_eigenvalues
from modlint_train.live import LiveInputs, infer, live_tensors
from torch import nn
from traced_networks import as_tensors
from trained_modules import ALL, make

from modlint.analysis.weights import WeightArrays
from modlint.errors import Unavailable
from modlint.numerics.graph.adjacency import Adjacency, adjacency, live_vertices


def _laplacian(module: nn.Module) -> torch.Tensor:
    """L_sym of the graph that `modlint check` measures, isolated vertices removed."""
    (network,) = infer(module)
    with torch.no_grad():
        inputs = LiveInputs(network, live_tensors(module))
        graph = as_tensors(WeightArrays().compute(network, inputs))
        matrix = adjacency(graph)
        live = live_vertices(matrix)
        return _normalised(matrix.dense()[live][:, live])


def _normalised(dense: torch.Tensor) -> torch.Tensor:
    scale = dense.sum(0).rsqrt()
    return torch.eye(len(dense), dtype=dense.dtype) - scale.unsqueeze(1) * dense * scale


def _slope(module: nn.Module, parameter: nn.Parameter, index: int, step: float = 1e-5) -> float:
    values, ends = parameter.data.view(-1), []
    before = values[index].item()
    for sign in (1, -1):
        values[index] = before + sign * step
        ends.append(clusterability_penalty(module).item())
    values[index] = before
    return (ends[0] - ends[1]) / (2 * step)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("eigenvalues", [1, 3])
def test_value_is_the_mean_of_the_smallest_eigenvalues(name: str, eigenvalues: int) -> None:
    module = make(name)
    expected = torch.linalg.eigvalsh(_laplacian(module))[1 : eigenvalues + 1].mean().item()
    assert expected > 0.01
    found = clusterability_penalty(module, eigenvalues).item()
    assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("name", ALL)
def test_gradient_equals_finite_differences(name: str) -> None:
    module = make(name)
    clusterability_penalty(module).backward()
    random = torch.Generator().manual_seed(0)
    steepest = 0.0
    for parameter in module.parameters():
        for index in torch.randperm(parameter.numel(), generator=random)[:8].tolist():
            gradient = 0.0 if parameter.grad is None else parameter.grad.view(-1)[index].item()
            assert gradient == pytest.approx(_slope(module, parameter, index), abs=1e-6)
            steepest = max(steepest, abs(gradient))
    assert steepest > 1e-3


def test_weights_of_an_isolated_unit_get_no_gradient() -> None:
    module = make("isolated")
    clusterability_penalty(module).backward()
    assert module[0].weight.grad[3].abs().max() == 0
    assert module[0].weight.grad[4].abs().max() > 0


@pytest.mark.parametrize("pairs", [((0, 1), (1, 2), (0, 2)), ((0, 0), (0, 1), (1, 2), (2, 2))])
def test_gradient_on_graphs_with_odd_cycles(pairs: tuple[tuple[int, int], ...]) -> None:
    torch.manual_seed(0)
    sizes = (6, 5, 7)
    raw = [torch.rand(sizes[i], sizes[j], dtype=torch.float64) for i, j in pairs]
    raw = [weights.requires_grad_() for weights in raw]

    def eigenvalues(*weights: torch.Tensor) -> torch.Tensor:
        blocks = {
            (i, j): w if i != j else (w + w.T).fill_diagonal_(0)
            for (i, j), w in zip(pairs, weights, strict=True)
        }
        matrix = Adjacency(sizes, blocks)
        degree = matrix.times(torch.ones(18, 1, dtype=torch.float64))[:, 0].detach()
        return smallest_eigenvalues(matrix, degree, 3)

    assert torch.autograd.gradcheck(eigenvalues, raw, eps=1e-6, atol=1e-6)


def test_separate_components_have_eigenvalue_and_gradient_zero() -> None:
    module = make("mlp")
    with torch.no_grad():
        for layer in (module[0], module[2], module[4]):
            out, into = layer.weight.shape
            layer.weight[: out // 2, into // 2 :] = 0
            layer.weight[out // 2 :, : into // 2] = 0
    penalty = clusterability_penalty(module, eigenvalues=1)
    penalty.backward()
    assert penalty.item() == pytest.approx(0, abs=1e-9)
    assert max(layer.weight.grad.abs().max() for layer in module[::2]) < 1e-9


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_warm_start_follows_the_exact_eigenvalues(name: str) -> None:
    module = make(name).float()
    warm = ClusterabilityPenalty(module, tolerance=1e-4)
    optimiser = torch.optim.Adam(module.parameters(), lr=3e-3)
    first = warm().item()
    for _ in range(60):
        optimiser.zero_grad()
        penalty = warm()
        assert penalty.item() == pytest.approx(clusterability_penalty(module).item(), abs=1e-5)
        penalty.backward()
        optimiser.step()
    assert warm().item() < first - 0.02


def test_warm_gradient_is_close_to_the_exact_one() -> None:
    module = make("mlp").float()
    warm = ClusterabilityPenalty(module, tolerance=1e-4)
    warm()
    with torch.no_grad():
        module[2].weight += 0.05 * torch.randn_like(module[2].weight)
    (near,) = torch.autograd.grad(warm(), module[2].weight)
    (exact,) = torch.autograd.grad(clusterability_penalty(module), module[2].weight)
    assert torch.linalg.norm(near - exact) < 1e-2 * torch.linalg.norm(exact)


def test_warm_start_survives_a_unit_that_comes_and_goes() -> None:
    module = make("mlp")
    warm = ClusterabilityPenalty(module)
    whole = warm().item()
    kept = (module[0].weight.detach().clone(), module[2].weight.detach().clone())
    with torch.no_grad():
        module[0].weight[3] = 0
        module[2].weight[:, 3] = 0
    assert warm().item() == pytest.approx(clusterability_penalty(module).item(), abs=1e-5)
    with torch.no_grad():
        module[0].weight.copy_(kept[0])
        module[2].weight.copy_(kept[1])
    assert warm().item() == pytest.approx(whole, abs=1e-5)


def test_autocast_does_not_reach_it() -> None:
    module = make("mlp").float()
    plain = clusterability_penalty(module)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = clusterability_penalty(module)
    assert cast.dtype == torch.float32
    assert cast.item() == plain.item()


def test_half_precision_weights_get_gradients_in_their_own_precision() -> None:
    module = make("mlp").bfloat16()
    clusterability_penalty(module).backward()
    assert module[0].weight.grad.dtype == torch.bfloat16
    assert module[0].weight.grad.abs().max() > 0


def test_several_networks_share_the_penalty() -> None:
    both = nn.ModuleDict({"encoder": make("mlp", 0), "decoder": make("mlp", 1)})
    parts = [clusterability_penalty(part).item() for part in both.values()]
    assert parts[0] != pytest.approx(parts[1])
    assert clusterability_penalty(both).item() == pytest.approx(sum(parts) / 2)


def test_refusals_say_why() -> None:
    module = make("mlp")
    with pytest.raises(ValueError, match="at least 1"):
        ClusterabilityPenalty(module, eigenvalues=0)
    with pytest.raises(Unavailable, match="55 connected neurons are too few for 19 clusters"):
        clusterability_penalty(module, eigenvalues=18)
    with torch.no_grad():
        module[2].weight[0, 0] = float("nan")
    with pytest.raises(Unavailable, match="NaN"):
        clusterability_penalty(module)
