"""The permutation test: shuffles, statistics, calibration, and scikit-learn on the same graphs."""

from __future__ import annotations

import hashlib
import itertools
import math

import numpy as np
import pytest
import torch
from hand_built import (
    Drawn,
    HandInputs,
    chain,
    one_layer,
    planted_weights,
    random_chain,
    random_weights,
)
from msgspec.structs import replace
from scipy import stats
from sklearn.cluster import SpectralClustering
from threadpoolctl import threadpool_limits

from modlint.analysis.clustering import ClusterTest, Partition
from modlint.analysis.graphs import CarryingGraph
from modlint.analysis.weights import WeightArrays
from modlint.errors import Unavailable
from modlint.numerics.cluster import clustering, kmeans
from modlint.numerics.cluster.clustering import Cut, normalised_cut
from modlint.numerics.cluster.comparison import decided
from modlint.numerics.cluster.null import summarise
from modlint.numerics.cluster.shuffling import shuffle
from modlint.numerics.graph.adjacency import adjacency, compact, live_vertices
from modlint.numerics.graph.flow_graphs import carrying_graph
from modlint.numerics.tensor.seeds import Stream, permutations
from modlint.numerics.tensor.streams import seed_of
from modlint.results.clusters import ClusterNull, Clusters, Method, Null
from modlint.results.graphs import Graph
from modlint.results.units import Carriers

SMALL = ClusterTest(Partition(clusters=4), shuffles=19)


def _test(inputs: HandInputs, spec: ClusterTest) -> ClusterNull:
    return spec.compute(inputs.network, inputs)


def _shuffled(graph: Graph, null: Null, seed: int, number: int) -> Graph:
    """One shuffle of a graph, as torch's tensors."""
    blocks = shuffle(graph, null, seed, [number]).blocks
    return Graph(graph.groups, tuple(replace(b, weights=b.weights[0]) for b in blocks))


def _permutation(seed: int, number: int, matrix: int, entries: int) -> torch.Tensor:
    return torch.asarray(permutations(seed, [number], matrix, entries)[0])


def _graph(inputs: HandInputs) -> Graph:
    return inputs.tensors_of(WeightArrays())


# --- shuffles


@pytest.mark.parametrize("null", ["layer", "layer-nonzero"])
def test_each_matrix_is_permuted_within_itself(null: Null) -> None:
    graph = _graph(random_chain(0, 12, 9, 7))
    shuffled = _shuffled(graph, null, 0, 1)
    for before, after in zip(graph.blocks, shuffled.blocks, strict=True):
        assert not after.weights.equal(before.weights)
        assert after.weights.flatten().sort().values.equal(before.weights.flatten().sort().values)
        assert (after.layer, after.source, after.target) == (
            before.layer,
            before.source,
            before.target,
        )


def test_zeros_stay_where_they_are_only_in_the_nonzero_null() -> None:
    weight = random_weights(0, 20, 20)[0] * (torch.arange(400).view(20, 20) % 3 == 0)
    graph = _graph(chain(weight))
    zeros = graph.blocks[0].weights == 0
    assert (_shuffled(graph, "layer-nonzero", 0, 1).blocks[0].weights == 0).equal(zeros)
    moved = _shuffled(graph, "layer", 0, 1).blocks[0].weights == 0
    assert moved.sum() == zeros.sum()
    assert not moved.equal(zeros)


@pytest.mark.parametrize("null", ["layer", "layer-nonzero"])
def test_grouped_convolutions_are_permuted_where_edges_can_be(null: Null) -> None:
    graph = _graph(one_layer(torch.randn(8, 3, 3), "conv", groups=2))
    after = _shuffled(graph, null, 0, 1).blocks[0].weights
    mask = graph.blocks[0].mask
    assert mask is not None
    assert bool((after[mask] > 0).all())
    assert bool((after[~mask] == 0).all())
    assert not after.equal(graph.blocks[0].weights)


def test_a_permutation_depends_on_its_names_alone() -> None:
    draws = {
        (seed, number, matrix): tuple(_permutation(seed, number, matrix, 20).tolist())
        for seed in (0, 1, 2**70)
        for number in (1, 2)
        for matrix in (0, 1)
    }
    assert len(set(draws.values())) == 12
    assert all(sorted(draw) == list(range(20)) for draw in draws.values())
    graph = _graph(chain(torch.arange(20.0).view(4, 5)))
    expected = graph.blocks[0].weights.flatten()[_permutation(7, 3, 0, 20)]
    assert _shuffled(graph, "layer", 7, 3).blocks[0].weights.flatten().equal(expected)


def test_permutations_are_the_same_in_every_release() -> None:
    """Reports name their seed; a change here changes every p-value in them."""
    text = repr(_permutation(0, 1, 0, 1000).tolist()).encode()
    assert hashlib.sha256(text).hexdigest()[:16] == "7809bd731e31409e"


