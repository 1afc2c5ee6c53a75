"""Small networks of several architectures whose hidden units can be changed, in each format."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from planted import exported
from saved_as import FORMATS, save_as
from torch import nn
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

Change = Callable[[torch.Tensor, torch.Tensor], object]
"""Given the weights into a layer, a row for each unit, and those out, a column for each."""

Write = Callable[[Path], Path]


def _mlp() -> nn.Module:
    layers = (nn.Linear(32, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 8))
    return nn.Sequential(*layers)


def _cnn() -> nn.Module:
    convolutions = (nn.Conv2d(3, 24, 3), nn.ReLU(), nn.Conv2d(24, 32, 3), nn.ReLU())
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def _normed() -> nn.Module:
    layers = (nn.Linear(16, 40), nn.LayerNorm(40), nn.GELU(), nn.Linear(40, 6))
    return nn.Sequential(*layers)


def _llama() -> nn.Module:
    sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48}
    heads = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    return LlamaForCausalLM(LlamaConfig(**sizes, **heads))


def _bert() -> nn.Module:
    sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48}
    return BertModel(BertConfig(**sizes, num_hidden_layers=2, num_attention_heads=4))


ARCHITECTURES: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "mlp": (_mlp, "0.weight", "2.weight"),
    "cnn": (_cnn, "0.weight", "2.weight"),
    "normed": (_normed, "0.weight", "3.weight"),
    "llama": (_llama, "model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.down_proj.weight"),
    "bert": (
        _bert,
        "encoder.layer.1.intermediate.dense.weight",
        "encoder.layer.1.output.dense.weight",
    ),
}
"""By name, the network, and the weights into one of its hidden layers and out of it."""

INPUTS = {"mlp": (1, 32), "cnn": (1, 3, 12, 12), "normed": (1, 16)}
"""Shapes of what those that are exported read."""


def changed(architecture: str, change: Change, seed: int) -> nn.Module:
    """A network as it is initialised, with one of its hidden layers changed."""
    build, into, out = ARCHITECTURES[architecture]
    torch.manual_seed(seed)
    network = build().eval()
    state = network.state_dict()
    with torch.no_grad():
        change(state[into], state[out])
    return network


def written(
    architecture: str,
    change: Change,
    container: str,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> Write:
    """Writes a changed network: as a state_dict in a container, or "onnx", "script", "program"."""

    def write(folder: Path) -> Path:
        network = changed(architecture, change, seed)
        if container in FORMATS:
            state = {name: tensor.to(dtype) for name, tensor in network.state_dict().items()}
            return save_as(state, folder, container)
        example = torch.zeros(INPUTS[architecture])
        if container == "script":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # TorchScript's own deprecation
                torch.jit.save(torch.jit.trace(network, example), folder / "model.pt")
            return folder / "model.pt"
        if container == "program":
            torch.export.save(torch.export.export(network, (example,)), folder / "model.pt2")
            return folder / "model.pt2"
        return exported(network, example, dynamo=False)(folder)

    return write


F32, F16, BF16, F64 = torch.float32, torch.float16, torch.bfloat16, torch.float64

FILES: tuple[tuple[str, str, torch.dtype], ...] = (
    ("mlp", "pt", F32),
    ("mlp", "legacy", F16),
    ("mlp", "section", F64),
    ("mlp", "safetensors", BF16),
    ("mlp", "onnx", F32),
    ("mlp", "script", F32),
    ("mlp", "program", F32),
    ("cnn", "pt", F16),
    ("cnn", "safetensors", F32),
    ("cnn", "onnx", F32),
    ("cnn", "script", F32),
    ("cnn", "program", F32),
    ("normed", "onnx", F32),
    ("normed", "script", F32),
    ("normed", "pt", F64),
    ("llama", "safetensors", F32),
    ("llama", "pt", BF16),
    ("llama", "sharded", F16),
    ("bert", "safetensors", F32),
    ("bert", "legacy", F16),
    ("bert", "section", BF16),
)
"""Architectures in containers and types: each is one planted fault, or one near miss."""
