"""TRN003 and FMT017 on what PEFT writes: fresh adapters change nothing, trained ones are sound."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from rule_cases import verdicts
from safetensors.torch import load_file, save_file

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome

REGISTRY = load_registry()
NAME = "adapter_model.safetensors"
TARGETS = ["query", "value"]

METHODS: dict[str, dict[str, Any]] = {
    "Lora": {"r": 4},
    "Lora biases": {"r": 4, "bias": "lora_only"},
    "Lora all biases": {"r": 4, "bias": "all"},
    "Lora layers": {"r": 4, "layers_to_transform": [0, 2]},
    "Lora excluded": {"r": 4, "exclude_modules": ["layer.1.attention.self.query"]},
    "Lora heads": {"r": 4, "modules_to_save": ["classifier", "score"]},
    "LoHa": {"r": 4},
    "LoKr": {"r": 4},
    "IA3": {"feedforward_modules": []},
    "Vera": {"r": 8},
    "OFT": {"r": 0, "oft_block_size": 8},
    "AdaLora": {"init_r": 6, "target_r": 4, "total_step": 100},
    "RandLora": {"r": 4},
}


def adapter(folder: Path, method: str, trained: bool) -> Path:
    peft = pytest.importorskip("peft")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    settings = transformers.BertConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=4,
        num_attention_heads=2,
    )  # fmt: skip
    base = transformers.BertForSequenceClassification(settings)
    config = getattr(peft, f"{method.split()[0]}Config")
    model = peft.get_peft_model(base, config(target_modules=TARGETS, **METHODS[method]))
    for parameter in model.parameters():
        if trained and parameter.requires_grad:
            parameter.data += 0.05 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    return folder / NAME


def outcomes(path: Path) -> list[Outcome]:
    rules = ("no-op-adapter", "adapter-content")
    return [verdict.outcome for rule in rules for verdict in verdicts(path, REGISTRY, rule)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", METHODS)
def test_trained_adapters_are_sound_and_fresh_ones_are_not(method: str, tmp_path: Path) -> None:
    assert outcomes(adapter(tmp_path / "trained", method, True)) == [Outcome.PASS] * 2
    fresh = adapter(tmp_path / "fresh", method, False)
    (verdict,) = verdicts(fresh, REGISTRY, "no-op-adapter")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.values["fault"] in ("neutral", "zero-factor")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", ["LoHa", "LoKr", "IA3", "Vera", "OFT"])
@pytest.mark.parametrize("fault", ["adapter-name", "base-weight", "missing-target"])
def test_content_of_other_methods(method: str, fault: str, tmp_path: Path) -> None:
    path = adapter(tmp_path, method, True)
    state = load_file(path)
    if fault == "adapter-name":
        parts = r"(\.(hada|lokr|ia3|vera_lambda|oft)_\w+)"
        state = {re.sub(parts, r"\1.default", key): tensor for key, tensor in state.items()}
    elif fault == "base-weight":
        state["base_model.model.bert.encoder.layer.0.output.dense.weight"] = torch.ones(32, 64)
    else:
        state = {key: tensor for key, tensor in state.items() if ".value." not in key}
    save_file(state, path)
    found = [verdict.values.get("fault") for verdict in verdicts(path, REGISTRY, "adapter-content")]
    assert found == [fault]


@pytest.mark.filterwarnings("ignore")
def test_single_modules_that_adalora_pruned_are_healthy(tmp_path: Path) -> None:
    path = adapter(tmp_path, "AdaLora", True)
    state = load_file(path)
    pruned = next(key for key in state if key.endswith("lora_E"))
    state[pruned] = torch.zeros_like(state[pruned])
    save_file(state, path)
    assert outcomes(path) == [Outcome.PASS] * 2


@pytest.mark.filterwarnings("ignore")
def test_modules_of_layers_that_are_not_chosen(tmp_path: Path) -> None:
    path = adapter(tmp_path, "Lora", True)
    settings = path.with_name("adapter_config.json")
    settings.write_text(
        settings.read_text().replace('"layers_to_transform": null', '"layers_to_transform": [0]')
    )
    (verdict,) = verdicts(path, REGISTRY, "no-op-adapter")
    assert verdict.values == {"fault": "target", "count": 6}
