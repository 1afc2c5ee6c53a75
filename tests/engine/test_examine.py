"""What rules and analyses may ask of a file, and that each answer is computed once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from msgspec.structs import replace

from modlint.analysis.base import (
    Analysis,
    FileAnalysis,
    Inputs,
    LayerAnalysis,
    NetworkAnalysis,
    Pair,
    PairAnalysis,
)
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Checkpoint, Tensor
from modlint.engine.examine import FileExamination, RuleExamination, tensor_analyses
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import load_registry
from modlint.errors import Unavailable, UndeclaredNeed
from modlint.network import Call, Network

STATISTICS = TensorStatistics()
computed: list[str] = []


class Columns(LayerAnalysis[int], frozen=True):
    """Number of columns of a layer's weight."""

    name: ClassVar[str] = "columns"
    description: ClassVar[str] = "columns of a layer"

    def compute(self, layer: Call, inputs: Inputs) -> int:
        computed.append(layer.name)
        return inputs.weight(layer.weight).shape[1]


class Largest(FileAnalysis[float], frozen=True):
    """The largest element of the file, by what is known of its tensors."""

    declared: bool = True
    name: ClassVar[str] = "largest"
    description: ClassVar[str] = "largest element"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        return (STATISTICS,) if self.declared else ()

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> float:
        tensors = checkpoint.tensors.values()
        return max(inputs.result(STATISTICS, tensor).maximum or 0.0 for tensor in tensors)


class Moved(PairAnalysis[Tensor, float], frozen=True):
    """How far a tensor's mean moved from the reference's."""

    name: ClassVar[str] = "moved"
    description: ClassVar[str] = "change of a mean"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        return (STATISTICS,)

    def compute(self, pair: Pair[Tensor], inputs: Inputs) -> float:
        after = inputs.result(STATISTICS, pair.subject).mean
        before = inputs.reference.result(STATISTICS, pair.reference).mean
        return (after or 0.0) - (before or 0.0)


def examination(
    folder: Path, scale: float, reference: FileExamination | None = None
) -> FileExamination:
    path = folder / f"{scale}.pt"
    weights = {f"{i}.weight": scale * torch.ones(4, 4) for i in range(2)}
    torch.save({**weights, "bits": torch.ones(3, dtype=torch.bool)}, path)
    registry = load_registry()
    checkpoint = load_whole(path, registry.readers)
    networks = build_networks(checkpoint, registry.builders, [])
    return FileExamination(checkpoint, networks, "cpu", lambda *_: None, [], reference)


def test_each_subject_is_computed_once(tmp_path: Path) -> None:
    computed.clear()
    file = examination(tmp_path, 1.0)
    (network,) = file.networks
    for layer in (*network.calls, *network.calls):
        assert file.result(Columns(), layer) == 4
    assert computed == [layer.name for layer in network.calls]


def test_an_analysis_asks_for_others_of_any_subject(tmp_path: Path) -> None:
    file = examination(tmp_path, 3.0)
    assert tensor_analyses([Largest()]) == [STATISTICS]
    file.visit_tensors(tensor_analyses([Largest()]))
    assert file.result(Largest(), file.checkpoint) == 3.0


def test_what_nobody_announced_is_visited_when_asked_for(tmp_path: Path) -> None:
    file = examination(tmp_path, 3.0)
    assert file.result(STATISTICS, file.checkpoint.tensors["0.weight"]).maximum == 3.0
    assert not file.unexamined


def test_a_pair_is_one_of_each_checkpoint(tmp_path: Path) -> None:
    old = examination(tmp_path, 1.0)
    new = examination(tmp_path, 3.0, old)
    pair = Pair(new.checkpoint.tensors["0.weight"], old.checkpoint.tensors["0.weight"])
    assert new.result(Moved(), pair) == pytest.approx(2.0)
    with pytest.raises(Unavailable, match="no checkpoint to compare with"):
        old.result(Moved(), pair)


def test_what_is_not_declared_is_refused(tmp_path: Path) -> None:
    file = examination(tmp_path, 1.0)
    rule = RuleExamination(file, "rule EXA001", frozenset({Largest()}))
    assert rule.result(Largest(), file.checkpoint) == 1.0
    tensor = file.checkpoint.tensors["0.weight"]
    for ask in (lambda: rule.result(STATISTICS, tensor), lambda: _all(rule)):
        with pytest.raises(UndeclaredNeed, match="rule EXA001 asks for TensorStatistics"):
            ask()
    with pytest.raises(UndeclaredNeed, match="largest asks for TensorStatistics"):
        file.result(Largest(declared=False), file.checkpoint)


def _all(rule: RuleExamination) -> Iterator[Any]:
    return rule.results(STATISTICS)


class Large(NetworkAnalysis[list[int]], frozen=True):
    """What takes room."""

    name: ClassVar[str] = "large"
    description: ClassVar[str] = "large"
    is_large: ClassVar[bool] = True

    def compute(self, network: Network, inputs: Inputs) -> list[int]:
        computed.append(network.id)
        return [1]


def test_large_results_are_kept_for_one_subject(tmp_path: Path) -> None:
    file = examination(tmp_path, 1.0)
    (network,) = file.networks
    other = replace(network, id="other")
    computed.clear()
    for subject in (network, network, other, network):
        assert file.result(Large(), subject) == [1]
    assert computed == ["0", "other", "0"]
