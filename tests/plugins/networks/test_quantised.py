"""Networks of quantised weights: rebuilt by their names, measured by their values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from quantised_files import Pair, int8_channel
from safetensors.torch import save_file

from modlint.analysis.layer_weights import LayerWeights
from modlint.analysis.units import UnitWeights
from modlint.engine.examine import FileExamination
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import Registry, load_registry

SIZES = {"0": (48, 32), "2": (64, 48), "4": (10, 64)}
DEAD = 7


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def quanto(weight: torch.Tensor) -> Pair:
    parts, value = int8_channel(weight)
    return {".weight._data": parts[".weight"], ".weight._scale": parts[".weight_scale"]}, value


def llm_int8(weight: torch.Tensor) -> Pair:
    parts, value = int8_channel(weight)
    return {".weight": parts[".weight"], ".SCB": parts[".weight_scale"][:, 0] * 127}, value


def examined(folder: Path, quantise: Callable[[torch.Tensor], Pair], registry: Registry):  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(0)
    tensors, values = {}, {}
    for name, (rows, columns) in SIZES.items():
        weight = torch.randn(rows, columns, generator=generator)
        if name == "2":
            weight[DEAD] = 0
        parts, value = quantise(weight)
        tensors |= {name + end: tensor for end, tensor in parts.items()}
        tensors[f"{name}.bias"] = torch.zeros(rows)
        values[f"{name}.weight"] = value.numpy()
    path = folder / "model.safetensors"
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, path)
    checkpoint = load_whole(path, registry.readers)
    built = build_networks(checkpoint, registry.builders, [])
    silent = FileExamination(checkpoint, built, "cpu", lambda what, done, total: None, [])
    return silent, built.networks, values


@pytest.mark.parametrize("quantise", [int8_channel, quanto, llm_int8])
def test_a_chain_of_quantised_layers(
    quantise: Callable[[torch.Tensor], Pair], tmp_path: Path, registry: Registry
) -> None:
    file, (network,), values = examined(tmp_path, quantise, registry)
    assert network.reason is None
    assert [call.shape for call in network.calls] == list(SIZES.values())
    for layer in network.calls:
        dequantised = file.dequantised(layer.weight)
        assert np.allclose(dequantised, values[layer.weight], rtol=1e-6)
    units = file.result(UnitWeights(), network)
    assert [unit.constant for unit in units] == [(), (DEAD,)]


def test_codes_are_no_layer_weights(tmp_path: Path, registry: Registry) -> None:
    file, _, _ = examined(tmp_path, int8_channel, registry)
    assert not file.result(LayerWeights(1), file.checkpoint)
