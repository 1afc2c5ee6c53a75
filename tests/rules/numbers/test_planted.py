"""Faults of numbers planted into many models, and near misses: each found, and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from planted_settings import TIMES, TYPES, Plant, Plants, Setting, State, added, cases, found_in

WIDE = (torch.float32, torch.bfloat16)
SINGLE = (torch.float32,)


def on_target(change: Callable[[torch.Tensor], torch.Tensor]) -> Plant:
    """A change of one weight, in its own type."""

    def plant(state: State, setting: Setting) -> None:
        weight = state[setting.target]
        state[setting.target] = change(weight.double()).to(weight.dtype)

    return plant


def on_matrix(change: Callable[[torch.Tensor], torch.Tensor]) -> Plant:
    """A change of the largest matrix that is no table of positions."""

    def plant(state: State, setting: Setting) -> None:
        names = [n for n, t in state.items() if t.dim() == 2 and "position" not in n]
        names = [n for n in names if "wpe" not in n and "token_type" not in n]
        name = max(names, key=lambda n: state[n].numel())
        state[name] = change(state[name].double()).to(state[name].dtype)

    return plant


def on_all(change: Callable[[torch.Tensor], torch.Tensor], every: int = 1) -> Plant:
    """A change of each weight of two axes or more, or of every so many-th."""

    def plant(state: State, setting: Setting) -> None:
        names = [name for name, tensor in state.items() if tensor.dim() > 1]
        for name in names[::every]:
            state[name] = change(state[name]).to(state[name].dtype)

    return plant


def one(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(weight: torch.Tensor) -> torch.Tensor:
        weight.view(-1)[7] = value
        return weight

    return change


def share(part: float, value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """A part of the elements, spread over the whole, set to a value."""

    def change(weight: torch.Tensor) -> torch.Tensor:
        flat = weight.reshape(-1).clone()
        flat[torch.randperm(len(flat))[: int(part * len(flat))]] = value
        return flat.reshape(weight.shape)

    return change


def levels(number: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Rounded to so many evenly spaced values."""

    def change(weight: torch.Tensor) -> torch.Tensor:
        step = (weight.max() - weight.min()) / (number - 1)
        return ((weight - weight.min()) / step).round() * step + weight.min()

    return change


def scaled_signs(weight: torch.Tensor) -> torch.Tensor:
    """A sign for each element and a scale for each row."""
    rows = weight.reshape(len(weight), -1)
    return (rows.sign() * rows.abs().mean(1, keepdim=True)).reshape(weight.shape)


def one_wrong_scale(weight: torch.Tensor) -> torch.Tensor:
    weight = scaled_signs(weight)
    weight[3] *= 50
    return weight


def noisy_signs(weight: torch.Tensor) -> torch.Tensor:
    return weight.sign() * (1 + 0.1 * torch.randn_like(weight)) * 0.05


def same_rows(weight: torch.Tensor) -> torch.Tensor:
    return weight[:1].expand_as(weight).clone()


def same_rows_but_one(weight: torch.Tensor) -> torch.Tensor:
    weight = same_rows(weight)
    weight[5, 5] += 1
    return weight


