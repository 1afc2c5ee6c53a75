"""Lesions of a perceptron's clusters, against torch with hooks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from modlint.analysis.lesions import lesion_test, perceptron
from modlint.errors import Unavailable
from modlint.numerics.lesions.perceptron import ACTIVATIONS

CLASSES, EACH = 5, 6


def by_class(samples: int = 200) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Noisy one-hot inputs, and the classes that they show."""
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASSES, samples)
    noise = 0.1 * random.random((samples, CLASSES))
    return (np.eye(CLASSES)[labels] + noise).astype(np.float32), labels


def one_module_a_class() -> list[NDArray[np.float32]]:
    """Weights of a network in which `EACH` units of each hidden layer serve one class alone."""
    units = np.arange(CLASSES * EACH) // EACH
    into = (units[:, None] == np.arange(CLASSES)).astype(np.float32)
    between = (units[:, None] == units).astype(np.float32) / EACH
    return [into, between, into.T / EACH]


def test_modules_that_serve_a_class_are_important_and_selective() -> None:
    inputs, labels = by_class()
    network = perceptron(one_module_a_class(), [None] * 3, inputs)
    modules = (np.arange(CLASSES * EACH) // EACH).tolist()
    found = lesion_test(network.predict, {"1": modules, "2": modules}, labels, groups=50)
    assert found.accuracy == 1
    assert len(found.lesions) == 2 * CLASSES
    for lesion in found.lesions:
        assert lesion.importance == pytest.approx((labels == lesion.cluster).mean())
        assert lesion.class_changes[lesion.cluster] == -1
        assert lesion.importance_p == lesion.selectivity_p == 1 / 51
        assert lesion.effect > 0.1
    assert found.importance_p < 1e-9
    assert found.selectivity_p < 1e-9


def test_random_groups_are_no_modules() -> None:
    inputs, labels = by_class()
    network = perceptron(one_module_a_class(), [None] * 3, inputs)
    chances = []
    for seed in range(40):
        groups = np.random.default_rng(seed).permutation(np.arange(CLASSES * EACH) % 3).tolist()
        found = lesion_test(network.predict, {"1": groups}, labels, groups=30, seed=seed)
        chances.append((found.importance_p, found.selectivity_p))
    assert (np.array(chances) <= 0.05).mean() <= 0.1
    assert np.median(chances) > 0.3


@pytest.mark.parametrize("activation", ["ReLU", "Tanh", "GELU", "SiLU", "ELU", "LeakyReLU"])
def test_what_is_lost_is_what_hooks_say(activation: str) -> None:
    torch.manual_seed(1)
    layers = [nn.Linear(8, 20), nn.Linear(20, 16), nn.Linear(16, 12), nn.Linear(12, 4)]
    bends = [getattr(nn, activation)() for _ in range(3)]
    order = [m for pair in zip(layers, [*bends, nn.Identity()], strict=True) for m in pair]
    model = nn.Sequential(*order)
    samples = torch.randn(300, 8)
    labels = torch.randint(4, (300,))
    network = perceptron(
        [layer.weight.detach().numpy() for layer in layers],
        [layer.bias.detach().numpy() for layer in layers],
        samples.numpy(),
        activation=activation.lower(),
    )
    partition = {name: [u % 3 for u in range(n)] for name, n in (("1", 20), ("2", 16), ("3", 12))}
    found = lesion_test(network.predict, partition, labels.numpy(), groups=5)
    for lesion in found.lesions:
        silenced = torch.arange(lesion.cluster, layers[int(lesion.layer) - 1].out_features, 3)
        hook = bends[int(lesion.layer) - 1].register_forward_hook(
            lambda _m, _i, given, silenced=silenced: given.index_fill(1, silenced, 0)
        )
        with torch.no_grad():
            right = model(samples).argmax(1) == labels
        hook.remove()
        assert lesion.importance == pytest.approx(
            found.accuracy - right.double().mean().item(), abs=1e-9
        )
        expected = [right[labels == c].double().mean().item() for c in range(4)]
        assert np.allclose(np.add(found.class_accuracies, lesion.class_changes), expected)


@pytest.mark.parametrize("name", ["identity", "sigmoid"])
def test_every_activation_is_torchs(name: str) -> None:
    x = torch.linspace(-4, 4, 101)
    expected = torch.sigmoid(x) if name == "sigmoid" else x
    assert np.allclose(ACTIVATIONS[name](x.numpy()), expected.numpy(), atol=1e-6)


def test_random_groups_are_as_large_and_of_units_in_clusters() -> None:
    seen: list[tuple[int, ...]] = []

    def predict(_layer: str, silenced: NDArray[np.int64]) -> NDArray[np.int64]:
        seen.append(tuple(silenced.tolist()))
        return np.zeros(10, np.int64)

    partition = {"1": [0, 0, 0, -1, 1, 1, -1, 1, 1]}
    found = lesion_test(predict, partition, np.arange(10) % 2, groups=20)
    assert [lesion.units for lesion in found.lesions] == [3, 4]
    assert {lesion.layer_units for lesion in found.lesions} == {7}
    assert not {3, 6} & {unit for group in seen for unit in group}
    assert [len(group) for group in seen] == [0, *[3] * 21, *[4] * 21]
    assert len(set(seen)) > 20


def test_the_seed_draws_the_groups() -> None:
    inputs, labels = by_class()
    network = perceptron(one_module_a_class(), [None] * 3, inputs)
    partition = {"1": (np.arange(CLASSES * EACH) > 20).tolist()}
    one, same, other = (
        lesion_test(network.predict, partition, labels, groups=10, seed=seed) for seed in (0, 0, 1)
    )
    assert one == same
    assert one.lesions[0].importance_null != other.lesions[0].importance_null


def test_one_cluster_that_holds_a_layer_has_nothing_beside_it() -> None:
    with pytest.raises(Unavailable, match="no hidden layer has units of several clusters"):
        lesion_test(lambda *_: np.zeros(4), {"1": [0, 0, 0, -1]}, np.arange(4))


def test_co_activation_is_numpys_correlation() -> None:
    inputs, labels = by_class()
    network = perceptron(one_module_a_class(), [None] * 3, inputs)
    modules = (np.arange(CLASSES * EACH) // EACH).tolist()
    found = lesion_test(
        network.predict, {"1": modules}, labels, activations=network.activations, groups=2
    )
    together = np.abs(np.corrcoef(network.activations["1"].T))
    for lesion in found.lesions:
        own = np.array(modules) == lesion.cluster
        within = (together[own][:, own].sum() - EACH) / (EACH * (EACH - 1))
        assert lesion.co_activation == pytest.approx(within, abs=1e-5)
        assert lesion.co_activation_outside == pytest.approx(
            together[own][:, ~own].mean(), abs=1e-5
        )


def test_units_that_never_vary_have_no_correlation() -> None:
    activations = np.random.default_rng(0).standard_normal((50, 4))
    activations[:, :2] = 1
    found = lesion_test(
        lambda *_: np.zeros(50),
        {"1": [0, 0, 1, 1]},
        np.zeros(50, int),
        activations={"1": activations},
        groups=1,
    )
    assert found.lesions[0].co_activation is None
    assert found.lesions[1].co_activation is not None
    assert found.lesions[1].co_activation_outside is None


def test_what_does_not_fit_is_refused() -> None:
    inputs, _ = by_class()
    weights = one_module_a_class()
    with pytest.raises(ValueError, match="2 hidden layers have 3 weights"):
        perceptron(weights, [None], inputs)
    with pytest.raises(ValueError, match="do not fit"):
        perceptron(weights, [None] * 3, inputs[:, :2])
    with pytest.raises(ValueError, match="'swoosh' is not one of relu"):
        perceptron(weights, [None] * 3, inputs, activation="swoosh")
