"""Cases of FMT019."""

from __future__ import annotations

import re

import torch
from planted import found, in_containers, safetensors_file, silent, torch_file
from rule_cases import Case, Expected
from torch import nn

State = dict[str, torch.Tensor]


def bert(norm: str = "LayerNorm", blocks: int = 2, dtype: torch.dtype = torch.float32) -> State:
    """Keys of BERT's, its norms by another name."""
    state = {"embeddings.word_embeddings.weight": torch.ones(9, 8, dtype=dtype)}
    modules = [f"embeddings.{norm}"]
    for i in range(blocks):
        state[f"encoder.layer.{i}.attention.output.dense.weight"] = torch.ones(8, 8, dtype=dtype)
        modules += [f"encoder.layer.{i}.{part}.{norm}" for part in ("attention.output", "output")]
    for module in modules:
        state |= {
            f"{module}.weight": torch.ones(8, dtype=dtype),
            f"{module}.bias": torch.ones(8, dtype=dtype),
        }
    return state


def legacy(state: State, which: str = "") -> State:
    """Norms whose key matches `which` with gamma and beta."""
    words = {"weight": "gamma", "bias": "beta"}
    renamed = {}
    for key, tensor in state.items():
        module, _, last = key.rpartition(".")
        norm = tensor.dim() == 1 and re.search(which, key) is not None
        renamed[f"{module}.{words[last]}" if norm else key] = tensor
    return renamed


def normed(module: str, *names: str, shape: tuple[int, ...] = (8,)) -> State:
    """A layer, and a norm with tensors of these names."""
    return {
        "fc.weight": torch.ones(8, 8),
        **{f"{module}.{name}": torch.ones(shape) for name in names},
    }


def keras() -> State:
    return {
        "dense.kernel": torch.ones(8, 8),
        "dense.bias": torch.ones(8),
        "table.weight": torch.ones(9, 8),
        "LayerNorm.gamma": torch.ones(8),
        "LayerNorm.beta": torch.ones(8),
    }


TORCH_ENCODER = nn.TransformerEncoderLayer(8, 2, 16).state_dict()
NAMES = ("LayerNorm", "layer_norm", "layernorm", "ln_1", "ln", "final_layer_norm", "ln_f")

PLANTED = (
    *(found(title, write, "note") for title, write in in_containers("BERT", legacy(bert()))),
    *(found(f"norms called {name}", torch_file(legacy(bert(name))), "note") for name in NAMES),
    *(
        found(f"BERT of {dtype}", torch_file(legacy(bert(dtype=dtype))), "note")
        for dtype in (torch.float16, torch.bfloat16, torch.float64)
    ),
    *(
        found(f"BERT of {blocks} blocks", safetensors_file(legacy(bert(blocks=blocks))), "note")
        for blocks in (1, 4)
    ),
    found("one of the norms", torch_file(legacy(bert(), "embeddings")), "note"),
    found(
        "one of the norms, by a name of one's own",
        torch_file(legacy(bert("norm"), "embeddings")),
        "note",
    ),
    found(
        "norms called norm1, beside one with a weight",
        torch_file({**legacy(bert("norm1"), "layer.0")}),
        "note",
    ),
    found(
        "PyTorch's encoder, one norm renamed",
        torch_file(
            {
                **{f"a.{k}": t for k, t in TORCH_ENCODER.items()},
                **{f"b.{k}": t for k, t in legacy(TORCH_ENCODER, "norm2").items()},
            }
        ),
        "note",
    ),
    Case(
        "five norms",
        torch_file(legacy(bert())),
        (Expected("fail", "note", values={"norms": 5}, message="'embeddings.LayerNorm'"),),
    ),
)

NEAR_MISSES = (
    *(silent(title, write) for title, write in in_containers("BERT", bert())),
    *(silent(f"norms called {name}", torch_file(bert(name))) for name in NAMES[:4]),
    silent("an author's own norm", torch_file(normed("norm", "gamma", "beta"))),
    silent("an author's own norm, by number", torch_file(normed("to_out.1", "gamma", "beta"))),
    silent("a scale of a layer", torch_file(normed("block.0", "gamma"))),
    silent("a scale in place of a norm", torch_file(normed("LayerNorm", "gamma"))),
    silent("a response norm", torch_file(normed("grn", "gamma", "beta", shape=(1, 1, 1, 8)))),
    silent(
        "an instance norm of images",
        torch_file(normed("layer_norm", "gamma", "beta", shape=(1, 8, 1, 1))),
    ),
    silent(
        "a batch norm of Keras",
        torch_file(normed("ln", "gamma", "beta", "moving_mean", "moving_variance")),
    ),
    silent(
        "a batch norm of Gluon",
        torch_file(normed("ln", "gamma", "beta", "running_mean", "running_var")),
    ),
    silent("a file of Keras", torch_file(keras())),
    silent(
        "a file without weights",
        torch_file({"LayerNorm.gamma": torch.ones(8), "LayerNorm.beta": torch.ones(8)}),
    ),
    silent(
        "gamma and beta of other sizes",
        torch_file({**normed("LayerNorm", "gamma"), "LayerNorm.beta": torch.ones(4)}),
    ),
    silent(
        "a module called gamma",
        torch_file({"gamma.weight": torch.ones(8), "beta.weight": torch.ones(8)}),
    ),
    silent("PyTorch's encoder", torch_file(TORCH_ENCODER)),
    silent(
        "a convolutional network",
        torch_file(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).state_dict()),
    ),
)

CASES = (*PLANTED, *NEAR_MISSES)
