"""Cases of FMT009."""

from __future__ import annotations

import torch
from planted import Write, found, in_containers, safetensors_file, silent, torch_file
from rule_cases import Case, Expected
from torch import nn

State = dict[str, torch.Tensor]
DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def mlp(dtype: torch.dtype = torch.float32) -> State:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 20), nn.ReLU(), nn.Linear(20, 3)).to(dtype).state_dict()


def emptied(state: State, *names: str) -> State:
    return {k: torch.empty(0, dtype=t.dtype) if k in names else t for k, t in state.items()}


def single(state: State) -> State:
    """Each parameter with one element in its place."""
    return {
        k: torch.ones(1, dtype=t.dtype) if t.is_floating_point() else t for k, t in state.items()
    }


def on_meta(*names: str) -> State:
    return {k: t.to("meta") if not names or k in names else t for k, t in mlp().items()}


def attention() -> State:
    torch.manual_seed(0)
    return nn.TransformerEncoderLayer(8, 2, 16).state_dict()


def convolutional() -> State:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3)).state_dict()


def lora(rows: int) -> State:
    return {
        "base.q.lora_A.weight": torch.ones(4, 8),
        "base.q.lora_B.weight": torch.empty(rows) if not rows else torch.ones(rows, 4),
    }


def whole(module: nn.Module) -> Write:
    return torch_file(module.state_dict())


PLANTED = (
    *(
        found(title, write, "error")
        for title, write in in_containers("an empty weight", emptied(mlp(), "0.weight"))
    ),
    *(
        found(f"an empty weight of {dtype}", torch_file(emptied(mlp(dtype), "2.weight")), "error")
        for dtype in DTYPES
    ),
    found("an empty bias", torch_file(emptied(mlp(), "2.bias")), "error"),
    found("all empty", torch_file(emptied(mlp(), *mlp())), "error", 4),
    found(
        "an empty projection of attention",
        torch_file(emptied(attention(), "self_attn.in_proj_weight")),
        "error",
    ),
    found(
        "an empty weight of an LSTM",
        torch_file(emptied(nn.LSTM(3, 4).state_dict(), "weight_hh_l0")),
        "error",
    ),
    found("an empty LoRA factor", safetensors_file(lora(0)), "error"),
    found(
        "two axes, one of them empty",
        torch_file({"fc.weight": torch.empty(0, 8), "fc.bias": torch.ones(3)}),
        "error",
    ),
    *(
        found(title, write, "error")
        for title, write in in_containers("single elements", single(attention()))
    ),
    found(
        "single elements of a convolutional network", torch_file(single(convolutional())), "error"
    ),
    found(
        "single elements of float16",
        torch_file(single({k: t.half() for k, t in attention().items()})),
        "error",
    ),
    found(
        "nearly all single",
        torch_file({**single(attention()), "head.weight": torch.ones(4, 4)}),
        "error",
    ),
    found("all on the meta device", torch_file(on_meta()), "error", 4),
    found("one on the meta device", torch_file(on_meta("0.weight")), "error"),
    found(
        "the meta device, legacy",
        torch_file(on_meta("0.weight"), _use_new_zipfile_serialization=False),
        "error",
    ),
    found("the meta device, in a section", torch_file({"model": on_meta("2.bias")}), "error"),
)

PLANTED = (
    *PLANTED,
    found(
        "all of other names on the meta device",
        torch_file({"w": torch.ones(2, device="meta")}),
        "error",
    ),
    found(
        "a buffer on the meta device",
        torch_file({**mlp(), "mask": torch.ones(2, device="meta")}),
        "warning",
    ),
)

NEAR_MISSES = (
    silent(
        "layers without a weight or bias, as e3nn stores them",
        torch_file(
            {
                "conv.weight": torch.empty(0),
                "conv.output_mask": torch.ones(8),
                "linear.weight": torch.ones(64),
                "linear.bias": torch.empty(0),
                "linear.output_mask": torch.ones(8),
            }
        ),
    ),
    *(silent(title, write) for title, write in in_containers("a network", mlp())),
    *(silent(f"a network of {dtype}", torch_file(mlp(dtype))) for dtype in DTYPES),
    silent("attention", torch_file(attention())),
    silent("a convolutional network", torch_file(convolutional())),
    silent("an empty buffer", torch_file({**mlp(), "anchors": torch.empty(0)})),
    silent("an empty grid of two axes", torch_file({**mlp(), "grid": torch.empty(0, 2)})),
    silent("empty indices", torch_file({**mlp(), "g_idx": torch.empty(0, dtype=torch.int32)})),
    silent(
        "an empty whole weight",
        torch_file({**mlp(), "codes.weight": torch.empty(0, dtype=torch.int32)}),
    ),
    silent("one input and one output", whole(nn.Linear(1, 1))),
    silent(
        "several of one input and output",
        whole(nn.Sequential(*(nn.Linear(1, 1, bias=False) for _ in range(6)))),
    ),
    silent("a few scales", torch_file({"a.weight": torch.ones(1), "a.bias": torch.ones(1)})),
    silent(
        "scales of a cache", torch_file({f"layers.{i}.k_scale": torch.ones(1) for i in range(9)})
    ),
    silent(
        "learnt temperatures beside layers",
        torch_file({**mlp(), **{f"t{i}.weight": torch.ones(1) for i in range(4)}}),
    ),
    silent("an LSTM", whole(nn.LSTM(3, 4, bidirectional=True))),
    silent("a LoRA pair", safetensors_file(lora(8))),
    silent(
        "activations of one number each",
        whole(nn.Sequential(*(nn.PReLU() for _ in range(3)), nn.Linear(3, 3))),
    ),
    silent("a norm of one channel", whole(nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1)))),
    silent(
        "an optimiser's empty state",
        torch_file(
            {
                "model": mlp(),
                "optimizer": {"state": {0: {"exp_avg.weight": torch.empty(0)}}, "param_groups": []},
            }
        ),
    ),
)

CASES = (
    Case(
        "parameters with elements pass",
        torch_file({"fc.weight": torch.ones(2, 2)}),
        (Expected("pass"),),
    ),
    Case("an empty buffer passes", torch_file({"strides": torch.empty(0)}), (Expected("pass"),)),
    Case(
        "a parameter that ZeRO-3 left out",
        torch_file({"fc.weight": torch.empty(0), "fc.bias": torch.ones(2)}),
        (Expected("fail", "error", "high", ("tensor", "fc.weight"), {"shape": [0]}),),
    ),
    *PLANTED,
    *NEAR_MISSES,
)
