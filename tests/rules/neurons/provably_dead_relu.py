"""Cases of NEU003: units of ReLUs that are closed for good, and such as only look it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from relu_networks import (
    GRAPHS,
    MISLEADING,
    NETWORKS,
    VECTOR,
    Between,
    Build,
    close,
    seeded,
    write_graph,
)
from rule_cases import Case, Expected
from saved_as import save_as
from torch import nn
from transformers import OPTConfig, OPTForCausalLM, ResNetConfig, ResNetModel

Change = Callable[[Any], object]
SLOW = ("its differences", "cubic resizing")
"""What the exporter cannot write, or takes long to."""


def written(
    build: Build, example: torch.Tensor, container: str, change: Change, seed: int = 0
) -> Callable[[Path], Path]:
    """Writes a network that was changed."""

    def write(folder: Path) -> Path:
        module = seeded(build, seed)
        change(module)
        return write_graph(module, example, container, folder)

    return write


def of(name: str, container: str, change: Change, seed: int = 0) -> Callable[[Path], Path]:
    return written(*NETWORKS[name], container, change, seed)


def opened(module: Any) -> None:
    """Closed, but for a bias just above what the weights can bring down."""
    close(module)
    with torch.no_grad():
        module.second.bias[:3] = 5.0
        if isinstance(getattr(module, "norm", None), nn.BatchNorm2d):
            module.norm.bias[:3] = 5.0


def one_positive(module: Any) -> None:
    """Closed, but for one small weight of each unit."""
    close(module)
    with torch.no_grad():
        module.second.weight[:3, 4] = 0.01


def without_weights(module: Any) -> None:
    """Constant units: NEU001's."""
    with torch.no_grad():
        module.second.weight[:3], module.second.bias[:3] = 0.0, -0.1


def closed_at_the_input(module: Any) -> None:
    """Weights below zero on an input that may be anything."""
    with torch.no_grad():
        module.first.weight[:3] = -module.first.weight[:3].abs()
        module.first.bias[:3] = -0.05


def opt(bias: float) -> Callable[[Path], Path]:
    """A language model whose hidden units a bias has shut."""

    def write(folder: Path) -> Path:
        torch.manual_seed(0)
        sizes = {"vocab_size": 64, "hidden_size": 32, "ffn_dim": 48, "word_embed_proj_dim": 32}
        config = OPTConfig(**sizes, num_hidden_layers=2, num_attention_heads=4)
        model = OPTForCausalLM(config)
        with torch.no_grad():
            model.model.decoder.layers[1].fc1.bias[[3, 7]] = bias
        model.save_pretrained(folder)
        return folder / "model.safetensors"

    return write


def resnet(container: str, dtype: torch.dtype, shift: float) -> Callable[[Path], Path]:
    """A residual network, by the names of its tensors."""

    def write(folder: Path) -> Path:
        torch.manual_seed(0)
        sizes = {"embedding_size": 16, "hidden_sizes": [16, 20], "depths": [1, 1]}
        model = ResNetModel(ResNetConfig(**sizes, layer_type="basic")).eval()
        state = model.state_dict()
        block = "encoder.stages.1.layers.0.layer.0"
        weight = state[f"{block}.convolution.weight"]
        weight[2] = -weight[2].abs()
        state[f"{block}.normalization.bias"][2] = shift
        floats = {n: t.to(dtype) if t.is_floating_point() else t for n, t in state.items()}
        return save_as(floats, folder, container)

    return write


FOUND = Expected("fail", "warning", values={"dead": 3, "indices": (0, 1, 2)}, message="3 of 10")
NONE = Expected("pass", message="none is proven dead")

PLANTED = tuple(
    Case(f"closed: {name} {container}", of(name, container, close, seed), (FOUND,))
    for seed, (name, container) in enumerate((n, c) for n in NETWORKS for c in GRAPHS)
    if name != "tokens"
)

NEAR_MISSES = (
    *(
        Case(f"{what}", written(lambda p=pair: Between(*p), VECTOR, "onnx", close), (NONE,))
        for what, pair in MISLEADING.items()
        if what not in SLOW
    ),
    *(
        Case(f"open: {name} {container}", of(name, container, opened, seed), (NONE,))
        for seed, (name, container) in enumerate((n, c) for n in NETWORKS for c in GRAPHS)
        if seed % 3 == seed // 3 % 3
    ),
    Case("one weight above zero", of("mlp", "program", one_positive), (NONE,)),
    Case("a unit without weights", of("cnn", "script", without_weights), (NONE,)),
    Case("an input of any sign", of("mlp", "onnx", closed_at_the_input), (NONE,)),
)

CASES = (
    *PLANTED,
    *NEAR_MISSES,
    *(
        Case(
            f"embeddings and a norm bound what a bias shuts: {container}",
            of("tokens", container, lambda m: close(m, bias=-20.0)),
            (FOUND,),
        )
        for container in GRAPHS
    ),
    Case(
        "a declared range of the inputs",
        of("mlp", "onnx", closed_at_the_input),
        (Expected("fail", "warning", values={"dead": 3}, message="from 0 to 1"),),
        {"input-min": 0.0, "input-max": 1.0},
    ),
    Case(
        "a range that lets them open",
        of("mlp", "onnx", closed_at_the_input),
        (NONE,),
        {"input-min": -1.0, "input-max": 1.0},
    ),
    Case(
        "hidden units of a transformer",
        opt(-1e3),
        (
            Expected(
                "fail",
                "warning",
                target=("units", "model.decoder.layers.1.fc1"),
                values={"indices": (3, 7), "total": 48},
            ),
        ),
    ),
    Case("a transformer that may open them", opt(-1.0), (NONE,)),
    Case(
        "a residual network",
        resnet("safetensors", torch.float32, -0.1),
        (Expected("fail", "warning", values={"indices": (2,), "total": 20}),),
    ),
    Case(
        "one in half precision",
        resnet("pt", torch.bfloat16, -0.1),
        (Expected("fail", "warning", values={"indices": (2,)}),),
    ),
    Case("a residual network that may open it", resnet("sharded", torch.float16, 3.0), (NONE,)),
    Case(
        "a network without ReLU",
        written(
            lambda: nn.Sequential(nn.Linear(8, 12), nn.Tanh(), nn.Linear(12, 3)),
            VECTOR,
            "program",
            lambda m: None,
        ),
        (Expected("not-applicable", message="no network of the file has a ReLU"),),
    ),
    Case(
        "activations that the file does not tell",
        lambda folder: save_as(seeded(NETWORKS["mlp"][0], 0).state_dict(), folder, "pt"),
        (Expected("not-applicable"),),
    ),
    Case(
        "NaN",
        of("mlp", "program", lambda m: (close(m), m.second.weight.data[5].fill_(float("nan")))),
        (Expected("inconclusive", message="NaN"),),
    ),
)
