"""Folders as transformers 4 and hubs write them, and files beside a model that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from rule_cases import verdicts
from safetensors.torch import save_file

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome
from tiny_models.tiny_transformers import reworded, saved

REGISTRY = load_registry()
RULES = ("config-mismatch", "missing-layers")
Change = Callable[[dict[str, Any]], None]


def outcomes(path: Path) -> list[Outcome]:
    return [v.outcome for rule in RULES for v in verdicts(path, REGISTRY, rule)]


def older(config: dict[str, Any]) -> None:
    """As before version 5: another key for the type, no word on ties that are the default."""
    config["torch_dtype"] = config.pop("dtype")
    config.pop("tie_word_embeddings", None)


def flat(config: dict[str, Any]) -> None:
    """The text model's configuration in the document itself, as of Qwen2-VL on the hub."""
    text = config.pop("text_config")
    config.update({key: value for key, value in text.items() if key not in config})


def brief(config: dict[str, Any]) -> None:
    """A text model of which all that is default is left out, as of LLaVA on the hub."""
    kept = ("model_type", "vocab_size", "max_position_embeddings")
    config["text_config"] = {key: config["text_config"][key] for key in kept}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *((n, older) for n in ("llama", "gpt2", "bert", "t5", "whisper", "gemma", "opt", "vit")),
        ("qwen2_vl", flat),
        ("llava", brief),
    ],
)
def test_an_older_configuration_is_understood(name: str, change: Change, tmp_path: Path) -> None:
    assert outcomes(reworded(saved(name)(tmp_path), change)) == [Outcome.PASS] * 2


def test_a_fault_is_found_in_a_flat_configuration(tmp_path: Path) -> None:
    def fewer(config: dict[str, Any]) -> None:
        flat(config)
        config["num_hidden_layers"] = 4

    path = reworded(saved("qwen2_vl")(tmp_path), fewer)
    assert outcomes(path) == [Outcome.FAIL] * 2


@pytest.mark.parametrize("name", ["optimizer.pt", "training_args.bin", "scheduler.pt", "rng.pth"])
def test_other_files_in_the_folder_are_not_judged(name: str, tmp_path: Path) -> None:
    saved("llama")(tmp_path)
    torch.save({"a": torch.ones(3)}, tmp_path / name)
    assert outcomes(tmp_path / name) == [Outcome.NOT_APPLICABLE] * 2


def test_an_adapter_beside_a_model_is_not_judged(tmp_path: Path) -> None:
    saved("llama")(tmp_path)
    names = [f"base.layers.{i}.self_attn.q_proj.lora_A.weight" for i in (0, 2, 3)]
    path = tmp_path / "adapter_model.safetensors"
    save_file({name: torch.ones(4, 48) for name in names}, path)
    assert outcomes(path) == [Outcome.NOT_APPLICABLE] * 2


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"in_features": 4, "out_features": 4}, "model.safetensors"),
        ({"_class_name": "UNet2DConditionModel"}, "diffusion_pytorch_model.safetensors"),
        ({"architecture": "resnet18", "num_classes": 10}, "model.safetensors"),
    ],
)
def test_configurations_of_other_libraries_do_not_apply(
    config: dict[str, Any], name: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file({"linear.weight": torch.ones(4, 4)}, tmp_path / name)
    assert outcomes(tmp_path / name) == [Outcome.NOT_APPLICABLE] * 2
