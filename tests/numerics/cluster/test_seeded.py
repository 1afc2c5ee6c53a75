"""Clusters from several seeds, and what there is to see of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hand_built import HandInputs, chain, planted_weights, random_chain, rescaled, residual_block

from modlint.analysis.cluster_views import ClusterWeights, LaplacianSpectrum
from modlint.analysis.clustering import Partition
from modlint.analysis.modules import MatchedTest, ModuleClusters
from modlint.analysis.partitions import Clustered, SeededPartition
from modlint.errors import Unavailable
from modlint.results.partitions import SeededClusters

SIZES = (50, 40, 30, 20, 10)


def found(network: HandInputs, clusters: int = 5, seeds: int = 4, **how: object) -> SeededClusters:
    return network.result(SeededPartition(clusters, seeds, **how))  # type: ignore[arg-type]


def test_planted_modules_are_found_from_every_seed() -> None:
    clusters = found(chain(*planted_weights(0, 5, *SIZES)))
    assert clusters.agreement == 1
    assert {share for own in clusters.stability.values() for share in own} == {1}
    for labels in clusters.labels.values():
        assert len({(unit % 5, label) for unit, label in enumerate(labels)}) == 5


def test_of_one_seed_it_is_the_partition_of_the_rules() -> None:
    network = chain(*planted_weights(1, 5, *SIZES))
    test = MatchedTest(clusters=(5,), shuffles=3)
    expected = network.result(ModuleClusters(test))
    clusters = found(network, seeds=1)
    assert clusters.labels == expected.labels
    assert clusters.ncut == pytest.approx(expected.ncut)
    assert clusters.spectral_sum == pytest.approx(expected.spectral_sum)
    assert clusters.agreement is None


def test_rescaled_units_stay_where_they_are() -> None:
    weights = planted_weights(2, 5, *SIZES)
    one, other = (found(chain(*each)) for each in (weights, rescaled(weights, 1.0)))
    assert one.labels == other.labels
    assert one.weights.within == pytest.approx(other.weights.within, rel=1e-4)


@pytest.mark.parametrize(
    "network", [random_chain(0, *SIZES), chain(*planted_weights(3, 5, *SIZES))]
)
def test_published_views_are_those_of_torch(network: HandInputs) -> None:
    clusters = found(network, seeds=1, method="filan2021")
    partition = Partition(5)
    expected = network.result(partition)
    weights = network.result(ClusterWeights(partition))
    assert clusters.labels == expected.labels
    assert clusters.ncut == pytest.approx(expected.ncut)
    assert clusters.weights.within == pytest.approx(weights.within)
    assert clusters.weights.leaving == pytest.approx(weights.leaving)
    spectrum = network.result(LaplacianSpectrum(partition))
    assert clusters.eigenvalues == pytest.approx(spectrum, abs=1e-5)


@pytest.mark.parametrize("method", ["matched", "filan2021"])
def test_of_a_residual_network_edges_are_counted_once(method: Clustered) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = ((24, 20), (30, 24), (24, 30), (10, 24))
    weights = [torch.randn(*shape, generator=generator) for shape in shapes]
    clusters = found(residual_block(*weights), 3, method=method)
    ncut = sum(
        out / (2 * inside + out)
        for inside, out in zip(clusters.weights.within, clusters.weights.leaving, strict=True)
    )
    assert ncut == pytest.approx(clusters.ncut)
    for cluster in range(3):
        inside = sum(own.within[cluster] for own in clusters.layers.values())
        outside = sum(own.leaving[cluster] for own in clusters.layers.values())
        assert inside == pytest.approx(2 * clusters.weights.within[cluster])
        assert outside == pytest.approx(clusters.weights.leaving[cluster])


def test_a_cluster_is_known_by_the_ends_of_its_modules() -> None:
    clusters = found(chain(*planted_weights(4, 5, *SIZES)))
    for cluster in range(5):
        hidden = [*enumerate(clusters.labels["fc0"]), *enumerate(clusters.labels["fc1"])]
        modules = {unit % 5 for unit, label in hidden if label == cluster}
        for side, group in ((clusters.inputs, "x"), (clusters.outputs, "fc3")):
            assert {end.layer for end in side[cluster]} == {group}
            assert not modules or side[cluster][0].unit % 5 in modules


def test_parts_side_by_side_share_out_all_that_runs_in() -> None:
    """All that runs into a part comes from its own inputs, in proportion to their weights."""
    into = torch.tensor([[3.0, 1.0, 0, 0], [3.0, 1.0, 0, 0], [0, 0, 2.0, 2.0], [0, 0, 2.0, 2.0]])
    out = torch.block_diag(torch.ones(1, 2), torch.ones(1, 2))
    clusters = found(chain(into, out), 2)
    own = clusters.labels["fc0"][0]
    (first,) = (end for end in clusters.inputs[own] if end.unit == 0)
    assert first.share == pytest.approx(0.75)
    assert [(end.unit, end.share) for end in clusters.outputs[own]] == [(0, pytest.approx(1))]


def test_dense_networks_have_no_ends_of_their_own() -> None:
    weights = [torch.ones(30, 30), torch.ones(30, 30), torch.ones(10, 30)]
    noise = torch.Generator().manual_seed(0)
    weights = [w + 0.01 * torch.rand(w.shape, generator=noise) for w in weights]
    clusters = found(chain(*weights), 3)
    hidden = [c for c in range(3) if c in clusters.labels["fc0"] + clusters.labels["fc1"]]
    assert hidden
    assert not any(clusters.outputs[cluster] for cluster in hidden)


def test_units_in_no_cluster_have_no_stability() -> None:
    weights = planted_weights(0, 5, *SIZES)
    weights[0][:, :3] = 0
    clusters = found(chain(*weights))
    assert clusters.isolated_units == 3
    assert np.isnan(clusters.stability["x"][:3]).all()
    assert clusters.labels["x"][:3] == (-1, -1, -1)


def test_too_many_clusters_are_refused() -> None:
    with pytest.raises(Unavailable, match="150 connected neurons are too few for 60 clusters"):
        found(random_chain(0, *SIZES), 60)
