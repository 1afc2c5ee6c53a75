"""Ranks and structures planted into many models, and near misses: each found, and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from planted_settings import TYPES, Plant, Plants, Setting, State, cases, found_in
from torch import Tensor

Change = Callable[[Tensor], Tensor]
FINE = (torch.float32,)


def on_target(change: Change) -> Plant:
    """A change of one weight, as a matrix of its first axis by all others."""

    def plant(state: State, setting: Setting) -> None:
        weight = state[setting.target]
        changed = change(weight.double().reshape(len(weight), -1))
        state[setting.target] = changed.reshape(weight.shape).to(weight.dtype)

    return plant


def on_square(change: Change) -> Plant:
    """A further layer, 48 × 48."""

    def plant(state: State, setting: Setting) -> None:
        weight = torch.randn(48, 48, dtype=torch.float64) * 0.05
        state["further.weight"] = change(weight).to(setting.dtype)

    return plant


def rank(share: float) -> Change:
    """The nearest matrix of a share of the rank."""

    def change(weight: Tensor) -> Tensor:
        u, s, v = torch.linalg.svd(weight, full_matrices=False)
        kept = max(1, int(share * len(s)))
        return (u[:, :kept] * s[:kept]) @ v[:kept]

    return change


def copied(rows: int) -> Change:
    def change(weight: Tensor) -> Tensor:
        weight[1 : rows + 1] = weight[0]
        return weight

    return change


def dead(weight: Tensor) -> Tensor:
    weight[::4] = 0
    return weight


def spiked(size: float) -> Change:
    """One direction so many times as large as the largest."""

    def change(weight: Tensor) -> Tensor:
        u, s, v = torch.linalg.svd(weight, full_matrices=False)
        return weight + size * s[0] * torch.outer(u[:, 0], v[0])

    return change


def decayed(power: float) -> Change:
    """Singular values that fall by a power of their place."""

    def change(weight: Tensor) -> Tensor:
        u, s, v = torch.linalg.svd(weight, full_matrices=False)
        return (u * s[0] * torch.arange(1.0, len(s) + 1) ** -power) @ v

    return change


def noisy(make: Change, noise: float) -> Change:
    """With noise, relative to the norm."""

    def change(weight: Tensor) -> Tensor:
        made = make(weight)
        error = torch.randn_like(made)
        return made + noise * error * made.norm() / error.norm()

    return change


def circulant(weight: Tensor) -> Tensor:
    places = torch.arange(len(weight))
    return weight[0][(places - places[:, None]) % len(weight)]


def toeplitz(weight: Tensor) -> Tensor:
    rows, columns = weight.shape
    diagonals = weight.flatten()[: rows + columns - 1]
    return diagonals[torch.arange(columns) - torch.arange(rows)[:, None] + rows - 1]


def blocks(count: int) -> Change:
    def change(weight: Tensor) -> Tensor:
        size = len(weight) // count
        return torch.block_diag(*weight[:, :size].split(size))

    return change


def tiled(weight: Tensor) -> Tensor:
    return weight[: len(weight) // 4].repeat(4, 1)


def banded(weight: Tensor) -> Tensor:
    """Not zero near the diagonal alone: no block of it."""
    return weight.tril(6).triu(-6)


PLANTED: Plants = {
    "rank-deficient": (
        TYPES,
        {
            "half of the rank": on_target(rank(0.5)),
            "a tenth of the rank": on_target(rank(0.1)),
            "a third of the rank, square": on_square(rank(0.33)),
            "copied rows, square": on_square(copied(30)),
        },
    ),
    "low-effective-rank": (
        FINE,
        {
            "one direction, 500 times": on_square(spiked(500)),
            "a tenfold larger one": on_square(spiked(5000)),
            "a fast decay": on_square(decayed(3)),
            "of the target": on_target(spiked(3000)),
        },
    ),
    "compressible-structure": (
        TYPES,
        {
            "circulant": on_square(circulant),
            "Toeplitz with noise": on_square(noisy(toeplitz, 0.01)),
            "three blocks": on_square(blocks(3)),
            "repeated": on_square(tiled),
            "low rank": on_square(rank(0.12)),
        },
    ),
}

NEAR: Plants = {
    "rank-deficient": (
        TYPES,
        {
            "as drawn": on_target(lambda w: w),
            "square": on_square(lambda w: w),
            "dead rows": on_square(dead),
            "a large direction": on_target(spiked(8)),
            "rows that sum to zero": on_square(lambda w: w - w.mean(0)),
        },
    ),
    "low-effective-rank": (
        TYPES,
        {
            "as drawn": on_square(lambda w: w),
            "a large direction": on_square(spiked(8)),
            "a slow decay": on_square(decayed(1)),
            "of the target": on_target(spiked(5)),
        },
    ),
    "compressible-structure": (
        TYPES,
        {
            "as drawn": on_square(lambda w: w),
            "circulant with noise": on_square(noisy(circulant, 0.06)),
            "a band": on_square(banded),
            "blocks and a little beside": on_square(noisy(blocks(3), 0.06)),
            "a rank of half": on_square(rank(0.5)),
        },
    ),
}


@pytest.mark.parametrize(("rule", "plant", "setting"), cases(PLANTED))
def test_what_is_planted_is_found(
    rule: str, plant: Plant, setting: Setting, tmp_path: Path
) -> None:
    found = found_in(rule, plant, setting, tmp_path)
    assert len(found) == 1, found


@pytest.mark.parametrize(("rule", "plant", "setting"), cases(NEAR))
def test_near_misses_are_not(rule: str, plant: Plant, setting: Setting, tmp_path: Path) -> None:
    assert not found_in(rule, plant, setting, tmp_path)
