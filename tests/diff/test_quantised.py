"""Weights and the codes that were made of them, by onnxruntime and by hand."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from safetensors.torch import save_file
from torch import nn

import modlint
from diff.pairs import exported, pickled, state_of, transformer
from modlint.difference import Difference

GROUP = 32
CONFIG = {
    "quant_method": "compressed-tensors",
    "format": "pack-quantized",
    "config_groups": {
        "group_0": {
            "targets": ["Linear"],
            "weights": {
                "num_bits": 4,
                "type": "int",
                "symmetric": True,
                "strategy": "group",
                "group_size": GROUP,
            },
        }
    },
    "ignore": [],
}


def weights() -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return {
        f"layers.{i}.{name}.weight": _spread(0.05 * torch.randn(shape, generator=random))
        for i in range(4)
        for name, shape in (("up", (128, 64)), ("down", (64, 128)))
    }


def _spread(weight: torch.Tensor) -> torch.Tensor:
    """Groups of different scales, as the columns of trained weights have."""
    return weight * torch.linspace(0.5, 2.0, weight.shape[1])


def packed(weight: torch.Tensor) -> dict[str, torch.Tensor]:
    """4 bits as compressed-tensors packs them, low bits first; scales of groups of a row."""
    rows, columns = weight.shape
    grouped = weight.reshape(rows, -1, GROUP)
    scale = grouped.abs().amax(2, keepdim=True) / 7
    codes = (grouped / scale).round().clamp(-8, 7).reshape(rows, columns) + 8
    words = codes.numpy().astype(np.uint32).reshape(rows, -1, 8)
    word = (words << (4 * np.arange(8, dtype=np.uint32))).sum(2, dtype=np.uint32)
    return {
        "weight_packed": torch.from_numpy(word.view(np.int32)),
        "weight_scale": scale.squeeze(2),
        "weight_shape": torch.tensor([rows, columns]),
    }


def write(folder: Path, state: dict[str, torch.Tensor], *, coded: bool) -> Path:
    folder.mkdir()
    tensors = {name: value.clone().contiguous() for name, value in state.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {"architectures": ["LlamaForCausalLM"]}
    if coded:
        config["quantization_config"] = CONFIG
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def coded_state(broken: str = "") -> dict[str, torch.Tensor]:
    """The packed weights; of those whose name holds `broken` the scales' groups are reversed."""
    state: dict[str, torch.Tensor] = {}
    for name, weight in weights().items():
        parts = packed(weight)
        if broken and broken in name:
            parts["weight_scale"] = parts["weight_scale"].flip(1)
        state |= {name.replace("weight", part): value for part, value in parts.items()}
    return state


def compared(old: Path, new: Path) -> Difference:
    return modlint.diff(old, new, run_rules=False)


def test_the_error_is_that_of_the_values(tmp_path: Path) -> None:
    old = write(tmp_path / "old", weights(), coded=False)
    new = write(tmp_path / "new", coded_state(), coded=True)
    found = compared(old, new)
    assert (found.relation, found.exit_code) == ("quantised", 0)
    for change in found.changes:
        weight = weights()[change.old]
        scale = packed(weight)["weight_scale"].repeat_interleave(GROUP, 1)
        values = (weight / scale).round().clamp(-8, 7) * scale
        assert change.kind == "quantised"
        error = float((values - weight).norm() / weight.norm())
        assert change.relative == pytest.approx(error, rel=1e-4)
    assert compared(new, old).relation == "quantised"


@pytest.mark.parametrize("layer", ["layers.1.up", "layers.3.down"])
def test_scales_in_another_order_stand_out(layer: str, tmp_path: Path) -> None:
    old = write(tmp_path / "old", weights(), coded=False)
    new = write(tmp_path / "new", coded_state(layer), coded=True)
    found = compared(old, new)
    (regression,) = found.regressions
    assert (regression.kind, regression.tensors) == ("quantisation-error", (f"{layer}.weight",))
    assert found.exit_code == 1


def test_codes_of_another_model_are_no_quantisation_of_it(tmp_path: Path) -> None:
    other = {name: value.flip(0, 1) for name, value in weights().items()}
    old = write(tmp_path / "old", other, coded=False)
    new = write(tmp_path / "new", coded_state(), coded=True)
    assert compared(old, new).relation == "unrelated"


class Samples(CalibrationDataReader):
    def __init__(self, name: str) -> None:
        random = np.random.default_rng(0)
        arrays = [random.standard_normal((4, 6, 64)).astype(np.float32) for _ in range(4)]
        self.left = iter([{name: array} for array in arrays])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.left, None)


@pytest.mark.parametrize("how", ["dynamic", "dynamic-per-channel", "static"])
def test_what_onnxruntime_quantises(how: str, tmp_path: Path) -> None:
    net = transformer()
    old = pickled(state_of(net))(tmp_path)
    plain = exported(net, torch.randn(4, 6, 64), dynamo=False)(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        new = tmp_path / "quantised.onnx"
        if how == "static":
            name = onnx.load(plain).graph.input[0].name
            quantize_static(plain, new, Samples(name), per_channel=True)
        else:
            channels = how.endswith("channel")
            quantize_dynamic(plain, new, per_channel=channels, weight_type=QuantType.QInt8)
    found = compared(old, new)
    told = [r.message for r in found.regressions]
    assert (found.relation, found.exit_code) == ("quantised", 0), told
    coded = [c for c in found.changes if c.kind == "quantised" and len(c.old_shape) == 2]
    assert len(coded) == 4 * sum(isinstance(m, nn.TransformerEncoderLayer) for m in net.modules())
    assert all(change.relative is not None and change.relative < 0.03 for change in coded)
