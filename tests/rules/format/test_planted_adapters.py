"""TRN003 and FMT017 over layouts, architectures, element types and containers: all, and no more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from lora_files import LAYOUTS, Change, State, config, paths, peft, written
from rule_cases import verdicts

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome, Severity

REGISTRY = load_registry()
UP = re.compile(r"lora_B|_b\b|lora_up|lora\.up|lora_b")
DOWN = re.compile(r"lora_A|lora_down|lora\.down|lora_a")


def zero(pattern: re.Pattern[str], first: bool = False) -> Change:
    def change(state: State, settings: dict[str, Any]) -> None:
        names = [name for name in state if pattern.search(name)]
        for name in names[: 1 if first else None]:
            state[name] = torch.zeros_like(state[name])

    return change


def drop(pattern: re.Pattern[str]) -> Change:
    def change(state: State, settings: dict[str, Any]) -> None:
        del state[next(name for name in state if pattern.search(name))]

    return change


def drop_module(state: State, settings: dict[str, Any]) -> None:
    module = paths("llama")[3]
    for name in [name for name in state if module in name]:
        del state[name]


def settle(**changes: Any) -> Change:
    def change(state: State, settings: dict[str, Any]) -> None:
        settings.update(changes)

    return change


def magnitudes(state: State, settings: dict[str, Any]) -> None:
    for name in [name for name in state if UP.search(name)]:
        state[name.replace("lora_B.weight", "lora_magnitude_vector")] = torch.ones(48)


def add(name: str, *shape: int) -> Change:
    def change(state: State, settings: dict[str, Any]) -> None:
        state[name] = torch.ones(shape)

    return change


def rename(old: str, new: str) -> Change:
    def change(state: State, settings: dict[str, Any]) -> None:
        for name in list(state):
            state[name.replace(old, new)] = state.pop(name)

    return change


def both(*changes: Change) -> Change:
    def change(state: State, settings: dict[str, Any]) -> None:
        for each in changes:
            each(state, settings)

    return change


def nothing(state: State, settings: dict[str, Any]) -> None:
    pass


def base_layer(module: str) -> Change:
    return add(f"base_model.model.{module}.base_layer.weight", 48, 32)


BASE = "base_model.model."
Row = tuple[str, str, str, Change]
"""Layout, architecture, name of the file, what is changed in it."""

ST, BIN = "adapter_model.safetensors", "adapter_model.bin"
UNET, MLX = "pytorch_lora_weights.safetensors", "adapters.safetensors"

NO_OP: tuple[Row, ...] = (
    ("peft", "llama", ST, zero(UP)),
    ("peft", "gpt2", BIN, zero(UP)),
    ("peft", "bert", ST, zero(DOWN)),
    ("peft", "t5", ST, zero(UP, first=True)),
    ("peft", "mixtral", BIN, zero(DOWN, first=True)),
    ("diffusers", "unet", UNET, zero(UP)),
    ("diffusers", "unet", "pytorch_lora_weights.bin", zero(DOWN)),
    ("kohya", "unet", "style.safetensors", zero(UP)),
    ("kohya", "unet", "style.safetensors", zero(re.compile("alpha"))),
    ("mlx", "llama", MLX, zero(re.compile("lora_b"))),
    ("torchtune", "llama", "adapter_0.pt", zero(re.compile("lora_b"))),
    ("peft", "vit", ST, drop(UP)),
    ("peft", "llama", BIN, drop(DOWN)),
    ("kohya", "unet", "style.safetensors", drop(UP)),
    ("peft", "llama", ST, settle(r=16)),
    ("peft", "gpt2", BIN, settle(r=2)),
    ("peft", "llama", ST, settle(rank_pattern={"layers.1.self_attn.q_proj": 8})),
    ("peft", "llama", ST, settle(target_modules=["k_proj", "o_proj"])),
    ("peft", "bert", ST, settle(target_modules=r".*attention\.self\.(query|key)")),
    ("peft", "llama", ST, settle(target_modules=["q_proj"])),
    ("peft", "llama", BIN, magnitudes),
    ("peft", "gpt2", ST, settle(use_dora=True)),
    ("peft", "llama", ST, settle(lora_alpha=0)),
)  # fmt: skip

SOUND: tuple[Row, ...] = (
    *(("peft", arch, ST, nothing) for arch in ("llama", "gpt2", "bert", "t5", "vit", "mixtral")),
    ("peft", "llama", BIN, nothing),
    ("peft", "gpt2", BIN, settle(fan_in_fan_out=True)),
    ("diffusers", "unet", UNET, nothing),
    ("kohya", "unet", "style.safetensors", nothing),
    ("mlx", "llama", MLX, nothing),
    ("torchtune", "llama", "adapter_0.pt", nothing),
    ("peft", "llama", ST, settle(lora_alpha=64, use_rslora=True)),
    ("peft", "llama", ST, settle(r=8, rank_pattern={"q_proj": 4, ".*v_proj": 4})),
    ("peft", "llama", ST, settle(r=8, rank_pattern={r"model\.layers\.\d+\.self_attn\.\w+": 4})),
    ("peft", "llama", ST, settle(target_modules=r".*\.self_attn\.(q|v)_proj")),
    ("peft", "llama", ST, settle(target_modules="all-linear")),
    ("peft", "llama", ST, settle(target_modules=[*paths("llama")])),
    ("peft", "llama", ST, settle(target_modules=None, r=None)),
    ("peft", "llama", ST, both(magnitudes, settle(use_dora=True))),
    ("peft", "llama", BIN, both(add(f"{BASE}lm_head.weight", 128, 32),
                                settle(modules_to_save=["lm_head"]))),
    ("peft", "bert", ST, both(add(f"{BASE}classifier.weight", 2, 32), settle(task_type="SEQ_CLS"))),
    ("peft", "llama", ST, both(add(f"{BASE}model.extra.weight", 8, 8),
                               settle(modules_to_save=["extra"]))),
    ("peft", "llama", ST, add(f"{BASE}model.embed_tokens.weight", 128, 32)),
    ("peft", "llama", ST, both(settle(layers_to_transform=[0, 1, 2, 3]), drop_module)),
    ("peft", "gpt2", ST, settle(peft_type="ADALORA", r=8)),
)  # fmt: skip

WRONG_CONTENT: tuple[Row, ...] = (
    *(("peft", arch, ST, base_layer(paths(arch)[0])) for arch in ("llama", "gpt2", "t5", "vit")),
    *(("peft", arch, BIN, base_layer(paths(arch)[1])) for arch in ("bert", "mixtral", "llama")),
    ("peft", "llama", "model.safetensors", base_layer(paths("llama")[2])),
    ("peft", "gpt2", "pytorch_model.bin", base_layer(paths("gpt2")[2])),
    *(("peft", arch, ST, rename("lora_A.", "lora_A.default.")) for arch in ("bert", "vit")),
    ("peft", "llama", BIN, rename(".weight", ".default.weight")),
    ("peft", "t5", ST, rename(".weight", ".my_adapter.weight")),
    ("peft", "gpt2", ST, both(rename(".weight", ".default.weight"), base_layer("lm_head"))),
    ("peft", "llama", ST, settle(target_modules=["q_proj", "v_proj", "o_proj"])),
    ("peft", "bert", BIN, settle(target_modules=["query", "dense", "key", "value"])),
    ("peft", "gpt2", ST, settle(target_modules=["c_attn", "c_fc", "c_proj"])),
    ("peft", "llama", ST, drop_module),
    ("peft", "llama", BIN, drop_module),
    ("peft", "llama", ST, add(f"{BASE}model.layers.0.mlp.up_proj.weight", 64, 32)),
    ("peft", "bert", BIN, add(f"{BASE}bert.pooler.dense.weight", 32, 32)),
    ("peft", "t5", ST, both(add(f"{BASE}decoder.extra.weight", 8, 8),
                            settle(modules_to_save=["other"]))),
)  # fmt: skip


def found(row: Row, rule: str, folder: Path) -> list[tuple[Outcome, Severity]]:
    layout, arch, name, change = row
    state, settings = LAYOUTS[layout](arch), config(arch)
    change(state, settings)
    path = written(folder, state, settings if layout == "peft" else None, name)
    told = verdicts(path, REGISTRY, rule)
    return [(v.outcome, v.severity) for v in told if v.outcome is not Outcome.NOT_APPLICABLE]


@pytest.mark.parametrize("row", NO_OP, ids=lambda row: f"{row[0]} {row[1]}")
def test_adapters_without_effect_are_found(row: Row, tmp_path: Path) -> None:
    assert (Outcome.FAIL, Severity.WARNING) in found(row, "no-op-adapter", tmp_path)


@pytest.mark.parametrize("row", WRONG_CONTENT, ids=lambda row: f"{row[0]} {row[1]}")
def test_wrong_content_is_found(row: Row, tmp_path: Path) -> None:
    assert (Outcome.FAIL, Severity.WARNING) in found(row, "adapter-content", tmp_path)


@pytest.mark.parametrize("rule", ["no-op-adapter", "adapter-content"])
@pytest.mark.parametrize("row", SOUND, ids=lambda row: f"{row[0]} {row[1]}")
def test_sound_adapters_are_silent(row: Row, rule: str, tmp_path: Path) -> None:
    assert all(outcome is Outcome.PASS for outcome, _ in found(row, rule, tmp_path))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", [ST, BIN])
def test_every_element_type_is_judged(dtype: torch.dtype, name: str, tmp_path: Path) -> None:
    state = peft("llama", dtype=dtype)
    sound = written(tmp_path, state, config("llama"), name)
    assert [v.outcome for v in verdicts(sound, REGISTRY, "no-op-adapter")] == [Outcome.PASS]
    zero(UP)(state, {})
    idle = written(tmp_path, state, config("llama"), name)
    (verdict,) = verdicts(idle, REGISTRY, "no-op-adapter")
    assert verdict.values == {"fault": "zero-factor", "count": 8, "modules": 8}


HOSTILE: Mapping[str, Any] = {
    "no object": "[1, 2]",
    "no JSON": "{",
    "other types": config("llama", target_modules={"a": 1}, rank_pattern=[3], use_dora="yes"),
    "other types within": config("llama", target_modules=[1, None], rank_pattern={"q": "x"}),
    "an endless pattern": config("llama", target_modules="(a+)+$"),
    "many repeats": config("llama", target_modules=".*" * 40 + "x"),
    "no expression": config("llama", target_modules="("),
    "a pattern of ranks": config("llama", rank_pattern={"(x*)*y": 3}),
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("rule", ["no-op-adapter", "adapter-content"])
@pytest.mark.parametrize("settings", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_configuration_stops_nothing(settings: Any, rule: str, tmp_path: Path) -> None:
    path = written(tmp_path, peft("llama"), settings, ST)
    for verdict in verdicts(path, REGISTRY, rule):
        assert not (verdict.reason or "").startswith("internal error")
        no_target = verdict.values.get("fault") == "target"  # as the pattern says
        assert verdict.outcome is not Outcome.FAIL or rule == "adapter-content" or no_target


@pytest.mark.filterwarnings("ignore:::transformers")
def test_what_peft_writes_is_sound_and_fresh_factors_are_not(tmp_path: Path) -> None:
    peft_library = pytest.importorskip("peft")
    transformers = pytest.importorskip("transformers")
    settings = transformers.GPT2Config(
        n_layer=2, n_embd=32, n_head=2, vocab_size=64, n_positions=16, bos_token_id=0,
        eos_token_id=0, tie_word_embeddings=False,
    )  # fmt: skip
    base = transformers.GPT2LMHeadModel(settings)
    lora = peft_library.LoraConfig(
        r=4, target_modules=["c_attn", "c_fc"], rank_pattern={"h.1.mlp.c_fc": 8},
        fan_in_fan_out=True, use_dora=True, modules_to_save=["lm_head"],
    )  # fmt: skip
    model = peft_library.get_peft_model(base, lora)
    model.save_pretrained(tmp_path / "fresh")
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    model.save_pretrained(tmp_path / "trained")
    for folder, no_op in (("fresh", Outcome.FAIL), ("trained", Outcome.PASS)):
        path = tmp_path / folder / ST
        assert [v.outcome for v in verdicts(path, REGISTRY, "no-op-adapter")] == [no_op]
        assert [v.outcome for v in verdicts(path, REGISTRY, "adapter-content")] == [Outcome.PASS]
