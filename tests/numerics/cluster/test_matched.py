"""The matched null: what trades places, what stays, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hand_built import (
    Drawn,
    HandInputs,
    chain,
    convolutional,
    planted_weights,
    random_chain,
    random_weights,
    recurrent,
    rescaled,
    residual,
)
from msgspec.structs import replace

from modlint.analysis.flow import Flow
from modlint.analysis.modules import MatchedTest
from modlint.analysis.weights import WeightArrays
from modlint.errors import Unavailable
from modlint.numerics.cluster.matched import spectrum
from modlint.numerics.cluster.matched.edges import balanced_edges, rebalanced
from modlint.numerics.cluster.matched.exchange import Pool, exchanged, pools_of
from modlint.numerics.cluster.matched.parts import joined
from modlint.numerics.cluster.matched.scan import Scan
from modlint.numerics.cluster.matched.spectrum import layout_of, leading_values
from modlint.numerics.graph.edges import Edges
from modlint.numerics.graph.flow import carrying
from modlint.results.modules import ModuleTest

SIZES = (100, 80, 80, 80, 10)
QUICK = MatchedTest(shuffles=19)
Mask = np.ndarray


def _edges(inputs: HandInputs) -> tuple[Edges, tuple[Pool, ...]]:
    network, graph = inputs.network, inputs.result(WeightArrays())
    edges, live = balanced_edges(network, graph, carrying(network, inputs.result(Flow()), 1e-3))
    return edges, pools_of(network, graph, edges, live)


def _test(inputs: HandInputs, spec: MatchedTest = QUICK) -> ModuleTest:
    return inputs.result(spec)


def _dense(edges: Edges) -> np.ndarray:
    ends = dict(zip(edges.sizes, np.cumsum(list(edges.sizes.values())), strict=True))
    whole = np.zeros((edges.units, edges.units))
    for (a, b), weights in edges.between.items():
        rows, columns = (slice(ends[name] - edges.sizes[name], ends[name]) for name in (a, b))
        whole[rows, columns] += weights
        whole[columns, rows] += weights.T
    return whole


NETWORKS = {
    "chain": random_chain(0, 30, 25, 25, 8),
    "residual": residual(0, 20, 30, 8),
    "recurrent": recurrent(0, 20, 30, 8),
    "convolutional": convolutional(0, 3, 24, 30, outputs=10),
}


@pytest.mark.parametrize("whole", [1500, 1])
@pytest.mark.parametrize("name", NETWORKS)
def test_values_are_those_of_numpy(name: str, whole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the network and of an exchanged one, by LAPACK and by Lanczos."""
    monkeypatch.setattr(spectrum, "WHOLE", whole)
    edges, pools = _edges(NETWORKS[name])
    for number in (0, 1):
        moved = exchanged(edges, pools, 4, 0, number) if number else edges
        scale = _dense(moved).sum(0) ** -0.5
        expected = np.linalg.eigvalsh(scale[:, None] * _dense(moved) * scale)[::-1][:6]
        found = leading_values(moved, layout_of(edges), 6)
        assert found == pytest.approx(expected, abs=1e-5 if whole == 1 else 1e-9)
        assert sum(joined(moved, layout_of(edges), 6).values()) == pytest.approx(
            expected.sum(), abs=1e-4 if whole == 1 else 1e-9
        )


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_and_columns_keep_their_values(name: str) -> None:
    edges, pools = _edges(NETWORKS[name])
    moved = exchanged(edges, pools, 4, 0, 1)
    assert any((moved.between[pair] != edges.between[pair]).any() for pair in edges.between)
    for pair, weights in edges.between.items():
        after = moved.between[pair]
        assert np.sort(after.sum(1)) == pytest.approx(np.sort(weights.sum(1)))
        if pair[0] != pair[1]:
            assert np.array_equal(np.sort(after, 0), np.sort(weights, 0))
        else:
            assert not after.diagonal().any()


def test_what_trades_places() -> None:
    """Hidden layers; of a residual network only those of its branches."""
    assert _groups(random_chain(0, 9, 8, 7, 6)) == {"fc0": 8, "fc1": 7}
    assert _groups(residual(0, 20, 30, 8)) == {"a0": 30, "b0": 30, "a1": 30, "b1": 30}
    assert _groups(recurrent(0, 20, 30, 8)) == {"rnn": 30}
    assert _groups(convolutional(0, 3, 24, 30, outputs=10)) == {"conv0": 24, "conv1": 30}


def _groups(inputs: HandInputs) -> Mapping[str, int]:
    _, pools = _edges(inputs)
    return {name: len(pool.units) for pool in pools for name in pool.groups}


