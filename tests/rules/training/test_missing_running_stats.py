"""TRN007 on planted faults and near misses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rule_cases import verdicts
from saved_as import FORMATS, save_as
from torch import nn

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome

REGISTRY = load_registry()
State = dict[str, torch.Tensor]


class Block(nn.Module):
    def __init__(self, width: int, normal: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3)
        setattr(self, f"{normal}1", nn.BatchNorm2d(width))
        self.conv2 = nn.Conv2d(width, width, 3)
        setattr(self, f"{normal}2", nn.BatchNorm2d(width))


def residual(width: int) -> nn.Module:
    stem = {"conv1": nn.Conv2d(3, width, 3), "bn1": nn.BatchNorm2d(width)}
    stages = {f"layer{i}": nn.Sequential(*(Block(width, "bn") for _ in range(2))) for i in (1, 2)}
    return nn.ModuleDict(stem | stages | {"fc": nn.Linear(width, 10)})


def normed(width: int) -> nn.Module:
    return nn.ModuleList(Block(width, "norm") for _ in range(3))


def plain(width: int) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(4):
        layers += [nn.Conv2d(width, width, 3), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers)


def speech(width: int) -> nn.Module:
    return nn.ModuleDict(
        {
            f"encoder_{i}": nn.ModuleDict(
                {"conv": nn.Conv1d(width, width, 3), "batch_norm": nn.BatchNorm1d(width)}
            )
            for i in range(3)
        }
    )


BUILDS = (residual, normed, plain, speech)


def dropped(state: State, which: int, *ends: str) -> State:
    """Without some statistics of one batch norm."""
    modules = [name.removesuffix(".running_var") for name in state if name.endswith("running_var")]
    module = modules[which % len(modules)]
    return {n: t for n, t in state.items() if n not in {f"{module}.{end}" for end in ends}}


BOTH = ("running_mean", "running_var", "num_batches_tracked")
ENDS = (BOTH, BOTH[:2], BOTH[:1], BOTH[1:2])
POSITIVES = [
    (build, which, ends, FORMATS[(i + which + j) % 5])
    for i, build in enumerate(BUILDS)
    for j, ends in enumerate(ENDS)
    for which in (1, 2)
]


@pytest.mark.parametrize(("build", "which", "ends", "container"), POSITIVES)
def test_a_batch_norm_without_statistics_is_found(
    build: Callable[[int], nn.Module],
    which: int,
    ends: tuple[str, ...],
    container: str,
    tmp_path: Path,
) -> None:
    state = dropped(build(8).state_dict(), which, *ends)
    path = save_as(state, tmp_path, container)
    (found,) = verdicts(path, REGISTRY, "missing-running-stats")
    assert found.outcome is Outcome.FAIL
    module = found.target.name.removeprefix("state_dict.")
    assert f"{module}.weight" in state
    assert not all(f"{module}.{end}" in state for end in BOTH[:2])


def hybrid(width: int) -> nn.Module:
    """Batch norms, then layer norms, group norms and instance norms of other names."""
    parts = {"stem": residual(width), "norm": nn.LayerNorm(width)}
    blocks = nn.ModuleList(nn.ModuleDict({"norm1": nn.LayerNorm(width)}) for _ in range(3))
    extra = {"group_norm": nn.GroupNorm(2, width), "ins": nn.InstanceNorm2d(width, affine=True)}
    return nn.ModuleDict(parts | {"blocks": blocks} | extra)


def sequence(width: int) -> nn.Module:
    """A sequence in which layer norms have numbers as the batch norm does."""
    body = [nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.Flatten(), nn.LayerNorm(width)]
    return nn.Sequential(*body, nn.Linear(width, width), nn.LayerNorm(width))


def untracked(width: int) -> nn.Module:
    """No batch norm tracks anything."""
    layers = [nn.Conv2d(3, width, 3), nn.BatchNorm2d(width, track_running_stats=False)]
    return nn.Sequential(*layers)


def shuffled(width: int) -> nn.Module:
    """Layer norms beside batch norms under one pattern of names, the batch norms fewer."""
    norms = [nn.LayerNorm(width), nn.BatchNorm1d(width), nn.LayerNorm(width), nn.LayerNorm(width)]
    return nn.ModuleList(nn.ModuleDict({"norm": norm}) for norm in norms)


def without_count(width: int) -> nn.Module:
    network = residual(width)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked = None
    return network


HEALTHY = (residual, normed, plain, speech, hybrid, sequence, untracked, without_count)


@pytest.mark.parametrize("container", ["pt", "section", "safetensors"])
@pytest.mark.parametrize("build", HEALTHY)
def test_what_is_whole_passes(
    build: Callable[[int], nn.Module], container: str, tmp_path: Path
) -> None:
    path = save_as(build(8).state_dict(), tmp_path, container)
    (found,) = verdicts(path, REGISTRY, "missing-running-stats")
    absent = build is untracked
    assert found.outcome is (Outcome.NOT_APPLICABLE if absent else Outcome.PASS)


def test_layer_norms_under_the_names_of_batch_norms_are_none(tmp_path: Path) -> None:
    path = save_as(shuffled(8).state_dict(), tmp_path, "pt")
    (found,) = verdicts(path, REGISTRY, "missing-running-stats")
    assert found.outcome is Outcome.PASS
