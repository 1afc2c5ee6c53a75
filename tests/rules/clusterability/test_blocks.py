"""Networks above the limit are judged block by block."""

from __future__ import annotations

from typing import Any

import pytest
from large_networks import language_model
from msgspec.structs import replace

from modlint.builder import Built
from modlint.checkpoint import Checkpoint
from modlint.engine.examine import FileExamination
from modlint.portraits import shown
from modlint.verdict import Outcome
from modlint_rules.clusterability import size
from modlint_rules.clusterability.unbalanced_clusters import (
    UnbalancedClusters,
    UnbalancedClustersOptions,
)


@pytest.fixture(scope="module")
def file() -> FileExamination:
    from modlint.live import checkpoint_of

    inputs = language_model(3, size=16)
    checkpoint: Checkpoint = checkpoint_of(inputs.tensors)
    network = replace(inputs.network, id="lm")
    return FileExamination(checkpoint, Built((network,)), "cpu", lambda *_: None, [])


def _verdicts(file: FileExamination, limit: int) -> list[tuple[str, Outcome]]:
    options: Any = UnbalancedClustersOptions(max_connections=limit)
    found = UnbalancedClusters(options).check(file)
    return [(verdict.target.name, verdict.outcome) for verdict in found]


def test_below_the_limit_it_is_judged_whole(file: FileExamination) -> None:
    ((name, outcome),) = _verdicts(file, 10**6)
    assert name == "lm"
    assert outcome is not Outcome.INCONCLUSIVE


def test_above_it_by_its_blocks_until_they_too_are_too_many(file: FileExamination) -> None:
    block = 4 * 16 * 16 + 3 * 32 * 16
    found = _verdicts(file, 3 * block)
    assert [name for name, _ in found] == ["lm/layers.0", "lm/layers.1", "lm/layers.2"]
    assert Outcome.INCONCLUSIVE not in {outcome for _, outcome in found}
    *judged, (name, outcome) = _verdicts(file, 2 * block)
    assert [part for part, _ in judged] == ["lm/layers.0", "lm/layers.1"]
    assert (name, outcome) == ("lm", Outcome.INCONCLUSIVE)


def test_the_rest_is_said_to_be_left(file: FileExamination) -> None:
    options: Any = UnbalancedClustersOptions(max_connections=3000)
    *_, last = UnbalancedClusters(options).check(file)
    assert "2 of 3 blocks not examined: the graph has" in str(last.reason)


@pytest.mark.parametrize(
    ("feasible", "advice"),
    [
        (
            10**6,
            "to run it whole: modlint check --config rules.unbalanced-clusters.max-connections=",
        ),
        (
            7800,
            "to run its blocks: modlint check --config rules.unbalanced-clusters.max-connections=",
        ),
        (3000, "to run its first block: modlint check --config rules.unbalanced-clusters.max-conn"),
        (2000, "too many to be run whole or by blocks"),
    ],
)
def test_only_what_is_feasible_is_advised(
    feasible: int, advice: str, file: FileExamination, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a network of seven billion connections its number is no advice."""
    monkeypatch.setattr(size, "FEASIBLE", feasible)
    options: Any = UnbalancedClustersOptions(max_connections=100)
    (verdict,) = UnbalancedClusters(options).check(file)
    assert advice in str(verdict.reason)
    if "whole:" not in advice:
        assert f"={file.networks[0].connections}" not in str(verdict.reason)


@pytest.mark.parametrize(
    ("feasible", "advice"),
    [
        (10**6, "--max-connections {whole} clusters them all the same"),
        (3000, "too many to cluster whole; --max-connections 2560 clusters blocks"),
        (2000, "too many to cluster, and so has each block (2,560 or more)"),
    ],
)
def test_the_same_of_clusters_that_are_shown(
    feasible: int, advice: str, file: FileExamination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "FEASIBLE", feasible)
    (network,) = file.networks
    told = shown.too_large(network, file, 100)
    assert advice.format(whole=network.connections) in told
