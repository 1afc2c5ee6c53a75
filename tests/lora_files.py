"""Low-rank adapters in every layout, as their writers name and shape the factors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

State = dict[str, torch.Tensor]
Change = Callable[[State, dict[str, Any]], None]

MODULES: Mapping[str, tuple[str, ...]] = {
    "llama": ("model.layers.{}.self_attn.q_proj", "model.layers.{}.self_attn.v_proj"),
    "gpt2": ("transformer.h.{}.attn.c_attn", "transformer.h.{}.mlp.c_fc"),
    "bert": ("bert.encoder.layer.{}.attention.self.query", "bert.encoder.layer.{}.output.dense"),
    "t5": ("encoder.block.{}.layer.0.SelfAttention.q", "decoder.block.{}.layer.0.SelfAttention.v"),
    "vit": ("vit.encoder.layer.{}.attention.attention.key",),
    "mixtral": ("model.layers.{}.block_sparse_moe.experts.1.w1",),
    "unet": ("down_blocks.{}.attentions.0.transformer_blocks.0.attn1.to_k",),
}
PEFT = {"peft_type": "LORA", "lora_alpha": 16, "rank_pattern": {}, "alpha_pattern": {}}


def targets(arch: str) -> list[str]:
    return sorted({module.rpartition(".")[2] for module in MODULES[arch]})


def paths(arch: str, layers: int = 4) -> list[str]:
    return [module.format(layer) for layer in range(layers) for module in MODULES[arch]]


def peft(arch: str, r: int = 4, dtype: torch.dtype = torch.float32, seed: int = 0) -> State:
    return _factors(arch, "base_model.model.{}.lora_A.weight", "base_model.model.{}.lora_B.weight",
                    r, dtype, seed)  # fmt: skip


def diffusers(arch: str, r: int = 4, dtype: torch.dtype = torch.float16, seed: int = 0) -> State:
    return _factors(arch, "unet.{}_lora.down.weight", "unet.{}_lora.up.weight", r, dtype, seed)


def kohya(arch: str, r: int = 4, dtype: torch.dtype = torch.float16, seed: int = 0) -> State:
    state = State()
    for module, (a, b) in _pairs(arch, r, dtype, seed).items():
        name = f"lora_unet_{module.replace('.', '_')}"
        state |= {f"{name}.lora_down.weight": a, f"{name}.lora_up.weight": b}
        state[f"{name}.alpha"] = torch.tensor(float(r), dtype=dtype)
    return state


def mlx(arch: str, r: int = 4, dtype: torch.dtype = torch.float32, seed: int = 0) -> State:
    pairs = _pairs(arch, r, dtype, seed).items()
    return {
        key: tensor.T.contiguous()
        for module, (a, b) in pairs
        for key, tensor in ((f"{module}.lora_a", a), (f"{module}.lora_b", b))
    }


def torchtune(arch: str, r: int = 4, dtype: torch.dtype = torch.bfloat16, seed: int = 0) -> State:
    return _factors(arch, "{}.lora_a.weight", "{}.lora_b.weight", r, dtype, seed)


LAYOUTS: Mapping[str, Callable[..., State]] = {
    "peft": peft,
    "diffusers": diffusers,
    "kohya": kohya,
    "mlx": mlx,
    "torchtune": torchtune,
}


def config(arch: str, r: int = 4, **settings: Any) -> dict[str, Any]:
    return {**PEFT, "r": r, "target_modules": targets(arch), "use_dora": False, **settings}


def written(folder: Path, state: State, settings: Any, name: str) -> Path:
    """The adapter, with its configuration beside it where there is one."""
    path = folder / name
    if name.endswith(".safetensors"):
        save_file({k: v.contiguous().clone() for k, v in state.items()}, path, {"format": "pt"})
    else:
        torch.save(state, path)
    if settings is not None:
        text = settings if isinstance(settings, str) else json.dumps(settings)
        (folder / "adapter_config.json").write_text(text)
    return path


def _factors(arch: str, down: str, up: str, r: int, dtype: torch.dtype, seed: int) -> State:
    state = State()
    for module, (a, b) in _pairs(arch, r, dtype, seed).items():
        state |= {down.format(module): a, up.format(module): b}
    return state


def _pairs(
    arch: str, r: int, dtype: torch.dtype, seed: int
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    make = torch.Generator().manual_seed(seed)
    return {
        module: (
            torch.randn(r, 32, generator=make).to(dtype),
            (torch.randn(48, r, generator=make) * 0.01).to(dtype),
        )
        for module in paths(arch)
    }