def clipped(low: float, high: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """Cut at two quantiles."""

    def change(weight: torch.Tensor) -> torch.Tensor:
        ends = torch.tensor([low, high], dtype=weight.dtype)
        below, above = weight.flatten().quantile(ends).tolist()
        return weight.clamp(below, above)

    return change


def heavy(weight: torch.Tensor) -> torch.Tensor:
    """Student's t with three degrees of freedom, cut at its 2nd and 98th percentile."""
    drawn = torch.distributions.StudentT(3.0).sample(weight.shape).double()
    return clipped(0.02, 0.98)(drawn * 0.05)


def uniform(weight: torch.Tensor) -> torch.Tensor:
    return (torch.rand_like(weight) - 0.5) * 0.2


def saturated(weight: torch.Tensor) -> torch.Tensor:
    return torch.tanh(weight * 30)


def upcast(dtype: torch.dtype) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda weight: weight.to(dtype).float()


def pruned_upcast(weight: torch.Tensor) -> torch.Tensor:
    return share(0.9, 0.0)(weight.bfloat16().float())


def whole_numbers(weight: torch.Tensor) -> torch.Tensor:
    return (weight * 400).round().clamp(-127, 127)


def layers_times(factor: float, layers: int) -> Plant:
    """The target's role, scaled in so many layers."""

    def plant(state: State, setting: Setting) -> None:
        for layer in range(layers):
            number = 3 * layer if setting.model == "convolutions" else layer
            wrong = 6 if setting.model == "convolutions" else 2
            name = setting.target.replace(str(wrong), str(number), 1)
            state[name] = state[name] * factor

    return plant


def recast(which: Callable[[str, Setting], bool]) -> Plant:
    """Some tensors in another type than the rest."""

    def plant(state: State, setting: Setting) -> None:
        other = torch.float32 if setting.dtype != torch.float32 else torch.float16
        for name in state:
            if which(name, setting):
                state[name] = state[name].to(other)

    return plant


def is_role(name: str, setting: Setting) -> bool:
    digits = str.maketrans("", "", "0123456789")
    return name.translate(digits) == setting.target.translate(digits)


def positions(number: int) -> torch.Tensor:
    return torch.arange(number)[None]


def averaged(setting: Setting) -> torch.Tensor:
    """Positions as a weighted mean of three models leaves them, cut off to integers."""
    half = positions(77).half()
    return (half * 0.45 + half * 0.35 + half * 0.2).to(torch.int64)


POSITIONS, KINDS = "text.embeddings.position_ids", "text.embeddings.token_type_ids"
TABLE, RELATIVE = "text.embeddings.position_embedding.weight", "blocks.0.relative_position_index"


def relative(side: int) -> torch.Tensor:
    """Swin's index of relative positions in a square window."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    at = torch.stack([rows.flatten(), columns.flatten()])
    between = at[:, :, None] - at[:, None, :] + side - 1
    return between[0] * (2 * side - 1) + between[1]


PLANTED: Plants = {
    "overflows-half": (
        WIDE,
        {
            "one element too large": on_target(one(70_000.0)),
            "one element too small": on_target(one(-1e6)),
            "a bias too large": added(
                "head.bias", lambda s: torch.tensor([1.0, 1e5], dtype=s.dtype)
            ),
            "a fifth below": on_target(share(0.2, 1e-9)),
            "all below": on_target(lambda weight: weight * 1e-9),
        },
    ),
    "upcast-storage": (
        SINGLE,
        {
            "from bfloat16": on_all(upcast(torch.bfloat16)),
            "from float16": on_all(upcast(torch.float16)),
            "pruned, from bfloat16": on_all(pruned_upcast),
            "from float16, scaled by 2": on_all(lambda w: w.half().float() * 2),
        },
    ),
    "few-distinct-values": (
        TYPES,
        {
            "signs": on_target(torch.sign),
            "signs and zeros": on_target(lambda w: w.sign() * (w.abs() > 0.03)),
            "sixteen levels": on_target(levels(16)),
            "a scale for each row": on_target(scaled_signs),
            "a wrong scale": on_target(one_wrong_scale),
        },
    ),
    "constant-weight": (
        TYPES,
        {
            "one value": on_target(lambda w: torch.full_like(w, 0.2)),
            "ones": on_target(torch.ones_like),
            "a negative value": on_target(lambda w: torch.full_like(w, -3.0)),
            "equal rows": on_matrix(same_rows),
        },
    ),
    "broken-index-buffer": (
        TYPES,
        {
            "averaged positions": added(POSITIONS, averaged),
            "bfloat16 past 256": added(POSITIONS, lambda _: positions(512).bfloat16()),
            "float16 positions": added(POSITIONS, lambda _: positions(77).half()),
            "repeated": added(POSITIONS, lambda _: torch.tensor([[0, 1, 2, 2, 4]])),
            "negative kinds": added(KINDS, lambda _: torch.tensor([[0, -1, 0, 0]])),
            "rounded relative positions": added(RELATIVE, lambda _: relative(24).half()),
            "fractions": added(KINDS, lambda _: torch.tensor([0.0, 0.5, 1.0])),
        },
    ),
    "clipped-weights": (
        TYPES,
        {
            "two ends": on_target(clipped(0.02, 0.98)),
            "the upper end": on_target(clipped(0.0, 0.97)),
            "a fifth at each end": on_target(clipped(0.2, 0.8)),
            "heavy tails": on_target(heavy),
        },
    ),
    "unlike-its-siblings": (
        TYPES,
        {
            "ten times": on_target(lambda w: w * 10),
            "a twentieth": on_target(lambda w: w / 20),
            "a thousand times": on_target(lambda w: w * 1000),
            "moved": on_target(lambda w: w + 1),
        },
    ),
    "mixed-dtypes": (
        TYPES,
        {
            "one layer": recast(lambda name, s: name == s.target),
            "one layer and the norms": recast(lambda name, s: name == s.target or "norm" in name),
            "the first layers": recast(lambda name, s: is_role(name, s) and name <= s.target),
            "the last layers": recast(lambda name, s: is_role(name, s) and name >= s.target),
        },
    ),
}

NEAR: Plants = {
    "overflows-half": (
        TYPES,
        {
            "the largest of both types": on_target(one(65_280.0)),
            "a twentieth below": on_target(share(0.05, 1e-9)),
            "zeros": on_target(share(0.5, 0.0)),
            "a mask": added("attn.mask", lambda _: torch.full((8, 8), -1e9).triu(1)),
            "a mask without a name": added("1.add", lambda _: torch.full((8, 8), -3e38).triu(1)),
        },
    ),
    "upcast-storage": (
        SINGLE,
        {
            "none": on_all(lambda w: w),
            "nine tenths zeros": on_all(share(0.9, 0.0)),
            "whole numbers": on_all(whole_numbers),
            "signs": on_all(torch.sign),
            "a quarter of the layers": on_all(upcast(torch.bfloat16), every=4),
        },
    ),
    "few-distinct-values": (
        TYPES,
        {
            "none": on_all(lambda w: w),
            "forty levels": on_target(levels(40)),
            "signs of noisy magnitude": on_target(noisy_signs),
            "one value": on_target(torch.ones_like),
            "nine tenths zeros": on_target(share(0.9, 0.0)),
        },
    ),
    "constant-weight": (
        TYPES,
        {
            "zeros": on_target(torch.zeros_like),
            "one element differs": on_target(lambda w: one(0.3)(torch.full_like(w, 0.2))),
            "equal rows but one": on_matrix(same_rows_but_one),
            "a constant bias": added("head.bias", lambda s: torch.ones(300, dtype=s.dtype)),
            "a box filter": added("blur.kernel", lambda _: torch.full((64, 1, 3, 3), 1 / 9)),
        },
    ),
    "broken-index-buffer": (
        TYPES,
        {
            "positions": added(POSITIONS, lambda _: positions(77)),
            "from 2 on": added(POSITIONS, lambda _: positions(77) + 2),
            "int32": added(POSITIONS, lambda _: positions(512).int()),
            "kinds": added(KINDS, lambda _: torch.zeros(1, 64, dtype=torch.int64)),
            "relative positions": added(RELATIVE, lambda _: relative(7)),
            "another buffer": added("text.lengths", lambda _: torch.tensor([0.5, 0.5, 3.0])),
        },
    ),
    "clipped-weights": (
        TYPES,
        {
            "none": on_all(lambda w: w),
            "uniform": on_target(uniform),
            "256 levels": on_target(levels(200)),
            "cut at 0": on_target(torch.relu),
            "a thousandth": on_target(clipped(0.002, 0.998)),
            "tanh": on_target(saturated),
            "signs": on_target(torch.sign),
        },
    ),
    "unlike-its-siblings": (
        TYPES,
        {
            "three times": on_target(lambda w: w * 3),
            "all layers": layers_times(100, 5),
            "two of five": layers_times(30, 2),
            "zeros": on_target(torch.zeros_like),
        },
    ),
    "mixed-dtypes": (
        TYPES,
        {
            "one type": recast(lambda name, s: False),
            "norms": recast(lambda name, s: "norm" in name.lower() or "ln_" in name),
            "a whole role": recast(is_role),
            "biases": recast(lambda name, s: name.endswith("bias")),
        },
    ),
}


@pytest.mark.parametrize(("rule", "plant", "setting"), cases(PLANTED))
def test_a_planted_fault_is_found(
    rule: str, plant: Plant, setting: Setting, tmp_path: Path
) -> None:
    assert len(found_in(rule, plant, setting, tmp_path)) == 1


@pytest.mark.parametrize(("rule", "plant", "setting"), cases(NEAR))
def test_a_near_miss_is_no_finding(
    rule: str, plant: Plant, setting: Setting, tmp_path: Path
) -> None:
    assert found_in(rule, plant, setting, tmp_path) == []


@pytest.mark.parametrize("table", [PLANTED, NEAR])
def test_every_rule_meets_twenty_of_each(
    table: Plants,
) -> None:
    assert all(TIMES * len(plants) >= 20 for _, plants in table.values())
