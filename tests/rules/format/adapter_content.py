"""Cases of FMT017; test_planted_adapters.py has one of each kind in every layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lora_files import config, paths, peft, written
from rule_cases import Case, Expected

NAME = "adapter_model.safetensors"
BASE = "base_model.model."


def adapter(
    more: dict[str, tuple[int, ...]] | None = None,
    named: str = "",
    name: str = NAME,
    resumes: bool = False,
    lost: str = "-",
    **settings: Any,
) -> Any:
    def write(folder: Path) -> Path:
        factors = [(k, t) for k, t in peft("llama").items() if lost not in k]
        state = {key.replace(".weight", f"{named}.weight"): tensor for key, tensor in factors}
        state |= {key: torch.ones(shape) for key, shape in (more or {}).items()}
        if not resumes:
            return written(folder, state, config("llama", **settings), name)
        content = {"model": state, "optimizer": {"state": {0: {"exp_avg": torch.ones(9)}}}}
        torch.save(content, folder / name)
        return folder / name

    return write


def fails(fault: str, count: int, message: str) -> tuple[Expected, ...]:
    return (Expected("fail", "warning", "high", None, {"fault": fault, "count": count}, message),)


HEAD = {f"{BASE}lm_head.base_layer.weight": (64, 32),
        f"{BASE}lm_head.lora_A.weight": (4, 32),
        f"{BASE}lm_head.lora_B.weight": (64, 4)}  # fmt: skip
LAYERS = {f"{BASE}{path}.base_layer.weight": (48, 32) for path in paths("llama")}
TARGETS = ["q_proj", "v_proj"]

CASES = (
    Case("factors alone pass", adapter(), (Expected("pass", values={"modules": 8}),)),
    Case("a module that is saved whole passes",
         adapter({f"{BASE}model.norms.weight": (4, 4)}, modules_to_save=["norms"]),
         (Expected("pass"),)),
    Case("a tied head as target", adapter(HEAD, target_modules=[*TARGETS, "lm_head"]),
         fails("base-layer", 1, "8.2 kB")),
    Case("the adapter's name in keys", adapter(named=".default"),
         fails("adapter-name", 8, "'default'")),
    Case("base weights", adapter({f"{BASE}model.layers.0.mlp.up_proj.weight": (64, 32)}),
         fails("base-weight", 1, "up_proj")),
    Case("a target without factors", adapter(target_modules=[*TARGETS, "o_proj"]),
         fails("missing-target", 1, "o_proj")),
    Case("a wrapped model", adapter(LAYERS, name="model.pt"),
         fails("base-layer", 8, "PEFT's wrapper")),
    Case("a checkpoint to resume from passes", adapter(LAYERS, name="last.pt", resumes=True),
         (Expected("pass"),)),
    Case("the factors of another method", adapter(peft_type="ADALORA"), (Expected("pass"),)),
    Case("a trained head that was not saved", adapter(modules_to_save=["lm_head"]),
         fails("not-saved", 1, "lm_head")),
    Case("a layer without factors", adapter(lost="layers.1."),
         fails("missing-target", 1, "layers.1")),
)  # fmt: skip
