"""TRN002 on planted faults and near misses: architectures, types, containers, names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from rule_cases import verdicts
from saved_as import FORMATS, save_as
from torch import nn

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome, Severity

REGISTRY = load_registry()
State = dict[str, torch.Tensor]


def conv(width: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.ReLU())


def dense(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(5, width), nn.BatchNorm1d(width), nn.ReLU())


def named(width: int) -> nn.Module:
    return nn.ModuleDict({"conv1": nn.Conv1d(3, width, 3), "bn1": nn.BatchNorm1d(width)})


def plain(width: int) -> nn.Module:
    return nn.ModuleDict({"norm": nn.BatchNorm2d(width, affine=False), "c": nn.Conv2d(width, 9, 3)})


def trained(build: Callable[[int], nn.Module], seed: int, dtype: torch.dtype) -> State:
    """A network whose norms hold statistics of data, and factors that training moved."""
    torch.manual_seed(seed)
    network = build(16 + seed)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_()
            module.running_var.uniform_(0.1, 2)
            module.num_batches_tracked.fill_(100 + seed)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias)
    return {n: t.to(dtype) if t.is_floating_point() else t for n, t in network.state_dict().items()}


def ending(state: State, end: str) -> str:
    return next(name for name in state if name.endswith(end))


def never_updated(state: State) -> None:
    state[ending(state, "running_mean")].zero_()
    state[ending(state, "running_var")].fill_(1)


def no_batches(state: State) -> None:
    state[ending(state, "num_batches_tracked")].zero_()


def never_loaded(state: State) -> None:
    never_updated(state)
    no_batches(state)


def below_zero(state: State) -> None:
    state[ending(state, "running_var")][3] = -1e-3


def infinite(state: State) -> None:
    state[ending(state, "running_var")][0] = torch.inf


def dead_channel(state: State) -> None:
    state[ending(state, "running_var")][3] = 0
    state[ending(state, "running_mean")][3] = 0


def almost_fresh(state: State) -> None:
    never_updated(state)
    state[ending(state, "running_var")][5] = 1.5


def folded(state: State) -> None:
    """Its factors moved into the convolution: nothing is left of the norm."""
    never_loaded(state)
    state[ending(state, "1.weight" if "1.weight" in state else "bn1.weight")].fill_(1)
    state[ending(state, "1.bias" if "1.bias" in state else "bn1.bias")].zero_()


DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
BUILDS = (conv, dense, named)
POSITIVES = [
    (build, fault, DTYPES[(i + j) % 4], FORMATS[(i + 2 * j) % 5], seed)
    for i, build in enumerate(BUILDS)
    for j, fault in enumerate((never_updated, never_loaded, below_zero, infinite))
    for seed in (1, 2)
]
POSITIVES += [(plain, fault, torch.float32, "pt", 3) for fault in (never_updated, below_zero)]
NEAR_MISSES = [
    (build, change, DTYPES[(i + j) % 4], FORMATS[(i + 2 * j) % 5], seed)
    for i, build in enumerate(BUILDS)
    for j, change in enumerate((no_batches, dead_channel, almost_fresh, folded))
    for seed in (1, 2)
]
NEAR_MISSES += [(plain, never_loaded, torch.float32, "pt", 3)]


@pytest.mark.parametrize(("build", "fault", "dtype", "container", "seed"), POSITIVES)
def test_a_planted_fault_is_found_and_nothing_else(
    build: Callable[[int], nn.Module],
    fault: Callable[[State], None],
    dtype: torch.dtype,
    container: str,
    seed: int,
    tmp_path: Path,
) -> None:
    state = trained(build, seed, dtype)
    fault(state)
    path = save_as(state, tmp_path, container)
    (found,) = verdicts(path, REGISTRY, "batch-norm-statistics")
    impossible = fault in (below_zero, infinite)
    assert found.outcome is Outcome.FAIL
    assert found.severity is (Severity.ERROR if impossible else Severity.WARNING)
    assert found.target.name.endswith("running_var")


@pytest.mark.parametrize(("build", "change", "dtype", "container", "seed"), NEAR_MISSES)
def test_what_is_healthy_passes(
    build: Callable[[int], nn.Module],
    change: Callable[[State], None],
    dtype: torch.dtype,
    container: str,
    seed: int,
    tmp_path: Path,
) -> None:
    state = trained(build, seed, dtype)
    change(state)
    path = save_as(state, tmp_path, container)
    (found,) = verdicts(path, REGISTRY, "batch-norm-statistics")
    assert found.outcome is Outcome.PASS


def graph(folder: Path, mean: float, variance: float, names: tuple[str, ...]) -> Path:
    """An ONNX model with a BatchNormalization whose operands have any names."""
    rng = np.random.default_rng(0)
    values = (rng.uniform(0.5, 1.5, 4), rng.normal(size=4), np.full(4, mean), np.full(4, variance))
    operands = [
        numpy_helper.from_array(value.astype(np.float32), name)
        for value, name in zip(values, names, strict=True)
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4, 2, 2]) for n in "xy"]
    node = helper.make_node("BatchNormalization", ["x", *names], ["y"], name="norm")
    made = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], operands))
    onnx.save(made, folder / "model.onnx")
    return folder / "model.onnx"


ONNX_NAMES = (("s", "b", "m", "v"), ("bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"))


@pytest.mark.parametrize("names", ONNX_NAMES)
@pytest.mark.parametrize(
    ("mean", "variance", "outcome"),
    [(0, 1, Outcome.FAIL), (0, -1, Outcome.FAIL), (0, 2, Outcome.PASS), (0.5, 1, Outcome.PASS)],
)
def test_operands_of_a_node(
    mean: float, variance: float, outcome: Outcome, names: tuple[str, ...], tmp_path: Path
) -> None:
    path = graph(tmp_path, mean, variance, names)
    (found,) = verdicts(path, REGISTRY, "batch-norm-statistics")
    assert found.outcome is outcome


@pytest.mark.parametrize("names", [("moving_mean", "moving_variance"), ("_mean", "_variance")])
def test_names_of_other_frameworks(names: tuple[str, str], tmp_path: Path) -> None:
    mean, variance = (f"block.bn.{name}" for name in names)
    state = {
        "block.bn.gamma" if "moving" in mean else "block.bn.weight": torch.rand(8),
        mean: torch.zeros(8),
        variance: torch.ones(8),
    }
    (found,) = verdicts(save_as(state, tmp_path, "pt"), REGISTRY, "batch-norm-statistics")
    assert (found.outcome, found.target.name) == (Outcome.FAIL, variance)
