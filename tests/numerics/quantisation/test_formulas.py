"""Dequantised values against what each scheme's own packing, written anew here, stands for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import quantised_files
from quantised_files import Made
from support import file_result

from modlint.analysis.quantisation import QuantisedWeights, blocks, logical_tensors, values_of
from modlint.checkpoint import Checkpoint
from modlint.engine.load import load_whole
from modlint.engine.registry import Registry, load_registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def _read(made: Made, folder: Path, registry: Registry) -> Checkpoint:
    return load_whole(made.write(folder), registry.readers)


@pytest.mark.parametrize("scheme", quantised_files.SCHEMES)
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_values(scheme: str, name: str, tmp_path: Path, registry: Registry) -> None:
    made = quantised_files.made(scheme)
    if scheme == "torchao" and name.endswith("bin"):
        pytest.skip("its metadata is that of safetensors")
    made.name = name
    checkpoint = _read(made, tmp_path, registry)
    found = file_result(QuantisedWeights(), checkpoint)
    assert not found.breaches
    assert found.weights.keys() == made.values.keys()
    for name, expected in made.values.items():
        weight = found.weights[name]
        values = values_of(weight)
        wanted = expected.float().numpy()
        assert values.shape == wanted.shape
        assert np.abs(values - wanted).max() <= 1e-6 * np.abs(wanted).max()
        pieces = list(blocks(weight, 3 * weight.shape[-1]))
        assert len(pieces) > 1
        assert np.array_equal(np.concatenate(pieces).reshape(values.shape), values)


def test_logical_tensors_stand_in_the_place_of_codes(tmp_path: Path, registry: Registry) -> None:
    made = quantised_files.packed()
    checkpoint = _read(made, tmp_path, registry)
    found = file_result(QuantisedWeights(), checkpoint)
    logical = logical_tensors(checkpoint, found)
    plain = {name for name in made.tensors if not name.startswith("model.layers")}
    assert logical.keys() == plain | made.values.keys()
    for name, expected in made.values.items():
        read = np.frombuffer(logical[name].storage.read(), np.float32)
        assert logical[name].shape == tuple(expected.shape)
        assert np.allclose(read.reshape(expected.shape), expected.numpy(), rtol=1e-6)
