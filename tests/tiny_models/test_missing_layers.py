"""FMT015 over architectures: whole models are silent, and each layer that one loses is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rule_cases import verdicts

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome
from tiny_models.faults import tensors_of, without_layer
from tiny_models.tiny_transformers import MODELS, reworded, saved

REGISTRY = load_registry()
RULE = "missing-layers"
SHARED_LAYERS = {"albert"}
"""Architectures whose layers share their weights: the file holds one of them."""
OTHER_STAGES = {"convnext"}
"""Architectures whose stages the configuration does not count."""
STACKED = [name for name in MODELS if name not in SHARED_LAYERS | OTHER_STAGES]
SEQUENCES: dict[str, Callable[[], torch.nn.Module]] = {
    "activations between": lambda: torch.nn.Sequential(
        *(m for _ in range(4) for m in (torch.nn.Linear(4, 4), torch.nn.ReLU()))
    ),
    "pooling at times": lambda: torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Conv2d(4, 4, 3),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(4, 4, 3),
        torch.nn.BatchNorm2d(4),
    ),
    "blocks and pooling": lambda: torch.nn.Sequential(
        *(torch.nn.MaxPool2d(2) if i in (2, 5, 6) else block() for i in range(9))
    ),
    "encoder": lambda: torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(8, 2, 16), 4, enable_nested_tensor=False
    ),
    "of unequal depth": lambda: torch.nn.ModuleDict(
        {
            "small": torch.nn.ModuleList(block() for _ in range(2)),
            "large": torch.nn.ModuleList(block() for _ in range(7)),
        }
    ),
}


def block() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Conv2d(3, 3, 3), torch.nn.BatchNorm2d(3))


class Features(torch.nn.Module):
    """A network whose modules lie under a name of NAMES."""

    def __init__(self, stack: str, modules: torch.nn.Module) -> None:
        super().__init__()
        self.stem = torch.nn.Linear(4, 4)
        self.add_module(stack, modules)


def findings(path: Path) -> list[str]:
    return [v.message for v in verdicts(path, REGISTRY, RULE) if v.outcome is Outcome.FAIL]


@pytest.mark.parametrize("shards", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_a_whole_model_is_silent(name: str, shards: bool, tmp_path: Path) -> None:
    (verdict,) = verdicts(saved(name, shards=shards)(tmp_path), REGISTRY, RULE)
    expected = Outcome.PASS if name in STACKED else Outcome.NOT_APPLICABLE
    assert verdict.outcome is expected, verdict


@pytest.mark.parametrize("place", [0, 1, -1])
@pytest.mark.parametrize("name", STACKED)
def test_a_layer_that_is_lost_is_named(name: str, place: int, tmp_path: Path) -> None:
    (found,) = findings(without_layer(saved(name, pickled=place == 1)(tmp_path), place))
    assert "config.json states" in found
    assert " and lacks " in found


@pytest.mark.parametrize("name", ["llama", "gpt2", "bert", "rwkv", "vit", "opt", "mixtral"])
def test_a_gap_is_named_where_no_configuration_stands_beside(name: str, tmp_path: Path) -> None:
    path = saved(name)(tmp_path)
    every = tensors_of(path)
    stack = next(n for n in every if ".1." in n).partition(".1.")[0]
    kept = {n: t for n, t in every.items() if not n.startswith(f"{stack}.1.")}
    kept |= {n.replace(f"{stack}.0.", f"{stack}.{i}."): t for n, t in kept.items() for i in (3, 4)}
    (tmp_path / "alone").mkdir()
    torch.save(kept, tmp_path / "alone" / "model.pt")
    (found,) = findings(tmp_path / "alone" / "model.pt")
    assert f"{stack} holds layers 0, 2–4 and lacks 1" in found


@pytest.mark.parametrize("stack", ["layers", "blocks", "net", "features"])
@pytest.mark.parametrize("kind", SEQUENCES)
def test_modules_that_are_no_stack_of_layers_are_silent(
    kind: str, stack: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.pt"
    torch.save(Features(stack, SEQUENCES[kind]()).state_dict(), path)
    assert findings(path) == []


@pytest.mark.parametrize("extra", [0, 1])
def test_a_layer_that_predicts_further_tokens_is_healthy(extra: int, tmp_path: Path) -> None:
    """It lies past the last, as DeepSeek-V3 has it."""
    path = saved("llama")(tmp_path)
    reworded(
        path,
        lambda c: c.update(num_hidden_layers=2, num_nextn_predict_layers=extra or None),
    )
    if not extra:
        assert json.loads((tmp_path / "config.json").read_text())["num_hidden_layers"] == 2
    assert findings(path) == []


@pytest.mark.parametrize(
    ("present", "absent"),
    [
        ("mp_rank_00_model_states.pt mp_rank_02_model_states.pt", "1"),
        ("rank_0.pt rank_1.pt rank_3.pt", "2"),
        ("pytorch_model_fsdp_rank0.bin pytorch_model_fsdp_rank2.bin", "1"),
        ("consolidated.00.pth consolidated.02.pth", "1"),
        ("model_world_size_4_rank_0.pt model_world_size_4_rank_2.pt", "1, 3"),
        ("bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt", ""),
        (
            "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt"
            " bf16_zero_pp_rank_1_mp_rank_01_optim_states.pt",
            "0_1, 1_0",
        ),
        ("pytorch_model-00002-of-00003.bin", "1, 3"),
        ("tf_rank_0.pt", ""),
        ("lora_rank_4.pt lora_rank_16.pt", ""),
        ("checkpoint-100.pt checkpoint-300.pt", ""),
        ("rank_0.pt rank_1.pt rank_2.pt", ""),
        ("model_rank_0.pt other_rank_2.pt", ""),
        ("__0_0.distcp __0_1.distcp __2_0.distcp", "1"),
        ("__0_0.distcp __1_0.distcp", ""),
        ("a-00001-of-00002.pt b-00002-of-00002.pt", None),
    ],
)
def test_files_of_ranks(present: str, absent: str | None, tmp_path: Path) -> None:
    for name in present.split():
        torch.save({"w": torch.ones(4, 4)}, tmp_path / name)
    found = [message for name in present.split() for message in findings(tmp_path / name)]
    if absent is None:
        assert len(found) == len(present.split())
        return
    assert len(found) == bool(absent)
    assert all(f"absent: {absent};" in message for message in found)


@pytest.mark.parametrize(("world", "absent"), [(1, ""), (2, ""), (4, "2, 3")])
def test_a_state_of_deepspeed_says_how_many_ranks_there_are(
    world: object, absent: str, tmp_path: Path
) -> None:
    for rank in (0, 1):
        state = {"module": {"w": torch.ones(4, 4)}, "mp_world_size": world, "dp_world_size": 1}
        torch.save(state, tmp_path / f"mp_rank_{rank:02}_model_states.pt")
    found = findings(tmp_path / "mp_rank_00_model_states.pt")
    assert len(found) == bool(absent)
    assert all(f"absent: {absent};" in message for message in found)


def test_a_grid_of_folders(tmp_path: Path) -> None:
    """Of tensor- and pipeline-parallel ranks."""
    for name in ("mp_rank_00_000", "mp_rank_00_001", "mp_rank_01_000", "mp_rank_00"):
        (tmp_path / name).mkdir()
        torch.save({"w": torch.ones(4, 4)}, tmp_path / name / "model_optim_rng.pt")
    (found,) = findings(tmp_path / "mp_rank_00_000" / "model_optim_rng.pt")
    assert "absent: 1_1;" in found
    assert findings(tmp_path / "mp_rank_00" / "model_optim_rng.pt") == []