def test_permutations_sort_the_numbers_of_splitmix64() -> None:
    def mixed(z: int) -> int:
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ z >> shift) * factor % 2**64
        return z ^ z >> 31

    start, gamma = seed_of("permutation", 5, 2, 1), 0x9E3779B97F4A7C15
    keys = [mixed((start + (i + 1) * gamma) % 2**64) & ~1023 | i for i in range(1000)]
    signed = sorted(key - 2**64 if key >> 63 else key for key in keys)
    assert _permutation(5, 2, 1, 1000).tolist() == [key & 1023 for key in signed]


def test_every_order_is_as_likely() -> None:
    orders = [tuple(_permutation(0, number, 0, 4).tolist()) for number in range(1, 2401)]
    counts = [orders.count(order) for order in itertools.permutations(range(4))]
    assert stats.chisquare(counts).pvalue > 0.01


def test_tied_matrices_are_permuted_alike() -> None:
    inputs = random_chain(1, 9, 9, 9, tied={1: "fc0.weight"})
    first, second = _shuffled(_graph(inputs), "layer", 0, 1).blocks
    assert first.weights.equal(second.weights)


def _tied_in_both_directions(weight: torch.Tensor, last: torch.Tensor) -> HandInputs:
    """Layers x → h by `weight` (out, in), h → y by the same read as (in, out), y → z by `last`."""
    drawn = Drawn()
    h = drawn.relu(drawn.linear("fc0", drawn.input(1, weight.shape[1]), weight))
    y = drawn.relu(drawn.linear("fc1", h, weight, transposed=True, tensor="fc0.weight"))
    return drawn.inputs(drawn.linear("fc2", y, last))


@pytest.mark.parametrize("null", ["layer", "layer-nonzero"])
def test_a_matrix_used_in_both_directions_is_permuted_as_one(null: Null) -> None:
    graph = _graph(_tied_in_both_directions(*random_weights(0, 5, 7), *random_weights(1, 5, 3)))
    assert graph.blocks[0].weights.equal(graph.blocks[1].weights.T)
    first, second, _ = _shuffled(graph, null, 0, 1).blocks
    assert first.weights.equal(second.weights.T)
    untied = _graph(chain(*random_weights(0, 5, 7)))
    assert first.weights.equal(_shuffled(untied, null, 0, 1).blocks[0].weights)


@pytest.mark.parametrize("null", ["layer", "layer-nonzero"])
def test_tied_matrices_of_which_one_use_lost_a_neuron_agree(null: Null) -> None:
    weight, last = *random_weights(0, 5, 7), *random_weights(1, 5, 3)
    graph = _graph(_tied_in_both_directions(weight, last))
    units = {name: torch.ones(n, dtype=torch.bool) for name, n in graph.groups.items()}
    units["x"][2] = False
    carrying = carrying_graph(graph, Carriers(units, {"input": 1}))
    first, second, _ = _shuffled(carrying, null, 0, 1).blocks
    live = torch.tensor([0, 1, 3, 4])
    assert first.weights[live].equal(second.weights.T[live])
    assert not first.weights[2].any()
    assert second.weights[:, 2].equal(graph.blocks[1].weights[:, 2])
    assert not first.weights.equal(carrying.blocks[0].weights)


def test_a_tensor_that_tied_layers_read_in_different_shapes_is_permuted_in_each() -> None:
    weights = *random_weights(0, 4, 6), *random_weights(1, 6, 4)
    before = _graph(chain(*weights, tied={1: "fc0.weight"}))
    for old, new in zip(before.blocks, _shuffled(before, "layer", 0, 1).blocks, strict=True):
        assert new.weights.flatten().sort().values.equal(old.weights.flatten().sort().values)
        assert not new.weights.equal(old.weights)


