"""What torch computes on a device is what numpy computes: torch's own CPU is the device here."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hand_built import (
    HandInputs,
    chain,
    convolutional,
    planted_weights,
    random_weights,
    recurrent,
    residual,
)
from msgspec.structs import replace

from modlint.analysis.clustering import ClusterTest, Partition
from modlint.analysis.modules import MatchedTest
from modlint.analysis.weights import WeightArrays
from modlint.errors import UsageError
from modlint.numerics.cluster import null
from modlint.numerics.cluster.matched import stacked
from modlint.numerics.cluster.null import agrees, batched
from modlint.numerics.cluster.shuffling import shuffle
from modlint.numerics.graph.adjacency import Adjacency, adjacency
from modlint.numerics.graph.placed import placed
from modlint.numerics.linalg import eigen
from modlint.numerics.linalg.eigen import leading_pairs
from modlint.numerics.tensor.device import GRAPH_WORTHWHILE, choose_graph_device
from modlint.numerics.tensor.seeds import permutations
from modlint.results.clusters import Method, Null

DEVICE = torch.device("cpu")
SPEC = ClusterTest(Partition(clusters=4), shuffles=12)
CHANCE = torch.Generator().manual_seed(0)
SPARSE = [
    w * (torch.rand(w.shape, generator=CHANCE) > 0.9) for w in random_weights(0, 40, 40, 40, 10)
]
NETWORKS = {
    "chain": chain(*random_weights(0, 40, 30, 30, 8)),
    "planted": chain(*planted_weights(0, 4, 40, 32, 32, 8)),
    "sparse, some isolated": chain(*SPARSE),
    "residual": residual(0, 20, 30, 8),
    "recurrent": recurrent(0, 20, 30, 8),
    "convolutional": convolutional(0, 3, 24, 30, outputs=10),
}


def _on_device(inputs: HandInputs) -> HandInputs:
    return HandInputs(inputs.network, inputs.tensors, device=DEVICE)


@pytest.mark.parametrize("method", ["filan2021", "spectral"])
@pytest.mark.parametrize("kind", ["layer", "layer-nonzero"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_test_is_the_same(name: str, kind: Null, method: Method) -> None:
    spec = replace(SPEC, null=kind, method=method)
    expected, found = NETWORKS[name].result(spec), _on_device(NETWORKS[name]).result(spec)
    assert found.clusters == expected.clusters
    assert found.null_samples == pytest.approx(expected.null_samples, abs=1e-6)
    assert found.p_value == expected.p_value


@pytest.mark.parametrize("most", [1, 5])
def test_batches_change_nothing(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [_on_device(NETWORKS[name]).result(SPEC) for name in ("chain", "residual")]
    monkeypatch.setattr(null, "DEVICE_MOST", most)
    parts = [_on_device(NETWORKS[name]).result(SPEC) for name in ("chain", "residual")]
    for one, other in zip(whole, parts, strict=True):
        assert one.null_samples == pytest.approx(other.null_samples, abs=1e-6)


def test_a_device_is_given_batches_of_hundreds() -> None:
    """Of the networks of arXiv 2103.03386 some 670, and 1,000 of smaller ones; the CPU a few."""
    graph = chain(*random_weights(0, 784, 256, 256, 256, 256, 10)).result(WeightArrays())
    sizes = [len(batch) for batch in batched(placed(graph, DEVICE), 1000)]
    assert sizes == [671, 329]
    assert {len(batch) for batch in batched(graph, 1000)} == {5}
    small = NETWORKS["chain"].result(WeightArrays())
    assert [len(batch) for batch in batched(placed(small, DEVICE), 1000)] == [1000]
    assert [n for batch in batched(small, 20) for n in batch] == list(range(1, 21))


def test_permutations_are_the_same() -> None:
    found = permutations(3, [1, 2, 9], 4, 100_000, DEVICE)
    assert isinstance(found, torch.Tensor)
    assert np.array_equal(found.numpy(), permutations(3, [1, 2, 9], 4, 100_000))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", ["chain", "residual"])
def test_pairs_of_a_stack_are_those_of_each(
    name: str, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = (150, 200, 160, 190)
    drawn = chain(*random_weights(0, *sizes)) if name == "chain" else residual(0, 190, 200, 60)
    graph = shuffle(drawn.result(WeightArrays()), "layer", 0, [1, 2, 3])
    stack = adjacency(graph)
    each = [
        leading_pairs(Adjacency(stack.sizes, {pair: w[i] for pair, w in stack.blocks.items()}), 6)
        for i in range(3)
    ]
    if not whole:
        monkeypatch.setattr(eigen, "_decompose_whole", lambda order, k: False)
    on_torch = {pair: torch.asarray(w.copy()) for pair, w in stack.blocks.items()}
    for matrix in (stack, Adjacency(stack.sizes, on_torch)):
        values, vectors = leading_pairs(matrix, 6)
        assert vectors.shape == (3, stack.vertices, 6)
        for i in range(3):
            assert np.asarray(values[i]) == pytest.approx(each[i][0], abs=1e-6)
            overlaps = abs((np.asarray(vectors[i]) * each[i][1]).sum(0))
            assert overlaps == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_modules_are_the_same(name: str) -> None:
    spec = MatchedTest(clusters=(2, 3, 4, 6), shuffles=39)
    expected, found = NETWORKS[name].result(spec), _on_device(NETWORKS[name]).result(spec)
    for one, other in zip(found.scan, expected.scan, strict=True):
        assert one.spectral_sum == pytest.approx(other.spectral_sum, abs=1e-5)
        assert one.median == pytest.approx(other.median, abs=1e-5)
    assert found.null_samples == pytest.approx(expected.null_samples, abs=0.02)
    assert (found.p_value, found.clusters) == (expected.p_value, expected.clusters)


def test_exchanges_of_larger_networks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """By block Lanczos, in stacks that do not hold all."""
    monkeypatch.setattr(stacked, "MOST", 7)
    inputs = chain(*planted_weights(0, 10, 200, 400, 400, 400, 10))
    spec = MatchedTest(shuffles=19)
    expected, found = inputs.result(spec), _on_device(inputs).result(spec)
    for one, other in zip(found.scan, expected.scan, strict=True):
        assert one.spectral_sum == pytest.approx(other.spectral_sum, abs=1e-5)
        assert one.median == pytest.approx(other.median, abs=1e-5)
    assert (found.p_value, found.clusters) == (expected.p_value, expected.clusters)


def test_what_a_device_finds_of_the_network_is_compared() -> None:
    inputs = NETWORKS["chain"]
    clusters, graph = inputs.result(SPEC.partition), placed(inputs.result(WeightArrays()), DEVICE)
    assert agrees(graph, clusters, SPEC)
    assert not agrees(graph, replace(clusters, spectral_sum=clusters.spectral_sum + 1e-3), SPEC)


def test_the_work_chooses_the_device() -> None:
    """Whatever the size of the file: connections times shuffles."""
    assert choose_graph_device("cpu", 10 * GRAPH_WORTHWHILE) == "cpu"
    assert choose_graph_device("auto", GRAPH_WORTHWHILE - 1) == "cpu"
    if torch.cuda.is_available():
        assert choose_graph_device("auto", GRAPH_WORTHWHILE) == torch.device("cuda")
    else:
        assert choose_graph_device("auto", GRAPH_WORTHWHILE) == "cpu"
        with pytest.raises(UsageError, match="no CUDA device"):
            choose_graph_device("cuda", 1)
