"""Cases of STR004: stacks of blocks, in which some have no way around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from relu_networks import GRAPHS, write_graph
from rule_cases import Case, Expected
from saved_as import save_as
from torch import Tensor, nn
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

WIDTH = 16


class Linear(nn.Module):
    """Two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(WIDTH, 24), nn.Linear(24, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.b(torch.relu(self.a(x)))
        return found


class Normed(Linear):
    """Behind a layer norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.norm(x))


class Gated(Linear):
    """A gate times what it lets through."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, 24)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.b(torch.sigmoid(self.gate(x)) * self.a(x))
        return found


class Convolution(nn.Module):
    """Two convolutions with batch norms."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = (nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(2))
        self.norm = nn.BatchNorm2d(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.b(torch.relu(self.norm(self.a(x))))
        return found


class Depthwise(nn.Module):
    """A depthwise convolution and one of 1 × 1."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH)
        self.b = nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.b(torch.relu(self.a(x)))
        return found


class Bottleneck(nn.Module):
    """Through a quarter of the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(WIDTH, 4), nn.Linear(4, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.b(torch.tanh(self.a(x)))
        return found


class Attention(nn.Module):
    """One head, over the second axis."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        weights = (self.q(x) @ self.k(x).transpose(1, 2)).softmax(-1)
        found: Tensor = self.o(weights @ self.v(x))
        return found


class Stack(nn.Module):
    """A stem, blocks of which some have a connection around them, and a head."""

    def __init__(self, block: type[nn.Module], around: Sequence[bool], example: Tensor) -> None:
        super().__init__()
        images = example.ndim == 4
        self.stem: nn.Module = nn.Conv2d(3, WIDTH, 1) if images else nn.Linear(3, WIDTH)
        self.blocks = nn.ModuleList(block() for _ in around)
        self.head, self.around = nn.Linear(WIDTH, 5), tuple(around)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block, is_around in zip(self.blocks, self.around, strict=True):
            x = x + block(x) if is_around else torch.relu(block(x))
        found: Tensor = self.head(x.mean((2, 3)) if x.ndim == 4 else x)
        return found


VECTOR, IMAGE, SEQUENCE = torch.zeros(1, 3), torch.zeros(1, 3, 6, 6), torch.zeros(1, 5, 3)
BLOCKS: tuple[tuple[type[nn.Module], Tensor], ...] = (
    (Linear, VECTOR),
    (Normed, VECTOR),
    (Gated, VECTOR),
    (Bottleneck, VECTOR),
    (Convolution, IMAGE),
    (Depthwise, IMAGE),
    (Attention, SEQUENCE),
)


def written(
    block: type[nn.Module], example: Tensor, around: Sequence[bool], container: str, seed: int = 0
) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.manual_seed(seed)
        return write_graph(Stack(block, around, example).eval(), example, container, folder)

    return write


def transformer(model: Callable[[], nn.Module]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.manual_seed(0)
        model().save_pretrained(folder)  # type: ignore[operator]
        return folder / "model.safetensors"

    return write


def _bert() -> nn.Module:
    sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48}
    return BertModel(BertConfig(**sizes, num_hidden_layers=3, num_attention_heads=4))


def _llama() -> nn.Module:
    sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    return LlamaForCausalLM(LlamaConfig(**sizes, **heads, num_hidden_layers=3))


WAYS = ((True, False, True, True), (False, True, True), (True, True, False))
SOUND = Expected("pass", message="survives the removal of")

CASES = (
    *(
        Case(
            f"one without: {block.__name__} {container}",
            written(block, example, WAYS[seed % 3], container, seed),
            (
                Expected(
                    "fail",
                    "information",
                    target=("layer", f"blocks.{WAYS[seed % 3].index(False)}"),
                    values={"least": 0.0, "blocks": len(WAYS[seed % 3])},
                    message="it has no way around",
                ),
            ),
        )
        for seed, ((block, example), container) in enumerate(
            (pair, c) for pair in BLOCKS for c in GRAPHS
        )
    ),
    *(
        Case(
            f"a way around each: {block.__name__} {container}",
            written(block, example, (True,) * (2 + seed % 3), container, seed),
            (SOUND,),
        )
        for seed, ((block, example), container) in enumerate(
            (pair, c) for pair in BLOCKS for c in GRAPHS
        )
    ),
    Case("a transformer", transformer(_bert), (SOUND,)),
    Case("a decoder", transformer(_llama), (SOUND,)),
    Case(
        "several without",
        written(Linear, VECTOR, (False, True, False), "program"),
        (
            Expected(
                "fail",
                target=("network", "0"),
                values={"alone": ["blocks.0", "blocks.2"]},
                message="blocks.0, blocks.2 nothing",
            ),
        ),
    ),
    Case(
        "a plain chain has no way around any",
        written(Linear, VECTOR, (False,) * 3, "onnx"),
        (Expected("not-applicable", message="blocks that anything goes around"),),
    ),
    Case(
        "the share is an option",
        transformer(_llama),
        (Expected("fail", values={"blocks": 3}),),
        {"min-share": 0.9},
    ),
    Case(
        "no network",
        lambda folder: save_as({"fc.weight": torch.randn(9, 9)}, folder, "pt"),
        (Expected("not-applicable"),),
    ),
    Case(
        "NaN",
        lambda folder: _broken(folder),
        (Expected("inconclusive", message="holds NaN"),),
    ),
)


def _broken(folder: Path) -> Path:
    module = Stack(Linear, (True, True), VECTOR).eval()
    with torch.no_grad():
        module.blocks[1].a.weight[0, 0] = float("nan")  # type: ignore[union-attr, index]
    return write_graph(module, VECTOR, "program", folder)