def test_shuffles_get_as_many_restarts_as_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Permuting a sparse matrix with a full diagonal isolates neurons."""
    told: list[tuple[int, int]] = []
    cluster = kmeans.cluster

    def spy(points: np.ndarray, k: int, restarts: int, random: Stream) -> np.ndarray:
        told.append((len(points), restarts))
        return cluster(points, k, restarts, random)

    monkeypatch.setattr(clustering, "LARGE", 59)
    monkeypatch.setattr(kmeans, "cluster", spy)
    sparse = torch.rand(30, 30, generator=torch.Generator().manual_seed(0)) < 0.07
    weight = torch.eye(30) + sparse
    _test(chain(weight), ClusterTest(Partition(clusters=2), shuffles=5))
    sizes, restarts = zip(*told, strict=True)
    assert sizes[0] == 60
    assert min(sizes[1:]) < 60
    assert set(restarts) == {100}


def test_the_zeros_of_isolated_neurons_are_permuted_too() -> None:
    """Left out before it, neurons that chance isolated would be those of the network alone."""
    weights = random_weights(2, 30, 25, 9)
    padded = [torch.zeros(27, 31), torch.zeros(9, 27)]
    padded[0][:25, :30], padded[1][:, :25] = weights
    found = _test(chain(*padded), SMALL)
    assert found.clusters.isolated_units == 3
    after = _shuffled(_graph(chain(*padded)), "layer", 0, 1)
    assert bool(live_vertices(adjacency(after)).all())
    assert found.null_samples != _test(chain(*weights), SMALL).null_samples


@pytest.mark.parametrize("null", ["layer", "layer-nonzero"])
def test_neurons_that_carry_nothing_are_dealt_no_weight(null: Null) -> None:
    """The test without them is that of a network that never had them."""
    weights = random_weights(2, 30, 25, 9)
    padded = [torch.rand(27, 30) * 1e-12, torch.rand(9, 27) * 1e-12]
    padded[0][:25], padded[1][:, :25] = weights
    without = replace(SMALL, null=null, partition=replace(SMALL.partition, graph=CarryingGraph()))
    found = _test(chain(*padded), without)
    assert found.clusters.isolated_units == 2
    plain = _test(chain(*weights), replace(SMALL, null=null))
    assert found.null_samples == pytest.approx(plain.null_samples, abs=1e-12)


# --- statistics


def _summarised(ncut: float, k: int, *samples: tuple[float, float]) -> ClusterNull:
    """Of a network with S_k 0.5, and shuffles given as (n-cut, S_k)."""
    clusters = Clusters({}, (1, 1), ncut, 0.5, 2, 0)
    cuts = [Cut(spectral_sum, ncut=sample) for sample, spectral_sum in samples]
    return summarise(clusters, cuts, ClusterTest(Partition(clusters=k), shuffles=len(cuts)))


def test_in_out_ratio_of_the_reports_example() -> None:
    found = _summarised(10.02, 12, (10.1, 9.0), (10.2, 9.1))
    assert found.in_out_ratio == pytest.approx(0.099, abs=5e-4)
    assert found.p_value == pytest.approx(1 / 3)
    assert found.spectral is not None
    assert found.spectral.null_samples == (9.0, 9.1)


def test_nothing_cut() -> None:
    assert math.isinf(_summarised(0.0, 2, (1.0, 1.0), (2.0, 1.5)).in_out_ratio)


def test_a_null_without_spread() -> None:
    with pytest.raises(Unavailable, match="shuffling the weights changes nothing"):
        _test(chain(torch.ones(20, 30), torch.ones(15, 20)), SMALL)


@pytest.mark.parametrize("null", ["layer", "layer-nonzero"])
def test_both_methods_see_the_same_shuffles(null: Null) -> None:
    inputs = random_chain(3, 30, 24, 20, 8)
    cut = _test(inputs, replace(SMALL, null=null))
    spectral = _test(inputs, replace(SMALL, null=null, method="spectral"))
    assert spectral.null_samples == cut.spectral.null_samples == spectral.spectral.null_samples
    assert spectral.observed == spectral.clusters.spectral_sum == cut.spectral.observed
    assert all(n >= s for n, s in zip(cut.null_samples, spectral.null_samples, strict=True))


def test_spectral_sums_of_shuffles_are_those_of_numpy() -> None:
    inputs = random_chain(4, 300, 280, 270, 10)
    found = _test(inputs, ClusterTest(Partition(), shuffles=3, method="spectral"))
    for number, ours in enumerate(found.null_samples, 1):
        dense = adjacency(_shuffled(_graph(inputs), "layer", 0, number)).dense().numpy()
        scale = dense.sum(0) ** -0.5
        values = np.linalg.eigvalsh(scale[:, None] * dense * scale)
        assert ours == pytest.approx((1 - values[-12:]).sum(), abs=1e-6)


def test_a_sequential_test_is_the_beginning_of_the_whole_one() -> None:
    inputs = random_chain(5, 30, 24, 20, 8)
    whole = _test(inputs, replace(SMALL, shuffles=200, method="spectral"))
    early = _test(inputs, replace(SMALL, shuffles=200, method="spectral", extremes=3))
    stopped = len(early.null_samples)
    assert early.null_samples == whole.null_samples[:stopped]
    assert stopped < 200
    lower = sum(sample <= whole.observed for sample in early.null_samples)
    higher = sum(sample >= whole.observed for sample in early.null_samples)
    assert min(lower, higher) == 3
    assert early.spectral is not None
    assert early.spectral.p_value == early.p_value
    assert early.p_interval[0] < early.p_value <= early.p_interval[1]
    assert not decided(whole.observed, early.null_samples[:-1], 3)


def test_a_test_by_ncut_that_ends_early_has_no_p_of_the_spectral_sum() -> None:
    inputs = random_chain(5, 30, 24, 20, 8)
    found = _test(inputs, replace(SMALL, shuffles=200, extremes=3))
    assert len(found.null_samples) < 200
    assert found.spectral is None


# --- the whole test


def test_planted_modules_are_clusterable_and_their_shuffle_is_not() -> None:
    weights = planted_weights(0, 10, 80, 60, 60, 60, 10)
    spec = ClusterTest(Partition(clusters=10), shuffles=19)
    planted = _test(chain(*weights), spec)
    assert planted.p_value == 1 / 20
    assert planted.z_score < -20
    shuffled = [
        w.flatten()[_permutation(99, 1, i, w.numel())].view_as(w) for i, w in enumerate(weights)
    ]
    assert _test(chain(*shuffled), spec).p_value > 0.05


def test_random_networks_are_rarely_called_clusterable() -> None:
    """Of 100, p ≤ .05 has to come out about 5 times: 1 to 10 with probability .98."""
    found = [_test(random_chain(seed, 16, 16, 16, 6), SMALL) for seed in range(100)]
    p = np.array([result.p_value for result in found])
    assert 1 <= (p <= 0.05).sum() <= 10
    assert stats.kstest(p, "uniform").pvalue > 0.001


def _sparse_chain(seed: int, zeros: float, *sizes: int) -> HandInputs:
    """Independent weights, each of them zero with this probability."""
    generator = torch.Generator().manual_seed(1000 + seed)
    weights = random_weights(seed, *sizes)
    return chain(*(w * (torch.rand(w.shape, generator=generator) >= zeros) for w in weights))


@pytest.mark.parametrize("method", ["spectral", "filan2021"])
@pytest.mark.parametrize("zeros", [0.9, 0.95])
def test_sparse_random_networks_are_rarely_called_clusterable(zeros: float, method: Method) -> None:
    """As of dense ones, though chance isolates a tenth of the sparsest networks' neurons."""
    spec = replace(SMALL, method=method)
    networks = [_sparse_chain(seed, zeros, 40, 40, 40, 10) for seed in range(100)]
    found = [_test(network, spec) for network in networks]
    p = np.array([result.p_value for result in found])
    assert 1 <= (p <= 0.05).sum() <= 10
    assert stats.kstest(p, "uniform").pvalue > 0.001
    isolated = np.mean([result.clusters.isolated_units for result in found])
    assert isolated > (9 if zeros > 0.9 else 0.5)


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    inputs = random_chain(0, 20, 20, 8)
    inputs.progress = lambda *step: told.append(step)
    _test(inputs, replace(SMALL, shuffles=5))
    assert told == [("shuffling", done, 5) for done in range(1, 6)]


