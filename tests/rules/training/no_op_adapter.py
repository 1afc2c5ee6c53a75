"""Cases of TRN003; test_planted_adapters.py has one of each kind in every layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lora_files import config, kohya, peft, written
from rule_cases import Case, Expected

NAME = "adapter_model.safetensors"


def adapter(zero: str | None = None, drop: str | None = None, **settings: Any) -> Any:
    def write(folder: Path) -> Path:
        state = peft("llama")
        for name in list(state):
            if drop is not None and drop in name:
                del state[name]
            elif zero is not None and zero in name:
                state[name] = torch.zeros_like(state[name])
        return written(folder, state, config("llama", **settings), NAME)

    return write


def of_text_encoder(layer: int) -> Callable[[Path], Path]:
    """An adapter by kohya's scripts, whose last layer no loss reaches."""

    def write(folder: Path) -> Path:
        state = {k.replace("lora_unet", "lora_te"): v for k, v in kohya("bert").items()}
        for name in [name for name in state if f"_{layer}_" in name and "lora_up" in name]:
            state[name] = torch.zeros_like(state[name])
        return written(folder, state, None, "style.safetensors")

    return write


def plain(folder: Path) -> Path:
    torch.save({"fc.weight": torch.ones(2, 2)}, folder / "model.pt")
    return folder / "model.pt"


def fails(fault: str, count: int, message: str) -> tuple[Expected, ...]:
    values = {"fault": fault, "count": count}
    return (Expected("fail", "warning", "high", ("file", NAME), values, message),)


CASES = (
    Case("a trained adapter passes", adapter(), (Expected("pass", values={"modules": 8}),)),
    Case("no adapter", plain, (Expected("not-applicable"),)),
    Case("B is zero", adapter(zero="lora_B"), fails("zero-factor", 8, "8 of 8")),
    Case("A of one module is zero", adapter(zero="layers.1.self_attn.q_proj.lora_A"),
         fails("zero-factor", 1, "1 of 8")),
    Case("B of a module is lost", adapter(drop="layers.2.self_attn.v_proj.lora_B"),
         fails("unpaired", 1, "one factor of two")),
    Case("another rank", adapter(r=16), fails("rank", 8, "4, not 16")),
    Case("no target", adapter(target_modules=["q_proj"]), fails("target", 4, "v_proj")),
    Case("no magnitudes", adapter(use_dora=True), fails("dora", 8, "magnitude")),
    Case("a pattern on which re would take for ever", adapter(target_modules="(.*)*x"),
         fails("target", 8, "q_proj")),
    Case("a pattern that is not matched", adapter(target_modules=r"(.)(\1)*x"),
         (Expected("inconclusive", message="no regular expression that is matched"),)),
    Case("the last layer of a text encoder", of_text_encoder(3),
         (Expected("fail", "note", values={"count": 2, "modules": 8}),)),
)  # fmt: skip
