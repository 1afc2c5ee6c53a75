"""Cases of NEU004: norms whose scales or shifts leave nothing of some channels."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import FORMATS, save_as
from torch import nn
from transformers import BertConfig, BertModel, LlamaConfig, LlamaModel, ResNetConfig, ResNetModel

Change = Callable[[torch.Tensor, torch.Tensor | None], object]
"""Given γ and β of one norm."""


def _convolutions(activation: type[nn.Module] = nn.ReLU, channels: int = 20) -> nn.Module:
    first = (nn.Conv2d(3, channels, 3), nn.BatchNorm2d(channels), activation())
    second = (nn.Conv2d(channels, 16, 3), nn.BatchNorm2d(16), activation())
    return nn.Sequential(*first, *second, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4))


def _grouped() -> nn.Module:
    convolution = (nn.Conv2d(3, 20, 3), nn.GroupNorm(4, 20), nn.ReLU())
    return nn.Sequential(*convolution, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 4))


def _layers() -> nn.Module:
    return nn.Sequential(nn.Linear(12, 20), nn.LayerNorm(20), nn.ReLU(), nn.Linear(20, 4))


def _bert() -> nn.Module:
    sizes = {"vocab_size": 64, "hidden_size": 20, "intermediate_size": 48}
    return BertModel(BertConfig(**sizes, num_hidden_layers=1, num_attention_heads=2))


def _llama() -> nn.Module:
    sizes = {"vocab_size": 64, "hidden_size": 20, "intermediate_size": 48}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    return LlamaModel(LlamaConfig(**sizes, **heads, num_hidden_layers=1))


def _resnet() -> nn.Module:
    sizes = {"embedding_size": 16, "hidden_sizes": [16, 20], "depths": [1, 1]}
    return ResNetModel(ResNetConfig(**sizes, layer_type="basic"))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], str, tuple[int, ...]]] = {
    "batch": (_convolutions, "1", (1, 3, 12, 12)),
    "group": (_grouped, "1", (1, 3, 12, 12)),
    "layer": (_layers, "1", (1, 12)),
    "sigmoid": (lambda: _convolutions(nn.Sigmoid), "1", (1, 3, 12, 12)),
    "gelu": (lambda: _convolutions(nn.GELU), "1", (1, 3, 12, 12)),
    "narrow": (lambda: _convolutions(channels=7), "1", (1, 3, 12, 12)),
    "bert": (_bert, "encoder.layer.0.attention.output.LayerNorm", ()),
    "llama": (_llama, "layers.0.post_attention_layernorm", ()),
    "resnet": (_resnet, "encoder.stages.1.layers.0.layer.0.normalization", ()),
}


def written(
    network: str, change: Change, container: str, dtype: torch.dtype = torch.float32, seed: int = 0
) -> Callable[[Path], Path]:
    """Writes a network one norm of which is changed."""

    def write(folder: Path) -> Path:
        build, norm, shape = NETWORKS[network]
        torch.manual_seed(seed)
        module = build().eval()
        state = module.state_dict()
        with torch.no_grad():
            for name in (f"{norm}.weight", f"{norm}.bias"):
                if name in state:
                    state[name] += 0.1 * torch.randn_like(state[name])
            change(state[f"{norm}.weight"], state.get(f"{norm}.bias"))
        if container in FORMATS:
            floats = {n: t.to(dtype) if t.is_floating_point() else t for n, t in state.items()}
            return save_as(floats, folder, container)
        return _graph(module, torch.zeros(shape), container, folder)

    return write


def _graph(module: nn.Module, example: torch.Tensor, container: str, folder: Path) -> Path:
    path = folder / {"onnx": "model.onnx", "script": "model.pt", "program": "model.pt2"}[container]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript's own deprecations
        if container == "onnx":
            kept = torch.onnx.TrainingMode.PRESERVE  # keeps the norms apart from the convolutions
            torch.onnx.export(
                module, (example,), str(path), dynamo=False, training=kept, verbose=False
            )
        elif container == "script":
            torch.jit.save(torch.jit.trace(module, example), path)
        else:
            torch.export.save(torch.export.export(module, (example,)), path)
    return path


def faint(share: float, factor: float = 1e-5) -> Change:
    def change(scale: torch.Tensor, shift: torch.Tensor | None) -> None:
        scale[: round(share * len(scale))] *= factor

    return change


def shifted(share: float, deviations: float) -> Change:
    def change(scale: torch.Tensor, shift: torch.Tensor | None) -> None:
        assert shift is not None
        some = slice(round(share * len(scale)))
        shift[some] = -deviations * scale[some].abs()

    return change


def flat(factor: float) -> Change:
    def change(scale: torch.Tensor, shift: torch.Tensor | None) -> None:
        scale *= factor

    return change


F32, F16, BF16, F64 = torch.float32, torch.float16, torch.bfloat16, torch.float64

PLANTED = [
    ("batch", "pt", F32, faint(0.2), "note"),
    ("batch", "legacy", F16, faint(0.6), "warning"),
    ("batch", "section", F64, faint(0.5), "warning"),
    ("batch", "safetensors", BF16, faint(0.3), "note"),
    ("batch", "onnx", F32, shifted(0.2, 5), "note"),
    ("batch", "onnx", F32, faint(0.7), "warning"),
    ("batch", "script", F32, shifted(0.6, 6), "warning"),
    ("batch", "program", F32, shifted(0.5, 4.5), "warning"),
    ("group", "pt", F16, faint(0.2), "note"),
    ("group", "script", F32, shifted(0.3, 5), "note"),
    ("group", "program", F32, faint(0.6), "warning"),
    ("layer", "safetensors", F32, faint(0.55), "warning"),
    ("layer", "onnx", F32, shifted(0.4, 8), "note"),
    ("layer", "script", F32, faint(0.2), "note"),
    ("layer", "program", F32, shifted(0.8, 5), "warning"),
    ("bert", "safetensors", F32, faint(0.2), "note"),
    ("bert", "section", BF16, faint(0.5), "warning"),
    ("llama", "safetensors", F16, faint(0.15), "note"),
    ("llama", "sharded", BF16, faint(0.9, 1e-6), "warning"),
    ("resnet", "safetensors", F32, faint(0.25), "note"),
    ("resnet", "pt", F32, shifted(0.6, 6), "warning"),
]

NEAR_MISSES = [
    ("batch", "pt", F32, faint(0.2, 0.01)),
    ("batch", "legacy", F16, faint(0.05)),
    ("batch", "section", F64, flat(1e-6)),
    ("batch", "safetensors", BF16, flat(0)),
    ("batch", "onnx", F32, shifted(0.9, 3)),
    ("batch", "onnx", F32, shifted(0.05, 9)),
    ("batch", "script", F32, shifted(0.6, -6)),
    ("batch", "program", F32, faint(0.5, 0.0)),
    ("gelu", "onnx", F32, shifted(0.5, 6)),
    ("gelu", "script", F32, shifted(0.9, 6)),
    ("sigmoid", "program", F32, shifted(0.9, 6)),
    ("sigmoid", "onnx", F32, shifted(0.5, 9)),
    ("group", "script", F32, shifted(0.9, 3.5)),
    ("group", "safetensors", F16, faint(0.3, 0.005)),
    ("layer", "onnx", F32, faint(0.05, 0.01)),
    ("layer", "program", F32, shifted(0.05, 5)),
    ("bert", "safetensors", F32, shifted(0.9, 6)),
    ("bert", "section", BF16, flat(1e-3)),
    ("llama", "safetensors", F16, faint(0.05)),
    ("llama", "sharded", BF16, flat(30)),
    ("resnet", "pt", F32, shifted(0.9, 2)),
]

CASES = (
    *(
        Case(
            f"{number} planted: {network} {container}",
            written(network, change, container, dtype, number),
            (Expected("fail", severity, message="silenced"),),
        )
        for number, (network, container, dtype, change, severity) in enumerate(PLANTED)
    ),
    *(
        Case(
            f"{number} near: {network} {container}",
            written(network, change, container, dtype, number),
            (Expected("pass", message="channels are silenced"),),
        )
        for number, (network, container, dtype, change) in enumerate(NEAR_MISSES)
    ),
    Case(
        "a narrow norm is not judged",
        written("narrow", faint(0.9), "pt"),
        (Expected("pass", values={"norms": 1, "share": 0.0}),),
    ),
    Case(
        "unless an option asks for it",
        written("narrow", faint(0.9), "pt"),
        (Expected("fail", "warning", values={"total": 7, "silenced": 6, "zero": 0}),),
        {"min-channels": 4},
    ),
    Case(
        "shares, scale and shift are options",
        written("batch", shifted(0.2, 5), "script"),
        (Expected("fail", "warning", values={"silenced": 4, "shut": (0, 1, 2, 3)}),),
        {"max-share": 0.2},
    ),
    Case(
        "a shift beyond the option",
        written("batch", shifted(0.2, 5), "script"),
        (Expected("pass"),),
        {"min-shift": -6.0, "min-scale": 1e-4},
    ),
    Case(
        "a network without norms",
        lambda folder: save_as({"fc.weight": torch.ones(9, 9)}, folder, "pt"),
        (Expected("not-applicable", message="a norm with scales"),),
    ),
    Case(
        "NaN",
        written("batch", faint(0.2, float("nan")), "pt"),
        (Expected("inconclusive", message="holds NaN"),),
    ),
)
