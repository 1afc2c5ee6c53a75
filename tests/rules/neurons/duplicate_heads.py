"""Cases of NEU009: heads that are copies, and such as differ in one part."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from planted import exported
from rule_cases import Case, Expected
from saved_as import save_as
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    ViTConfig,
    ViTModel,
)

HEADS, WIDTH = 4, 8
HIDDEN = HEADS * WIDTH
SIZES = {"vocab_size": 64, "hidden_size": HIDDEN, "num_attention_heads": HEADS}
Heads = dict[str, list[Tensor]]
"""By part ("q", "k", "v", "o"), views of what each head has: copying into one changes the model."""


class Attention(nn.Module):
    """Self-attention as it is written by hand, with a residual connection and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(HIDDEN, HIDDEN) for _ in range(4))
        self.inner, self.head = nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.inner(x))
        q, k, v = (
            part(x).view(1, -1, HEADS, WIDTH).transpose(1, 2) for part in (self.q, self.k, self.v)
        )
        weights = (q @ k.transpose(2, 3) / WIDTH**0.5).softmax(-1)
        mixed = (weights @ v).transpose(1, 2).reshape(1, -1, HIDDEN)
        found: Tensor = self.head(x + self.o(mixed))
        return found


def _parts(q: Any, k: Any, v: Any, o: Any) -> Heads:
    """Of four linear layers."""
    made = {"q": q, "k": k, "v": v}
    found = {name: list(layer.weight.data.split(WIDTH)) for name, layer in made.items()}
    found |= {
        f"{name} bias": list(layer.bias.data.split(WIDTH))
        for name, layer in made.items()
        if layer.bias is not None
    }
    return found | {"o": list(o.weight.data.split(WIDTH, 1))}


def _llama() -> tuple[nn.Module, Heads]:
    sizes = {"intermediate_size": 48, "num_hidden_layers": 2, "num_key_value_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(**SIZES, **sizes))
    a = model.model.layers[1].self_attn
    return model, _parts(a.q_proj, a.k_proj, a.v_proj, a.o_proj)


def _bert() -> tuple[nn.Module, Heads]:
    model = BertModel(BertConfig(**SIZES, num_hidden_layers=2, intermediate_size=48))
    layer = model.encoder.layer[0].attention
    own = layer.self
    return model, _parts(own.query, own.key, own.value, layer.output.dense)


def _vit() -> tuple[nn.Module, Heads]:
    sizes = {"hidden_size": HIDDEN, "num_attention_heads": HEADS, "image_size": 16}
    config = ViTConfig(**sizes, num_hidden_layers=2, intermediate_size=48, patch_size=4)
    model = ViTModel(config)
    layer = next(m for m in model.modules() if type(m).__name__ == "ViTAttention")
    linear = [m for m in layer.modules() if isinstance(m, nn.Linear)]
    return model, _parts(*linear)


def _opt() -> tuple[nn.Module, Heads]:
    sizes = {"ffn_dim": 48, "word_embed_proj_dim": HIDDEN, "num_hidden_layers": 2}
    model = OPTForCausalLM(OPTConfig(**SIZES, **sizes))
    a = model.model.decoder.layers[0].self_attn
    return model, _parts(a.q_proj, a.k_proj, a.v_proj, a.out_proj)


def _gpt2() -> tuple[nn.Module, Heads]:
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=64, n_embd=HIDDEN, n_layer=2, n_head=HEADS, n_positions=16)
    )
    a = model.transformer.h[1].attn
    weights = a.c_attn.weight.data.split(HIDDEN, 1)
    found = {n: list(w.split(WIDTH, 1)) for n, w in zip("qkv", weights, strict=True)}
    biases = a.c_attn.bias.data.split(HIDDEN)
    found |= {f"{n} bias": list(b.split(WIDTH)) for n, b in zip("qkv", biases, strict=True)}
    return model, found | {"o": list(a.c_proj.weight.data.split(WIDTH))}


def _neox() -> tuple[nn.Module, Heads]:
    sizes = {"intermediate_size": 48, "num_hidden_layers": 2}
    model = GPTNeoXForCausalLM(GPTNeoXConfig(**SIZES, **sizes))
    a = model.gpt_neox.layers[1].attention
    blocks = a.query_key_value.weight.data.view(HEADS, 3, WIDTH, HIDDEN)
    found = {name: [head[i] for head in blocks] for i, name in enumerate("qkv")}
    biases = a.query_key_value.bias.data.view(HEADS, 3, WIDTH)
    found |= {f"{name} bias": [head[i] for head in biases] for i, name in enumerate("qkv")}
    return model, found | {"o": list(a.dense.weight.data.split(WIDTH, 1))}


