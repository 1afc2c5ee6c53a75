"""Partitions against scikit-learn's spectral clustering and networkx's cuts."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from hand_built import HandInputs, chain, planted_weights, random_chain, random_weights
from networkx.algorithms.cuts import cut_size, volume
from sklearn.cluster import SpectralClustering

from modlint.analysis.clustering import Partition
from modlint.analysis.weights import WeightArrays
from modlint.errors import Unavailable
from modlint.numerics.cluster import kmeans
from modlint.numerics.cluster.clustering import by_size, normalised_cut
from modlint.numerics.graph.adjacency import Adjacency, adjacency
from modlint.results.clusters import Clusters
from modlint.results.graphs import Block, Graph


def _matrix(inputs: HandInputs) -> Adjacency:
    return adjacency(inputs.tensors_of(WeightArrays()))


def _labels(inputs: HandInputs, clusters: Clusters) -> list[int]:
    groups = inputs.network.groups
    return [label for group in groups for label in clusters.labels[group.name]]


def _networkx_ncut(matrix: torch.Tensor, labels: list[int]) -> float:
    graph = nx.from_numpy_array(matrix.numpy())
    clusters = [[v for v, at in enumerate(labels) if at == c] for c in sorted(set(labels) - {-1})]
    parts = ((cut_size(graph, c, weight="weight"), volume(graph, c, "weight")) for c in clusters)
    return sum(cut / vol for cut, vol in parts)


@pytest.mark.parametrize("clusters", [2, 5])
def test_ncut_is_that_of_networkx(clusters: int) -> None:
    inputs = random_chain(1, 30, 20, 20, 6)
    found = inputs.result(Partition(clusters=clusters))
    assert found.ncut == pytest.approx(
        _networkx_ncut(_matrix(inputs).dense(), _labels(inputs, found)), abs=1e-12
    )


def test_spectral_sum_is_that_of_the_normalised_laplacian() -> None:
    inputs = random_chain(1, 30, 20, 20, 6)
    found = inputs.result(Partition(clusters=5))
    laplacian = nx.normalized_laplacian_matrix(nx.from_numpy_array(_matrix(inputs).dense().numpy()))
    eigenvalues = np.linalg.eigvalsh(laplacian.toarray())
    assert found.spectral_sum == pytest.approx(eigenvalues[:5].sum(), abs=1e-10)
    assert found.spectral_sum <= found.ncut


def test_clusters_are_those_of_scikit_learn() -> None:
    inputs = chain(*planted_weights(0, 4, 40, 40, 40, 12))
    found = inputs.result(Partition(clusters=4))
    reference = SpectralClustering(
        4, affinity="precomputed", eigen_solver="arpack", n_init=25, random_state=0
    ).fit(_matrix(inputs).dense().numpy())
    pairs = set(zip(_labels(inputs, found), reference.labels_.tolist(), strict=True))
    assert len(pairs) == 4
    assert found.labels["fc0"][:4] == found.labels["fc1"][4:8]


def test_labels_follow_cluster_size() -> None:
    inputs = random_chain(2, 30, 20, 6)
    found = inputs.result(Partition(clusters=4))
    labels = _labels(inputs, found)
    assert found.sizes == tuple(labels.count(label) for label in range(4))
    assert list(found.sizes) == sorted(found.sizes, reverse=True)
    assert by_size(torch.tensor([2, 0, 0, 1]), 3)[0].tolist() == [1, 0, 0, 2]


def test_isolated_neurons_are_left_out() -> None:
    first, second = random_weights(3, 20, 15, 8)
    live = chain(first, second).result(Partition(clusters=3))
    padded_first = torch.zeros(17, 21)
    padded_first[:15, :20] = first
    padded_first[16, 20] = 1e-12  # connected to each other, by next to nothing
    padded_second = torch.zeros(8, 17)
    padded_second[:, :15] = second
    found = chain(padded_first, padded_second).result(Partition(clusters=3))
    assert (found.neurons, found.isolated_units) == (46, 3)
    assert found.labels["x"] == (*live.labels["x"], -1)
    assert found.labels["fc0"] == (*live.labels["fc0"], -1, -1)
    assert found.ncut == pytest.approx(live.ncut, abs=1e-12)
    assert found.spectral_sum == pytest.approx(live.spectral_sum, abs=1e-9)


def test_a_neighbour_of_isolated_neurons_alone_is_isolated_too() -> None:
    """Hundreds of edges below the threshold add up to a strength above it, until they go."""
    first, second = random_weights(3, 300, 20, 8)
    weak = torch.cat([first, torch.zeros(20, 300)], 1)
    weak[0] = 0
    weak[0, 300:] = 4e-9
    second[:, 0] = 0
    found = chain(weak, second).result(Partition(clusters=3))
    assert set(found.labels["x"][300:]) == {-1}
    assert found.labels["fc0"][0] == -1
    assert found.isolated_units == 301


def test_isolation_is_told_by_the_layer_not_by_the_network() -> None:
    """The same ReLU network on another scale of each layer has the same neurons."""
    first, second = random_weights(3, 60, 50, 10)
    found = chain(first.double() * 1e-9, second.double() * 1e9).result(Partition(clusters=3))
    assert found.isolated_units == 0
    second[0, 0] = 1e20  # beside it, the rest of its two layers is nothing; the input stays
    found = chain(first, second).result(Partition(clusters=3))
    assert found.isolated_units == 0 + 49 + 9


def test_two_networks_side_by_side_are_not_cut() -> None:
    blocks = [torch.block_diag(a.abs(), b.abs()) for a, b in _pairs()]
    found = chain(*blocks).result(Partition(clusters=2))
    assert found.ncut == pytest.approx(0, abs=1e-12)
    assert found.spectral_sum == pytest.approx(0, abs=1e-9)
    sides = {(labels[0], labels[-1]) for labels in found.labels.values()}
    assert sides in ({(0, 1)}, {(1, 0)})


def _pairs() -> list[tuple[torch.Tensor, torch.Tensor]]:
    left, right = random_weights(4, 20, 15, 15, 6), random_weights(5, 20, 15, 15, 6)
    return list(zip(left, right, strict=True))


def test_scale_of_all_weights_does_not_matter() -> None:
    weights = random_weights(6, 20, 15, 8)
    plain = chain(*weights).result(Partition(clusters=3))
    scaled = chain(*(w.double() * 1e-9 for w in weights)).result(Partition(clusters=3))
    assert scaled.labels == plain.labels
    assert scaled.ncut == pytest.approx(plain.ncut)


def test_seed_names_the_random_numbers() -> None:
    partition = Partition(clusters=12, seed=5)
    first, second = (random_chain(7, 64, 48, 48, 10).result(partition) for _ in range(2))
    assert first == second
    assert Partition(clusters=12) != partition


def test_threads_do_not_change_the_result() -> None:
    before = torch.get_num_threads()
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append(random_chain(7, 64, 48, 48, 10).result(Partition()))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert found[0] == found[1]


def test_too_few_neurons() -> None:
    with pytest.raises(Unavailable, match="26 connected neurons are too few for 12 clusters"):
        random_chain(0, 10, 10, 6).result(Partition())


def test_a_network_without_weight() -> None:
    with pytest.raises(Unavailable, match="0 connected neurons"):
        chain(torch.zeros(30, 30)).result(Partition())


def test_a_graph_above_the_limit_says_how_to_run_it_whole() -> None:
    with pytest.raises(Unavailable, match=r"400 connections, more than the 399 "):
        random_chain(0, 20, 20).result(Partition(clusters=2, max_connections=399))
    assert random_chain(0, 20, 20).result(Partition(clusters=2, max_connections=400)).ncut > 0


def test_clusters_that_cannot_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kmeans, "cluster", lambda points, *_: torch.zeros(len(points)).long())
    with pytest.raises(Unavailable, match="fewer than 5 clusters"):
        random_chain(0, 20, 20).result(Partition(clusters=5))


def test_identical_neurons() -> None:
    blocks = chain(torch.block_diag(*[torch.ones(10, 10)] * 3))
    assert blocks.result(Partition(clusters=3)).ncut == pytest.approx(0, abs=1e-12)
    found = blocks.result(Partition(clusters=5))
    assert 0 not in found.sizes
    assert found.ncut >= found.spectral_sum - 1e-9


def test_blocks_between_the_same_groups_add() -> None:
    first, second = random_weights(8, 6, 5)[0].abs().double(), torch.ones(6, 5).double()
    groups = {"a": 6, "b": 5}
    blocks = (
        Block("x", "x", "a", "b", first.T.contiguous()),
        Block("y", "y", "b", "a", second.T.contiguous()),
    )
    (merged,) = adjacency(Graph(groups, blocks)).blocks.values()
    torch.testing.assert_close(merged, first.T + second)


def test_edges_within_a_group_count_in_both_directions_without_self_loops() -> None:
    weights = torch.tensor([[7.0, 1.0], [2.0, 7.0]]).double()
    matrix = adjacency(Graph({"h": 2}, (Block("r", "r", "h", "h", weights),)))
    assert matrix.dense().tolist() == [[0, 3], [3, 0]]
    assert matrix.times(torch.ones(2, 1).double()).tolist() == [[3], [3]]


def test_ncut_of_a_known_graph() -> None:
    """Two triangles and a bridge: cut 1 on either side, volume 7 each."""
    matrix = torch.zeros(6, 6, dtype=torch.float64)
    for i, j in ((0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)):
        matrix[i, j] = matrix[j, i] = 1
    graph = Adjacency((6,), {(0, 0): matrix})
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    assert normalised_cut(graph, labels, 2) == pytest.approx(2 / 7)