def test_a_spent_budget_has_no_verdict() -> None:
    inputs = random_chain(0, 60, 60, 60, 10)
    with pytest.raises(Unavailable, match=r"budget of 1e-06 s ran out after \d of 19 shuffles"):
        _test(inputs, replace(SMALL, budget=1e-6))
    assert _test(inputs, replace(SMALL, budget=600)).p_value > 0


def test_same_seed_same_samples_other_seed_other_samples() -> None:
    first, again = (_test(random_chain(0, 20, 20, 8), SMALL) for _ in range(2))
    other = _test(random_chain(0, 20, 20, 8), replace(SMALL, partition=Partition(4, seed=1)))
    assert first == again
    assert set(first.null_samples).isdisjoint(other.null_samples)


# --- scikit-learn on the same graphs


def _scikit_learn_ncut(graph: Graph, k: int, seed: int = 0) -> float:
    matrix = adjacency(compact(graph, live_vertices(adjacency(graph))))
    solver = SpectralClustering(
        k, affinity="precomputed", eigen_solver="arpack", n_init=25, random_state=seed
    )
    with threadpool_limits(1):  # its BLAS threads would fight with torch's
        labels = torch.from_numpy(solver.fit(matrix.dense().numpy()).labels_).long()
    return normalised_cut(matrix, labels, k)


def test_agrees_with_scikit_learn_on_the_same_shuffles() -> None:
    inputs = chain(*planted_weights(0, 6, 64, 48, 48, 10, up=1.6, down=0.9))
    # a standard deviation of 120 samples is itself known to 6.5 %, and two of them are compared
    found = _test(inputs, ClusterTest(shuffles=120))
    graph = _graph(inputs)
    samples = [_scikit_learn_ncut(_shuffled(graph, "layer", 0, i), 12) for i in range(1, 121)]
    observed = [_scikit_learn_ncut(graph, 12, seed) for seed in range(5)]
    assert found.clusters.ncut == pytest.approx(np.mean(observed), rel=0.005)
    assert found.null_mean == pytest.approx(np.mean(samples), rel=0.005)
    assert found.null_std == pytest.approx(np.std(samples), rel=0.25)
    assert found.p_value < 0.05