def test_units_of_like_strength_trade_places() -> None:
    edges, pools = _edges(random_chain(0, 60, 50, 40))
    (pool,) = pools
    strength = edges.degrees["fc0"]
    assert (np.diff(strength[pool.units]) >= 0).all()
    rank = np.empty(50, int)
    rank[pool.units] = np.arange(50)
    for number in range(1, 20):
        moved = exchanged(edges, pools, 4, 0, number)
        from_unit = [
            int(np.flatnonzero((edges.between["fc0", "fc1"] == row).all(1))[0])
            for row in moved.between["fc0", "fc1"]
        ]
        assert abs(rank[from_unit] - rank).max() <= 3


def test_channels_stay_in_their_group() -> None:
    drawn, draw = Drawn(), torch.Generator().manual_seed(0)
    x = drawn.input(1, 6, 2, 2)
    x = drawn.relu(drawn.conv("wide", x, torch.randn(12, 6, 3, 3, generator=draw)))
    x = drawn.relu(drawn.conv("grouped", x, torch.randn(12, 4, 3, 3, generator=draw), groups=3))
    x = drawn.relu(drawn.conv("depthwise", x, torch.randn(12, 1, 3, 3, generator=draw), groups=12))
    inputs = drawn.inputs(drawn.conv("last", x, torch.randn(5, 12, 1, 1, generator=draw)))
    _, pools = _edges(inputs)
    found = {(pool.groups[0], tuple(sorted(pool.units.tolist()))) for pool in pools}
    assert found == {
        ("wide", (0, 1, 2, 3)),
        ("wide", (4, 5, 6, 7)),
        ("wide", (8, 9, 10, 11)),
        ("depthwise", tuple(range(12))),
    }


def test_value_units_trade_places_within_their_head_and_queries_stay() -> None:
    drawn, draw = Drawn(), torch.Generator().manual_seed(0)
    stream = drawn.linear("embed", drawn.input(1, 4, 8), torch.randn(8, 8, generator=draw))
    q, k, v = (
        drawn.linear(name, stream, torch.randn(8, 8, generator=draw)) for name in ("q", "k", "v")
    )
    mixed = drawn.linear("o", drawn.attention(q, k, v, 2), torch.randn(8, 8, generator=draw))
    stream = drawn.add(stream, mixed)
    inputs = drawn.inputs(drawn.linear("head", stream, torch.randn(5, 8, generator=draw)))
    _, pools = _edges(inputs)
    assert [(pool.groups, sorted(pool.units)) for pool in pools] == [
        (("v",), [0, 1, 2, 3]),
        (("v",), [4, 5, 6, 7]),
    ]


def test_units_stay_in_their_head() -> None:
    inputs = random_chain(0, 20, 12, 8)
    groups = tuple(replace(g, heads=3) if g.name == "fc0" else g for g in inputs.network.groups)
    inputs = HandInputs(replace(inputs.network, groups=groups), inputs.tensors)
    _, pools = _edges(inputs)
    parts = [sorted(pool.units.tolist()) for pool in pools]
    assert parts == [list(range(i, i + 4)) for i in (0, 4, 8)]


def test_units_with_weights_on_one_side_stay() -> None:
    first, second = random_weights(0, 30, 20, 10)
    second[:, :2] = 0
    first[2:4] = 0
    edges, pools = _edges(chain(first, second))
    assert edges.sizes["fc0"] == 16
    assert len(pools[0].units) == 16


def test_what_the_same_tensor_leaves_and_enters_stays() -> None:
    first, second, third = random_weights(0, 12, 12, 12, 12)
    del second
    inputs = chain(first, first, third, tied={1: "fc0.weight"})
    assert set(_groups(inputs)) == {"fc1"}


def test_towers_of_one_weight_trade_places_alike() -> None:
    drawn = Drawn()
    first, second = random_weights(0, 12, 9, 6)
    a = drawn.linear("a0", drawn.input(1, 12), first)
    b = drawn.linear("b0", drawn.input(1, 12, name="y"), first, tensor="a0.weight")
    a = drawn.linear("a1", drawn.relu(a), second)
    b = drawn.linear("b1", drawn.relu(b), second, tensor="a1.weight")
    _, pools = _edges(drawn.inputs(drawn.concat(-1, a, b)))
    assert [pool.groups for pool in pools] == [("a0", "b0")]


