"""Cases of FMT005."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from planted import found, in_containers, safetensors_file, silent, torch_file
from rule_cases import Case, Expected
from torch import nn

State = dict[str, torch.Tensor]


def keys(*names: str) -> Callable[[Path], Path]:
    return torch_file({name: torch.ones(2) for name in names})


def mlp(dtype: torch.dtype = torch.float32) -> State:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Linear(8, 20), nn.ReLU(), nn.Linear(20, 10), nn.ReLU(), nn.Linear(10, 3)
    )
    return layers.to(dtype).state_dict()


def encoder(**how: Any) -> nn.Module:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False, **how)


def bearing(prefix: str, state: State | None = None) -> State:
    return {prefix + key: tensor for key, tensor in (state or mlp()).items()}


def within(word: str) -> State:
    """A word behind each layer's number."""
    return {f"layers.{k.replace('.', f'.{word}.', 1)}": tensor for k, tensor in mlp().items()}


def compiled(folder: Path) -> Path:
    state = torch.compile(nn.Linear(8, 8), backend="eager").state_dict()
    return torch_file(state)(folder)


def sharded(folder: Path) -> Path:
    """A shard whose index stands beside it."""
    path = safetensors_file(bearing("module."))(folder)
    (folder / "model.safetensors.index.json").write_text("{}")
    return path.rename(folder / "model-00001-of-00002.safetensors")


BUFFER = {"label_scale": torch.ones(3)}
WRAPPERS = (
    *("module.", "_orig_mod.", "_fsdp_wrapped_module.", "_forward_module.", "_module."),
    *("module._orig_mod.", "_orig_mod.module.", "_forward_module.module.", "module.module."),
)

PLANTED = (
    *(
        found(title, write, "warning")
        for prefix in ("module.", "_orig_mod.", "model.module.")
        for title, write in in_containers(prefix, bearing(prefix))
    ),
    *(
        found(f"{prefix} of float16", torch_file(bearing(prefix, mlp(torch.float16))), "warning")
        for prefix in WRAPPERS
    ),
    *(
        found(f"{word} in each layer", torch_file(within(word)), "warning")
        for word in (
            "_orig_mod",
            "_fsdp_wrapped_module",
            "_checkpoint_wrapped_module",
            "_fpw_module",
        )
    ),
    found(
        "a buffer that came later",
        torch_file({**bearing("module._orig_mod."), **BUFFER}),
        "warning",
    ),
    found(
        "a buffer that came after DataParallel",
        torch_file({**bearing("module."), **BUFFER}),
        "warning",
    ),
    found(
        "an average of weights",
        torch_file(torch.optim.swa_utils.AveragedModel(nn.Linear(9, 9)).state_dict()),
        "warning",
    ),
    found("compiled", compiled, "warning"),
    found("compiled within a model", torch_file(bearing("model._orig_mod.")), "warning"),
    found("an encoder, parallel", torch_file(nn.DataParallel(encoder()).state_dict()), "warning"),
    found(
        "layers that are checkpointed", torch_file(within("_checkpoint_wrapped_module")), "warning"
    ),
    found(
        "FSDP's layers beside a head",
        torch_file(
            {
                **within("_fsdp_wrapped_module"),
                "head.weight": torch.ones(3, 3),
                "head.bias": torch.ones(3),
            }
        ),
        "warning",
    ),
    found(
        "a part of all parameters in one row", torch_file({"_flat_param": torch.ones(99)}), "error"
    ),
    found(
        "FSDP's rows",
        torch_file({f"layers.{i}._flat_param": torch.ones(99) for i in range(2)}),
        "error",
    ),
    found("FairScale's row", torch_file({"flat_param_0": torch.ones(99)}), "error"),
)

NEAR_MISSES = (
    *(silent(title, write) for title, write in in_containers("a network", mlp())),
    *(
        silent(f"a network of {dtype}", torch_file(mlp(dtype)))
        for dtype in (torch.float16, torch.bfloat16, torch.float64)
    ),
    silent("an encoder", torch_file(encoder().state_dict())),
    silent("half of the keys", torch_file({**bearing("module."), **mlp()})),
    silent(
        "a submodule called module",
        torch_file(
            {**bearing("backbone."), **bearing("head.module.", {"weight": torch.ones(3, 3)})}
        ),
    ),
    silent("each layer's own module", torch_file(within("module"))),
    silent(
        "blocks of a residual class",
        torch_file({f"blocks.{i}.module.{k}": t for i in range(3) for k, t in mlp().items()}),
    ),
    silent("modules", torch_file(bearing("modules."))),
    silent("a module of another word", torch_file(bearing("my_module."))),
    silent("orig_mod without its dash", torch_file(bearing("orig_mod."))),
    silent(
        "a key that ends in module",
        torch_file({"module": torch.ones(2, 2), "a.module": torch.ones(3)}),
    ),
    silent(
        "one compiled part of three",
        torch_file({**bearing("a."), **bearing("b."), **bearing("c._orig_mod.")}),
    ),
    silent(
        "one of a model's three sections",
        torch_file({"state_dict": mlp(), "config": {"module": "x"}}),
    ),
    silent(
        "small weights of a wrapper beside large ones",
        torch_file(
            {
                **bearing("module.", {"w": torch.ones(2), "v": torch.ones(2)}),
                "table": torch.ones(90, 90),
                "other": torch.ones(9),
            }
        ),
    ),
    silent("DataParallel's own model", torch_file(nn.DataParallel(encoder()).module.state_dict())),
    silent("a compiled model's own", torch_file(nn.Linear(8, 8).state_dict())),
    silent(
        "a parameter called flat",
        torch_file({"flat.weight": torch.ones(4, 4), "flat_params.weight": torch.ones(4)}),
    ),
    silent("a shard, judged with its index", sharded, "not-applicable"),
)

CASES = (
    Case("plain keys pass", keys("fc.weight", "fc.bias"), (Expected("pass"),)),
    Case("one key among others passes", keys("module.w", "w"), (Expected("pass"),)),
    Case(
        "DataParallel",
        torch_file(
            {"epoch": 3, "state_dict": {"module.w": torch.ones(2), "module.b": torch.ones(2)}}
        ),
        (
            Expected(
                "fail",
                "warning",
                "high",
                ("file", "state_dict"),
                {"prefix": "module.", "keys": 2},
                "DataParallel",
            ),
        ),
    ),
    Case(
        "wrappers within wrappers",
        keys("_orig_mod.module.w", "_orig_mod.module.b"),
        (Expected("fail", "warning", values={"prefix": "_orig_mod.module."}),),
    ),
    Case(
        "FSDP",
        keys("_fsdp_wrapped_module.w"),
        (Expected("fail", "warning", values={"prefix": "_fsdp_wrapped_module."}),),
    ),
    Case(
        "nearly all keys",
        torch_file({**bearing("module._orig_mod."), **BUFFER}),
        (
            Expected(
                "fail",
                "warning",
                values={"prefix": "module._orig_mod.", "keys": 6, "of": 7},
                message="6 of 7 keys bear 'module._orig_mod.'",
            ),
        ),
    ),
    *PLANTED,
    *NEAR_MISSES,
)