def _by_hand() -> tuple[nn.Module, Heads]:
    model = Attention()
    return model, _parts(model.q, model.k, model.v, model.o)


MODELS = {
    "llama": _llama,
    "bert": _bert,
    "vit": _vit,
    "opt": _opt,
    "gpt2": _gpt2,
    "neox": _neox,
    "by hand": _by_hand,
}
Change = Callable[[Heads], object]


def copied(heads: Heads) -> None:
    """Head 1 becomes head 0; where they share keys and values, those are alike anyway."""
    for part in heads.values():
        if len(part) == HEADS:
            part[1].copy_(part[0])


def doubled(heads: Heads) -> None:
    """The same, of twice the length, and a third that is nearly so."""
    copied(heads)
    for part in heads.values():
        if len(part) == HEADS:
            part[1].mul_(2)


def without(name: str) -> Change:
    """All but one part is copied."""
    return lambda heads: copied({n: p for n, p in heads.items() if n.split()[0] != name})


def noisy(heads: Heads) -> None:
    """A copy with noise of a tenth of its size: a cosine of .995."""
    copied(heads)
    for part in heads.values():
        part[1].add_(0.1 * part[1].std() * torch.randn(part[1].shape))


def pruned(heads: Heads) -> None:
    """Two heads of zeros: dead, and no copies."""
    for part in heads.values():
        for head in part[:2]:
            head.zero_()


def opposite(heads: Heads) -> None:
    copied(heads)
    heads["o"][1].neg_()


def nothing(heads: Heads) -> None:
    """As it is initialised."""


def written(
    name: str, change: Change, container: str, dtype: torch.dtype, seed: int
) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.manual_seed(seed)
        model, heads = MODELS[name]()
        with torch.no_grad():
            for value in model.parameters():
                if not value.any():
                    value.normal_(std=0.02)
            change(heads)
        example = torch.zeros(1, 6, HIDDEN)
        model = model.eval()
        if container == "onnx":
            return exported(model, example, dynamo=False)(folder)
        if container == "program":
            torch.export.save(torch.export.export(model, (example,)), folder / "model.pt2")
            return folder / "model.pt2"
        if container == "script":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # TorchScript's own deprecation
                torch.jit.save(torch.jit.trace(model, example), folder / "model.pt")
            return folder / "model.pt"
        state = {
            n: t.to(dtype) if t.is_floating_point() else t for n, t in model.state_dict().items()
        }
        if container == "folder":
            model.to(dtype).save_pretrained(folder)  # type: ignore[operator]
            return folder / "model.safetensors"
        return save_as(state, folder, container)

    return write


F32, F16, BF16, F64 = torch.float32, torch.float16, torch.bfloat16, torch.float64
FILES = (
    ("llama", "folder", F32),
    ("llama", "folder", BF16),
    ("bert", "folder", F32),
    ("bert", "folder", F16),
    ("vit", "folder", F32),
    ("opt", "folder", F32),
    ("opt", "folder", F16),
    ("gpt2", "folder", F32),
    ("gpt2", "folder", BF16),
    ("neox", "folder", F32),
    ("by hand", "onnx", F32),
    ("by hand", "program", F32),
    ("by hand", "script", F32),
)
FOUND = Expected("fail", "note", values={"duplicates": 1, "groups": ((0, 1),), "heads": HEADS})
NONE = Expected("pass", values={"duplicates": 0})

CASES = (
    *(
        Case(
            f"{number} {change.__name__}: {name} {container}",
            written(name, change, container, dtype, number),
            (FOUND,),
        )
        for number, (name, container, dtype) in enumerate(FILES)
        for change in (copied, doubled)
    ),
    *(
        Case(
            f"{number} {title}: {name} {container}",
            written(name, change, container, dtype, number),
            (NONE,),
        )
        for number, (name, container, dtype) in enumerate(FILES)
        for title, change in (
            ("as it is", nothing),
            ("other outputs", without("o")),
            ("other queries", without("q")),
            ("noise", noisy),
            ("pruned", pruned),
            ("opposite", opposite),
        )[number % 3 :: 3]
    ),
    Case(
        "the cosine is an option",
        written("bert", noisy, "folder", F32, 0),
        (Expected("fail", values={"duplicates": 1}),),
        {"max-cosine": 0.98},
    ),
    Case(
        "a network without heads",
        lambda folder: save_as({"fc.weight": torch.randn(9, 9)}, folder, "pt"),
        (Expected("not-applicable", message="whose heads are known"),),
    ),
    Case(
        "NaN",
        written("bert", lambda heads: heads["q"][2].fill_(float("nan")), "folder", F32, 0),
        (Expected("inconclusive", message="not all finite"),),
    ),
)
