"""What is shown of clusters, against networkx, scikit-learn, scipy and plain loops."""

from __future__ import annotations

import math

import networkx
import numpy
import pytest
import scipy.sparse.csgraph
import torch
from hand_built import HandInputs, chain, planted_weights, random_weights

from modlint.analysis.cluster_views import ClusterWeights, LaplacianSpectrum, ReorderedWeights
from modlint.analysis.clustering import Partition
from modlint.numerics.cluster.views import block_means
from modlint.numerics.graph.adjacency import adjacency
from modlint.results.clusters import Clusters

SIZES = (30, 24, 20, 10)
PARTITION = Partition(clusters=5)


def network(isolated: int = 0) -> HandInputs:
    """Planted modules, the last `isolated` inputs unconnected."""
    weights = planted_weights(2, 5, *SIZES)
    weights[0][:, SIZES[0] - isolated :] = 0
    return chain(*weights)


def dense(inputs: HandInputs) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The live vertices' adjacency, and their labels."""
    matrix = adjacency(inputs.tensors_of(PARTITION.graph)).dense().numpy()
    clusters: Clusters = inputs.result(PARTITION)
    labels = numpy.concatenate([clusters.labels[g.name] for g in inputs.network.groups])
    live = labels >= 0
    return matrix[live][:, live], labels[live]


@pytest.mark.parametrize("isolated", [0, 3])
def test_weights_in_and_out_are_those_of_networkx(isolated: int) -> None:
    inputs = network(isolated)
    found = inputs.result(ClusterWeights(PARTITION))
    matrix, labels = dense(inputs)
    graph = networkx.from_numpy_array(matrix)
    for cluster in range(5):
        members = set(numpy.flatnonzero(labels == cluster))
        inside = graph.subgraph(members).size(weight="weight")
        out = networkx.cut_size(graph, members, weight="weight")
        assert found.within[cluster] == pytest.approx(inside, rel=1e-12)
        assert found.leaving[cluster] == pytest.approx(out, rel=1e-12)
        assert found.in_out_ratios[cluster] == pytest.approx(inside / out, rel=1e-12)


def test_the_weights_give_the_n_cut() -> None:
    inputs = network(3)
    found = inputs.result(ClusterWeights(PARTITION))
    pairs = zip(found.within, found.leaving, strict=True)
    ncut = sum(out / (2 * inside + out) for inside, out in pairs)
    assert ncut == pytest.approx(inputs.result(PARTITION).ncut, rel=1e-12)


def test_a_component_of_its_own_has_an_infinite_ratio() -> None:
    generator = torch.Generator().manual_seed(0)
    blocks = torch.rand(2, 3, 6, 6, generator=generator)
    inputs = chain(*(torch.block_diag(*block) for block in blocks))
    found = inputs.result(ClusterWeights(Partition(clusters=3)))
    assert found.leaving == (0, 0, 0)
    assert found.in_out_ratios == (math.inf,) * 3


@pytest.mark.parametrize("beyond", [0, 4, 1000])
def test_eigenvalues_are_those_of_scipy(beyond: int) -> None:
    inputs = network(3)
    found = inputs.result(LaplacianSpectrum(PARTITION, beyond))
    matrix, labels = dense(inputs)
    laplacian = scipy.sparse.csgraph.laplacian(matrix, normed=True)
    expected = numpy.linalg.eigvalsh(laplacian)[: len(found)]
    assert len(found) == min(5 + beyond, len(labels) // 3)
    assert found == pytest.approx(expected, abs=1e-9)
    assert list(found) == sorted(found)
    assert sum(found[:5]) == pytest.approx(inputs.result(PARTITION).spectral_sum)


def test_panels_hold_the_weights_in_the_order_of_the_clusters() -> None:
    inputs = network(3)
    clusters = inputs.result(PARTITION)
    panels = inputs.result(ReorderedWeights(PARTITION))
    assert [panel.layer for panel in panels] == ["fc0", "fc1", "fc2"]
    for panel in panels:
        orders = []
        for group, counts in ((panel.target, panel.rows), (panel.source, panel.columns)):
            labels = clusters.labels[group]
            order = [unit for c in range(5) for unit, label in enumerate(labels) if label == c]
            assert counts == tuple(labels.count(c) for c in range(5))
            orders.append(order)
        weights = inputs.tensors[f"{panel.layer}.weight"].abs().double()
        assert numpy.array_equal(panel.image, weights[orders[0]][:, orders[1]])


def test_only_the_largest_layers_are_given() -> None:
    panels = network().result(ReorderedWeights(PARTITION, layers=2))
    assert [panel.layer for panel in panels] == ["fc0", "fc1"]
    panels = chain(*random_weights(0, 12, 12, 20, 20)).result(ReorderedWeights(PARTITION, layers=1))
    assert [panel.layer for panel in panels] == ["fc2"]


def test_a_layer_of_isolated_units_is_left_out() -> None:
    weights = planted_weights(2, 5, *SIZES)
    weights[2].zero_()
    panels = chain(*weights).result(ReorderedWeights(PARTITION))
    assert [panel.layer for panel in panels] == ["fc0", "fc1"]


def test_large_matrices_become_means_of_blocks() -> None:
    matrix = numpy.arange(24.0).reshape(4, 6)
    expected = matrix.reshape(2, 2, 2, 3).mean((1, 3))
    assert block_means(matrix, 2) == pytest.approx(expected)
    assert block_means(matrix, 5).shape == (4, 5)
    assert (block_means(matrix, 6) == matrix).all()
    flat = block_means(numpy.ones((1001, 7)), 100)
    assert flat.shape == (100, 7)
    assert flat == pytest.approx(1)


@pytest.mark.parametrize(("shape", "pixels"), [((10, 7), 4), (((301), 13), 256), ((5, 90), 11)])
def test_means_of_blocks_are_those_of_torch(shape: tuple[int, int], pixels: int) -> None:
    matrix = torch.rand(shape, generator=torch.Generator().manual_seed(0)).double()
    size = tuple(min(length, pixels) for length in shape)
    expected = torch.nn.functional.adaptive_avg_pool2d(matrix[None], size)[0]
    assert block_means(matrix.numpy(), pixels) == pytest.approx(expected.numpy(), rel=1e-12)
