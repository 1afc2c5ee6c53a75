"""A report of both tests: of the published one, and of modules beyond unit strengths."""

from __future__ import annotations

from pathlib import Path

import torch
from hand_built import planted_weights, random_weights
from rule_cases import verdicts

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome

QUICK = {"clusters": 10, "shuffles": 19}


def _outcomes(folder: Path, first: torch.Tensor, second: torch.Tensor) -> list[Outcome]:
    """Of CLU001 and CLU007, on a network of one hidden layer."""
    torch.save({"0.weight": first, "1.weight": second}, folder / "m.pt")
    registry = load_registry()
    asked = (("not-clusterable", QUICK), ("no-modules", {"shuffles": 19}))
    return [verdicts(folder / "m.pt", registry, *each)[0].outcome for each in asked]


def test_blocks_within_one_layer_are_clusters_and_no_modules(tmp_path: Path) -> None:
    """Better clusters than shuffled weights; no modules beyond unit strengths."""
    (first,) = random_weights(0, 100, 100)
    (second,) = planted_weights(1, 10, 100, 100)
    assert _outcomes(tmp_path, first, second) == [Outcome.PASS, Outcome.FAIL]


def test_blocks_through_two_layers_are_both(tmp_path: Path) -> None:
    first, second = planted_weights(0, 10, 100, 100, 100)
    assert _outcomes(tmp_path, first, second) == [Outcome.PASS, Outcome.PASS]
