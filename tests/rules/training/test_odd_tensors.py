"""Rules that read elements bear any: the ends of the range, no elements, one value, any strides."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rule_cases import verdicts

from modlint.engine.registry import load_registry

REGISTRY = load_registry()
CODES = ("TRN001", "TRN002", "TRN004", "TRN007", "NEU005", "STR002")


def odd() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    large = torch.rand(130, 130, dtype=torch.float64) * 1e308
    state = {
        "large.weight": large,
        "small.weight": large * 1e-320 * 1e-300,
        "mixed.weight": torch.where(large > 5e307, large, 0.0),
        "infinite.weight": torch.where(large > 5e307, torch.inf, large),
        "nan.weight": torch.full((130, 130), torch.nan),
        "one.weight": torch.full((130, 130), 1e300, dtype=torch.float64),
        "none.weight": torch.zeros(0, 130),
        "no_columns.weight": torch.zeros(130, 0),
        "line.weight": torch.rand(20_000, 1),
        "row.weight": torch.rand(1, 20_000),
        "seen.weight": torch.rand(1, 130).expand(130, 130),
        "turned.weight": torch.rand(300, 200).T,
        "deep.weight": torch.rand(2, 3, 4, 5, 6, 7, 2),
        "embed_tokens.weight": large,
        "wte.weight": torch.where(large > 5e307, torch.inf, large),
        "bn.running_mean": torch.tensor(0.0),
        "bn.running_var": torch.zeros(0),
        "bn.weight": torch.ones(3, 3),
        "bn.num_batches_tracked": torch.zeros(0, dtype=torch.int64),
    }
    return state | {f"half.{n}": t.half() for n, t in state.items() if t.dtype == torch.float64}


@pytest.mark.parametrize("code", CODES)
def test_no_tensor_makes_a_rule_fail(code: str, tmp_path: Path) -> None:
    torch.save(odd(), tmp_path / "model.pt")
    found = verdicts(tmp_path / "model.pt", REGISTRY, REGISTRY.rules[code].name)
    assert found
    assert not any("internal error" in (verdict.reason or "") for verdict in found)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", sorted(odd()))
def test_nor_does_any_alone(code: str, name: str, tmp_path: Path) -> None:
    torch.save({name: odd()[name]}, tmp_path / "model.pt")
    found = verdicts(tmp_path / "model.pt", REGISTRY, REGISTRY.rules[code].name)
    assert found
    assert not any("internal error" in (verdict.reason or "") for verdict in found)
