"""What GRF001, FMT001 and GRF006 call an error is what onnxruntime refuses, and nothing else."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from onnx_broken import broken
from onnx_models import mutant, seeds
from onnxruntime_says import is_refusal, onnxruntime_says
from support import no_progress

from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings
from modlint.verdict import Verdict
from modlint_plugins.onnx_check.contrib import CONTRIB
from modlint_plugins.onnx_check.operators import nodes

RULES = ("FMT001", "GRF001", "GRF006")
CUSTOM = {"custom-operator", "unknown-domain"}
FOLDERS = (
    "models",
    "reports/health",
    "reports/networks",
    "reports/practice",
    "hostile/onnx__onnx",
    "hostile/NVIDIA__TensorRT",
)
MUTANTS = 400


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = load_registry()
    registry.load_all()
    return registry


def judged(path: Path, registry: Registry) -> list[Verdict]:
    settings = Settings(select=RULES, device="cpu")
    report = check([path], Configuration(settings, None, path.parent), registry, no_progress)
    assert not report.run.problems
    return [finding for file in report.files for finding in file.findings]


def explained(path: Path, said: str | None, findings: list[Verdict]) -> bool:
    """Whether modlint and onnxruntime differ for a reason that stays."""
    kinds = {finding.values.get("kind") for finding in findings}
    model = onnx.load(path, load_external_data=False)
    domains = {node.domain for node in nodes(model)}
    if said is not None:
        # Operators of other domains may be registered with the runtime; what follows them, and
        # onnxruntime's own, has types that modlint does not know.
        if kinds & CUSTOM or domains & CONTRIB.keys():
            return True
        # Weights that were taken out are put back before the model runs.
        return "stripped-weights" in kinds
    # It forgets a shape that is stated wrongly, and with it what follows from the inferred one.
    if "stated-shape" in kinds:
        return True
    read = {name for node in nodes(model) for name in node.input}
    errors = [finding for finding in findings if str(finding.severity) == "error"]
    # onnxruntime drops initialisers that nothing reads without a look at them.
    if all(finding.rule in ("FMT001", "GRF006") for finding in errors):
        return all(not read & set(re.findall(r"'([^']*)'", error.message)) for error in errors)
    # It unfolds functions before it looks, and names of the graph are then within reach.
    own = {name for node in model.graph.node for name in (*node.input, *node.output)}
    return bool(model.functions) and all(
        "which nothing defines" in error.message
        and own & set(re.findall(r"'([^']*)'", error.message))
        for error in errors
    )


def differences(paths: Iterable[Path], registry: Registry) -> list[str]:
    found = []
    for path, said in onnxruntime_says(list(paths)).items():
        findings = judged(path, registry)
        errors = [finding for finding in findings if str(finding.severity) == "error"]
        if bool(errors) != is_refusal(said) and not explained(path, said, findings):
            told = [f"{finding.severity}: {finding.message}" for finding in findings]
            found.append(f"{path}: onnxruntime: {said}; modlint: {told}")
    return found


def written(folder: Path, models: Iterable[tuple[str, onnx.ModelProto]]) -> list[Path]:
    (folder / "w.bin").write_bytes(bytes(36))
    paths = []
    for title, model in models:
        path = folder / f"{title}.onnx"
        path.write_bytes(model.SerializeToString())
        paths.append(path)
    return paths


def test_healthy_models_load_and_get_no_error(tmp_path: Path, registry: Registry) -> None:
    paths = written(tmp_path, ((f"seed {index}", model) for index, model in enumerate(seeds())))
    assert set(onnxruntime_says(paths).values()) == {None}
    for path in paths:
        assert not [f.message for f in judged(path, registry) if str(f.severity) != "note"], path


def test_broken_models(tmp_path: Path, registry: Registry) -> None:
    paths = written(tmp_path, broken().items())
    assert not differences(paths, registry)
    refused = [path.stem for path in paths if any(judged(path, registry))]
    assert len(paths) > len(refused) > 100


def test_mutants(tmp_path: Path, registry: Registry) -> None:
    generator, sources = random.Random(20), list(seeds())
    mutants = (mutant(generator.choice(sources), generator) for _ in range(MUTANTS))
    paths = written(tmp_path, ((f"mutant {index}", made) for index, made in enumerate(mutants)))
    assert not differences(paths, registry)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)
        self.mixed = torch.nn.Linear(8, 24)
        self.recurrent = torch.nn.GRU(8, 8, batch_first=True)
        self.head = torch.nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.conv(x))).flatten(2).transpose(1, 2)
        q, k, v = self.mixed(x).chunk(3, -1)
        x = x + (q @ k.transpose(1, 2)).softmax(-1) @ v
        return self.head(self.recurrent(x)[0].mean(1)).softmax(-1)


@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_what_torch_exports_gets_no_error(dynamo: bool, tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "net.onnx"
    with torch.no_grad():
        torch.onnx.export(
            Net().eval(), (torch.ones(1, 3, 8, 8),), path, dynamo=dynamo, verbose=False
        )
    assert onnxruntime_says([path]) == {path: None}
    assert not [f.message for f in judged(path, registry) if str(f.severity) != "note"]


def test_real_files(shared: Path, registry: Registry) -> None:
    paths = [path for folder in FOLDERS for path in sorted((shared / folder).rglob("*.onnx"))]
    assert len(paths) > 100
    assert not differences(paths, registry)


def test_the_operators_of_onnxruntime_are_known() -> None:
    schemas = onnxruntime.capi.onnxruntime_pybind11_state.get_all_operator_schema()
    for domain, known in CONTRIB.items():
        assert {schema.name for schema in schemas if schema.domain == domain} <= known
