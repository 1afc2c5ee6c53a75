"""NUM006 on parts and configurations that nobody writes: it never fails, and always ends."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import quantised_files as files
import torch
from rule_cases import verdicts

from modlint.engine.registry import Registry, load_registry

_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 1 << 70, 1e308, "", "gptq", "re:(", "*", [], [1], ["x"], [[]], {},
    {"bits": 4}, {"weights": 3}, [None, {}], "re:(.*)*x", ["re:(.*)*x"], {"a": {"weights": []}},
)  # fmt: skip
_TYPES = (torch.float32, torch.uint8, torch.int8, torch.int32, torch.int64, torch.bool)
_SHAPES = ((), (0,), (1,), (3,), (1, 1), (0, 5), (2, 7), (64, 1), (2, 3, 4), (1, 1, 1, 1, 1))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def spoil(value: Any, chance: random.Random) -> Any:
    """A document some values of which are of another type."""
    if chance.random() < 0.25:
        return chance.choice(_ODD)
    if isinstance(value, dict):
        return {key: spoil(own, chance) for key, own in value.items()}
    return [spoil(own, chance) for own in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("scheme", files.SCHEMES)
def test_odd_parts(scheme: str, seed: int, tmp_path: Path, registry: Registry) -> None:
    chance = random.Random(f"{scheme} {seed}")
    made = files.made(scheme)
    made.config = spoil(made.config or {"quant_method": "gptq"}, chance)
    made.beside = {name: spoil(document, chance) for name, document in made.beside.items()}
    for name in list(made.tensors):
        kind = chance.choice(_TYPES)
        draw = chance.random()
        if draw < 0.1:
            del made.tensors[name]
        elif draw < 0.3:
            made.tensors[name] = torch.ones(chance.choice(_SHAPES)).to(kind)
        elif draw < 0.4:
            made.tensors[name] = made.tensors[name].float().nan_to_num().to(kind)
    found = verdicts(made.write(tmp_path), registry, "quantisation-contract")
    assert found
    assert not any("internal error" in verdict.message for verdict in found)


def test_many_entries_and_many_weights_take_little_time(tmp_path: Path, registry: Registry) -> None:
    made = files.w8a8()
    assert made.config is not None
    experts = [f"model.layers.0.experts.{i}.up_proj" for i in range(2000)]
    made.config["ignore"] = [f"model.layers.9.experts.{i}.up_proj" for i in range(5000)]
    made.config["ignore"] += [f"re:.*layers.{i}.(a|b)*$" for i in range(3)]
    for name in experts:
        made.tensors[f"{name}.weight"] = torch.ones(2, 16, dtype=torch.int8)
        made.tensors[f"{name}.weight_scale"] = torch.ones(2, 1)
    (verdict,) = verdicts(made.write(tmp_path), registry, "quantisation-contract")
    assert verdict.values["weights"] == 2006
