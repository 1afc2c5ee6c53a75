"""Rules by what they judge: what their bases say of healthy files, of many findings, of gaps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import torch

from modlint.analysis.base import Inputs, LayerAnalysis
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.engine.check import check_checkpoint
from modlint.engine.load import load_whole
from modlint.engine.plan import CheckPlan
from modlint.engine.registry import load_registry
from modlint.errors import Unavailable
from modlint.network import Call, Network
from modlint.rule import Examination, Options, Rule
from modlint.rule_reference import RuleReference
from modlint.scopes import FileRule, LayerRule, NetworkRule, TensorRule
from modlint.settings.config import Configuration, Settings
from modlint.targets import of_layer, of_network, of_tensor, whole_file
from modlint.verdict import Severity, Verdict

STATISTICS = TensorStatistics()


class _Example(Rule[Options]):
    code, name, summary, source = "EXA009", "example", "an example", "none"
    severity = Severity.WARNING


class Negative(_Example, TensorRule[Options]):
    """Tensors whose mean is negative."""

    analyses = (STATISTICS,)
    kind, sound, advice, listed = "weight", "none negative", "think again", 2

    def accepts(self, tensor: Tensor) -> bool:
        return tensor.name.endswith("weight")

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        statistics = file.result(STATISTICS, tensor)
        if statistics.mean is None or statistics.mean >= 0:
            return None
        return self.failed(of_tensor(tensor), "is negative", help=self.advice)


class Wide(_Example, LayerRule[Options]):
    """Layers with many columns."""

    sound = "none wide"

    def needs(self) -> Any:
        return (Columns(),)

    def judge(self, layer: Call, network: Network, file: Examination) -> Verdict | None:
        columns = file.result(Columns(), layer)
        target = of_layer(layer, network)
        return self.failed(target, f"{columns} columns", help="narrow it") if columns > 6 else None


class Columns(LayerAnalysis[int], frozen=True):
    """Columns of a layer's weight, up to 8."""

    name: ClassVar[str] = "columns"
    description: ClassVar[str] = "columns of a layer"

    def compute(self, layer: Call, inputs: Inputs) -> int:
        columns = inputs.weight(layer.weight).shape[1]
        if columns > 8:
            raise Unavailable("too many columns")
        return columns


class Shallow(_Example, NetworkRule[Options]):
    """Networks of few layers."""

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        layers = len(network.calls)
        message = f"{layers} layers"
        yield self.decided(of_network(network), message, passes=layers > 1, help="deepen it")


class Empty(_Example, FileRule[Options]):
    """Files without tensors."""

    sound = "holds tensors"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        if not file.checkpoint.tensors:
            yield self.failed(whole_file(file.checkpoint), "holds none", help="add some")


def told(rule: type[_Example], folder: Path, **tensors: torch.Tensor) -> list[tuple[str, str]]:
    path = folder / "model.pt"
    torch.save({name.replace("_", "."): tensor for name, tensor in tensors.items()}, path)
    registry = load_registry()
    known = {"code": rule.code, "name": rule.name, "summary": rule.summary, "source": rule.source}
    registry.rules = {
        "EXA009": RuleReference(**known, severity=rule.severity, place="tests:unused")
    }
    configuration = Configuration(Settings(device="cpu"), None, folder)
    plan = CheckPlan(configuration, registry, {"EXA009": rule(Options())}, None, False, ())
    outcome = check_checkpoint(load_whole(path, registry.readers), plan)
    assert outcome.errors == ()
    return [(str(v.outcome), v.reason or v.message) for v in outcome.report.verdicts]


def test_tensors(tmp_path: Path) -> None:
    ones, bits = torch.ones(2, 2), torch.zeros(2, dtype=torch.complex64).to(torch.bool)
    assert told(Negative, tmp_path, a_weight=ones, b_weight=ones) == [
        ("pass", "2 weights, none negative")
    ]
    assert told(Negative, tmp_path, bias=-ones, bits=bits) == [
        ("not-applicable", "the file holds no weight to judge")
    ]
    four = {f"{i}_weight": -ones for i in range(4)}
    assert told(Negative, tmp_path, **four, z_weight=ones) == [
        ("fail", "is negative"),
        ("fail", "is negative"),
        ("fail", "2 further findings of the same kind not listed"),
    ]


def test_tensors_that_could_not_be_examined(tmp_path: Path) -> None:
    opaque = torch.zeros(2, 2, dtype=torch.uint8).view(torch.bits8)
    (verdict,) = told(Negative, tmp_path, a_weight=torch.ones(2), q_weight=opaque)
    assert verdict[0] == "inconclusive"
    assert verdict[1].startswith("1 of 2 tensors could not be examined (q.weight: ")
    only = told(Negative, tmp_path, q_weight=opaque)
    assert only == [("inconclusive", "none of its 1 tensor could be examined")]


def test_layers(tmp_path: Path) -> None:
    narrow, wide, vast = torch.ones(4, 5), torch.ones(5, 7), torch.ones(5, 9)
    last = torch.ones(3, 4)
    assert told(Wide, tmp_path, a_weight=narrow, b_weight=last) == [("pass", "2 layers, none wide")]
    assert told(Wide, tmp_path, a_weight=wide, b_weight=narrow) == [("fail", "7 columns")]
    assert told(Wide, tmp_path, a_weight=vast, b_weight=narrow) == [
        ("inconclusive", "1 of 2 layers could not be examined (a: too many columns)")
    ]


def test_networks(tmp_path: Path) -> None:
    two = {"a_weight": torch.ones(4, 5), "b_weight": torch.ones(3, 4)}
    assert told(Shallow, tmp_path, **two) == [("pass", "2 layers")]
    (verdict,) = told(Shallow, tmp_path, a=torch.ones(3))
    assert verdict[0] == "not-applicable"


def test_files(tmp_path: Path) -> None:
    assert told(Empty, tmp_path, a=torch.ones(3)) == [("pass", "holds tensors")]
    assert told(Empty, tmp_path) == [("fail", "holds none")]
