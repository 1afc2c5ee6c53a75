"""Weights stored twice in many models, and near misses: each found, and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from planted_settings import TYPES, Plant, Plants, Setting, State, cases, found_in


def embedding(setting: Setting) -> torch.Tensor:
    torch.manual_seed(setting.seed)
    return (torch.randn(700, 64) * 0.05).to(setting.dtype)


def second(
    name: str, change: Callable[[torch.Tensor], torch.Tensor], of: str = "emb.weight"
) -> Plant:
    """An embedding, and a second tensor that is made of it."""

    def plant(state: State, setting: Setting) -> None:
        state[of] = embedding(setting)
        state[name] = change(state[of].clone())

    return plant


def one_off(weight: torch.Tensor) -> torch.Tensor:
    weight[321, 12] *= 2
    return weight


PLANTED: Plants = {
    "tied-stored-twice": (
        TYPES,
        {
            "a tied head": second("lm_head.weight", lambda w: w),
            "a tied head, transposed": second("lm_head.weight", lambda w: w.T),
            "another name": second("decoder.out.weight", lambda w: w),
            "a kernel of one place": second("proj.weight", lambda w: w.reshape(350, 128, 1, 1)),
        },
    )
}

NEAR: Plants = {
    "tied-stored-twice": (
        TYPES,
        {
            "one element differs": second("lm_head.weight", one_off),
            "one element of the transpose differs": second(
                "lm_head.weight", lambda w: one_off(w).T
            ),
            "rows in another order": second("lm_head.weight", lambda w: w.flip(0)),
            "the negative": second("lm_head.weight", torch.neg),
            "a target network": second("target.emb.weight", lambda w: w),
            "a repeated layer": second("tower.2.weight", lambda w: w, of="tower.1.weight"),
            "masks": second("b.weight", torch.ones_like, of="a.weight"),
        },
    )
}


@pytest.mark.parametrize(("rule", "plant", "setting"), cases(PLANTED))
def test_a_copy_is_found(rule: str, plant: Plant, setting: Setting, tmp_path: Path) -> None:
    assert len(found_in(rule, plant, setting, tmp_path)) == 1


@pytest.mark.parametrize(("rule", "plant", "setting"), cases(NEAR))
def test_what_only_looks_like_one(
    rule: str, plant: Plant, setting: Setting, tmp_path: Path
) -> None:
    assert found_in(rule, plant, setting, tmp_path) == []