@pytest.mark.parametrize("sigma", [1.0, 5.0])
def test_scales_of_units_change_nothing(sigma: float) -> None:
    weights = [weight.double() for weight in planted_weights(1, 10, *SIZES, up=2.0)]
    before, after = _test(chain(*weights)), _test(chain(*rescaled(weights, sigma)))
    assert after.p_value == before.p_value
    assert after.clusters == before.clusters
    for old, new in zip(before.scan, after.scan, strict=True):
        assert new.spectral_sum == pytest.approx(old.spectral_sum, abs=1e-6)
        assert new.median == pytest.approx(old.median, abs=1e-6)


def test_what_is_exchanged_is_balanced_again() -> None:
    """Else the network alone would be in balance, and every sum lie off those it is compared to."""
    inputs = random_chain(3, 60, 50, 50, 20)
    edges, pools = _edges(inputs)
    moved = exchanged(edges, pools, 4, 0, 1)
    again = rebalanced(inputs.network, moved)

    def gap(found: Edges) -> float:
        return float(max(abs(np.log(found.into[n] / found.out[n])).max() for n in ("fc0", "fc1")))

    assert gap(edges) < 1e-6
    assert gap(again) < 0.02 < gap(moved)


def test_nothing_depends_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = planted_weights(0, 10, *SIZES)
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(_test(chain(*weights)))
    assert found[0] == found[1]


def test_the_parts_of_layers_add_up_to_the_effect() -> None:
    found = _test(chain(*planted_weights(0, 10, *SIZES)))
    assert found.p_value == 0.05
    assert set(found.layers) == {"fc0", "fc1", "fc2", "fc3"}
    assert sum(found.layers.values()) == pytest.approx(found.effect_size, rel=0.1)
    assert not _test(random_chain(0, *SIZES)).layers


def test_the_smallest_standardised_sum_over_all_k_is_compared() -> None:
    sums = np.array([[1.0, 5.0], [2.0, 4.0], [3.0, 6.0], [4.0, 5.0]])
    scan = Scan(sums, (2, 3))
    scores = (sums - sums.mean(0)) / sums.std(0)
    assert scan.smallest == pytest.approx(scores.min(1))
    assert scan.p_value == 2 / 4  # one of three is as small: 4 at k = 3
    assert scan.best.clusters == 2
    assert scan.best.effect_size == pytest.approx(2 / 3)


def test_k_is_that_of_the_largest_effect_that_stands_out() -> None:
    """Not that of the smallest sum, which saturates near −√n and wavers."""
    random = np.random.default_rng(0)
    null = 10 + random.standard_normal((99, 3)) * [0.001, 0.1, 5]
    scan = Scan(np.vstack([[9.9, 5, 9.9], null]), (2, 3, 4))
    assert scan.p_value == 0.01
    assert scan.best.clusters == 3


def test_sums_without_spread_are_no_comparison() -> None:
    with pytest.raises(Unavailable, match="no spread"):
        Scan(np.ones((5, 2)), (2, 3))
    varied = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 1e-12]])
    assert Scan(varied, (2, 3)).best.clusters == 2


def test_rounding_does_not_say_who_is_smaller() -> None:
    sums = np.full((20, 1), 2.0)
    sums[0] -= 1e-12
    sums[-1] = 3
    assert Scan(sums, (2,)).p_value == 19 / 20


def test_of_parts_side_by_side_all_are_told() -> None:
    null = np.tile([1.0, 2.0, 3.0], (19, 1)) + np.arange(19)[:, None] / 100
    assert Scan(np.vstack([[0, 0, 1.0], null]), (2, 3, 4)).best.clusters == 3


def test_numbers_of_clusters_up_to_a_third_of_the_units() -> None:
    found = _test(random_chain(0, 10, 10, 8))
    assert [step.clusters for step in found.scan] == [2, 3, 4, 6, 8]


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (random_chain(0, 4, 3, 1), "8 connected neurons are too few: at least 9"),
        (random_chain(0, 20, 10), "no hidden units that may trade places"),
        (chain(torch.ones(20, 20), torch.ones(20, 20)), "changes nothing"),
    ],
    ids=["few", "one layer", "all alike"],
)
def test_what_cannot_be_tested(inputs: HandInputs, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        _test(inputs)


def test_graphs_above_the_limit_are_refused() -> None:
    with pytest.raises(Unavailable, match="max-connections"):
        _test(random_chain(0, 20, 20, 20), replace(QUICK, max_connections=799))


def test_progress_is_told_and_may_end_the_work() -> None:
    told: list[int] = []

    def progress(what: str, done: int, total: int) -> None:
        assert (what, total) == ("exchanging", 19)
        told.append(done)
        if done == 5:
            raise Unavailable("enough")

    inputs = random_chain(0, 20, 20, 20)
    inputs.progress = progress
    with pytest.raises(Unavailable, match="enough"):
        _test(inputs)
    assert told == list(range(6))
