"""Faults of a model's folder, planted in a healthy one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from tiny_models.tiny_transformers import reworded

Tensors = dict[str, torch.Tensor]
SIZES = [
    "hidden_size",
    "d_model",
    "n_embd",
    "dim",
    "num_attention_heads",
    "n_head",
    "num_heads",
    "num_key_value_heads",
    "head_dim",
    "d_kv",
    "intermediate_size",
    "d_ff",
    "n_inner",
    "ffn_dim",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
    "moe_intermediate_size",
    "kv_lora_rank",
]
LAYERS = [
    "num_hidden_layers",
    "n_layer",
    "n_layers",
    "num_layers",
    "encoder_layers",
    "decoder_layers",
    "depth",
]
EMBEDDING = re.compile(
    r"(embed_tokens|wte|word_embeddings|shared|token_embedding|embed_in|embeddings)\.weight$"
)
HEAD = re.compile(r"(lm_head|embed_out)\.weight$")


def rewritten(path: Path, change: Callable[[Tensors], Tensors]) -> Path:
    """Changes the tensors of a model."""
    if path.suffix == ".bin":
        torch.save(change(torch.load(path)), path)
    else:
        save_file(change(load_file(path)), path, {"format": "pt"})
    return path


def tensors_of(path: Path) -> Tensors:
    """The tensors of a model in one file."""
    return torch.load(path) if path.suffix == ".bin" else load_file(path)


def without_layer(path: Path, place: int) -> Path:
    """Loses one layer of the first stack: the first of them, one between, or the last (-1)."""

    def lose(tensors: Tensors) -> Tensors:
        stacks: dict[str, set[int]] = {}
        for name in tensors:
            found = re.match(r"(.*?(?:layers|layer|block|blocks|h))\.(\d+)\.", name)
            if found:
                stacks.setdefault(found[1], set()).add(int(found[2]))
        stack, numbers = next(iter(stacks.items()))
        lost = f"{stack}.{sorted(numbers)[place]}."
        return {name: tensor for name, tensor in tensors.items() if not name.startswith(lost)}

    return rewritten(path, lose)


def shorter_vocabulary(path: Path) -> Path:
    """Cuts the last rows off the embedding alone."""

    def cut(tensors: Tensors) -> Tensors:
        return {
            name: tensor[:-7].clone() if EMBEDDING.search(name) and tensor.dim() == 2 else tensor
            for name, tensor in tensors.items()
        }

    return rewritten(path, cut)


def without_head(path: Path) -> Path:
    """Loses the output head of a model that has one of its own."""
    reworded(path, lambda config: config.update(tie_word_embeddings=False))
    return rewritten(path, lambda t: {k: v for k, v in t.items() if not HEAD.search(k)})


def other_size(path: Path, key: str) -> Path:
    """Doubles a size, wherever the configuration states it."""
    return reworded(path, lambda config: every(config, key, lambda size: size * 2))


def every(document: dict[str, Any], key: str, change: Callable[[int], int]) -> None:
    """Changes each whole number of that key, in the document and within it."""
    for name, value in document.items():
        if isinstance(value, dict):
            every(value, key, change)
        elif name == key and isinstance(value, int):
            document[name] = change(value)


def states(document: dict[str, Any], key: str) -> bool:
    """Whether the document, or one within it, states a whole number under the key."""
    if isinstance(document.get(key), int):
        return True
    return any(states(value, key) for value in document.values() if isinstance(value, dict))
