"""torch.package's archives: the tensors of their pickles, and the code beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.package import PackageExporter

from modlint.checkpoint import Status
from modlint.engine.load import load
from modlint.engine.registry import Registry, load_registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.mark.filterwarnings("ignore")
def test_the_tensors_of_every_pickle_are_read(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "package.pt"
    shared = torch.arange(6.0)
    with PackageExporter(str(path)) as exporter:
        exporter.save_pickle("model", "weights.pkl", {"w": shared, "half": torch.ones(3).half()})
        exporter.save_pickle("model", "other.pkl", [shared[2:4]])
        exporter.save_source_string("my_model", "import torch\n")

    (checkpoint,) = load(path, registry.readers)

    assert checkpoint.format == "torch-package"
    assert checkpoint.status is Status.CHECKED
    assert not checkpoint.faults
    tensors = {name: tensor.shape for name, tensor in checkpoint.tensors.items()}
    assert tensors == {"model.weights.w": (6,), "model.weights.half": (3,), "model.other.0": (2,)}
    weight = checkpoint.tensors["model.weights.w"]
    assert torch.equal(
        torch.frombuffer(bytearray(weight.storage.read()), dtype=torch.float32), shared
    )
    assert {trace.member for trace in checkpoint.pickles} == {
        "package/model/weights.pkl",
        "package/model/other.pkl",
    }
