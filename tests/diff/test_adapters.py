"""Low-rank adapters beside their base, as peft writes both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import modlint
from modlint.difference import Difference, Relation

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

TARGETS = ["q_proj", "v_proj", "down_proj"]


def llama(hidden: int = 64) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=64,
    )
    return LlamaForCausalLM(config)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, float]]:
    """A base, an adapter of five steps, and the effect of each module as torch computes it."""
    folder = tmp_path_factory.mktemp("adapter")
    base = llama()
    base.save_pretrained(folder / "base")
    model = get_peft_model(base, LoraConfig(r=4, lora_alpha=6, target_modules=TARGETS))
    step = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-2)
    tokens = torch.randint(0, 64, (2, 8))
    for _ in range(5):
        step.zero_grad()
        model(input_ids=tokens, labels=tokens).loss.backward()
        step.step()
    model.save_pretrained(folder / "adapter")
    effects = {}
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and name.endswith("_proj"):
            product = module.lora_B["default"].weight @ module.lora_A["default"].weight
            effects[name] = float(product.norm() * 1.5 / module.base_layer.weight.norm())
    return folder / "base", folder / "adapter", effects


def compared(old: Path, new: Path) -> Difference:
    return modlint.diff(old, new, run_rules=False)


def test_each_module_is_measured_as_torch_measures_it(
    saved: tuple[Path, Path, dict[str, float]],
) -> None:
    base, adapter, effects = saved
    found = compared(base, adapter)
    assert found.relation is Relation.ADAPTER
    assert not found.regressions
    effects = {name.removeprefix("base_model.model."): effect for name, effect in effects.items()}
    assert {m.module for m in found.adapter} == effects.keys()
    for module in found.adapter:
        assert module.effect == pytest.approx(effects[module.module], rel=1e-4)
        assert (module.rank, module.scale) == (4, 1.5)
        assert module.target == f"{module.module}.weight"


def test_either_may_be_old(saved: tuple[Path, Path, dict[str, float]]) -> None:
    base, adapter, _ = saved
    assert compared(adapter, base).adapter == compared(base, adapter).adapter


def test_a_base_of_another_size_does_not_fit(
    saved: tuple[Path, Path, dict[str, float]], tmp_path: Path
) -> None:
    llama(32).save_pretrained(tmp_path)
    found = compared(tmp_path, saved[1])
    assert found.exit_code == 1
    assert all("the base has (" in (m.problem or "") for m in found.adapter)


def test_a_base_without_the_modules_does_not_fit(
    saved: tuple[Path, Path, dict[str, float]], tmp_path: Path
) -> None:
    config = GPT2Config(n_embd=32, n_layer=2, n_head=2, vocab_size=64, n_positions=16)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    found = compared(tmp_path, saved[1])
    assert {m.problem for m in found.adapter} == {"the base has no such weight"}
    assert found.exit_code == 1


def test_an_adapter_that_was_never_trained_changes_nothing(tmp_path: Path) -> None:
    base = llama()
    base.save_pretrained(tmp_path / "base")
    get_peft_model(base, LoraConfig(r=4, target_modules=TARGETS)).save_pretrained(tmp_path / "a")
    found = compared(tmp_path / "base", tmp_path / "a")
    (regression,) = found.regressions
    assert (regression.kind, regression.severity) == ("adapter", "warning")
    assert {module.effect for module in found.adapter} == {0.0}
    assert found.exit_code == 0


def test_weights_that_are_kept_transposed_fit(tmp_path: Path) -> None:
    config = GPT2Config(n_embd=32, n_layer=2, n_head=2, vocab_size=64, n_positions=16)
    base = GPT2LMHeadModel(config)
    base.save_pretrained(tmp_path / "base")
    lora = LoraConfig(r=4, target_modules=["c_attn"], fan_in_fan_out=True, init_lora_weights=False)
    get_peft_model(base, lora).save_pretrained(tmp_path / "a")
    found = compared(tmp_path / "base", tmp_path / "a")
    assert not found.regressions
    assert all(module.effect for module in found.adapter)


def test_a_missing_factor_is_named(
    saved: tuple[Path, Path, dict[str, float]], tmp_path: Path
) -> None:
    state = load_file(saved[1] / "adapter_model.safetensors")
    lost = next(name for name in state if "lora_B" in name)
    del state[lost]
    save_file(state, tmp_path / "adapter_model.safetensors")
    found = compared(saved[0], tmp_path)
    assert next(m.problem for m in found.adapter) == "one of its two factors is missing"
    assert "the scale is taken as 1" in found.notes[0]


def test_names_of_kohya(saved: tuple[Path, Path, dict[str, float]], tmp_path: Path) -> None:
    state, alpha = {}, torch.tensor(6.0)
    for name, value in load_file(saved[1] / "adapter_model.safetensors").items():
        module, _, which = name.removeprefix("base_model.model.").partition(".lora_")
        flat = "lora_te_" + module.replace(".", "_")
        state[f"{flat}.lora_{'down' if which.startswith('A') else 'up'}.weight"] = value
        state[f"{flat}.alpha"] = alpha.clone()
    save_file(state, tmp_path / "lora.safetensors")
    found = compared(saved[0], tmp_path / "lora.safetensors")
    assert not found.regressions
    expected = sorted(saved[2].values())
    assert sorted(m.effect or 0 for m in found.adapter) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "config", [{"lora_alpha": "six"}, {"lora_alpha": True}, {"alpha_pattern": [1]}, {"r": {}}]
)
def test_a_configuration_of_the_wrong_types(
    config: dict[str, object], saved: tuple[Path, Path, dict[str, float]], tmp_path: Path
) -> None:
    state = load_file(saved[1] / "adapter_model.safetensors")
    save_file(state, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    assert compared(saved[0], tmp_path).relation is Relation.ADAPTER
