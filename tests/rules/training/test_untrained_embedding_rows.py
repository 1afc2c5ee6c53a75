"""TRN004 on planted faults and near misses: libraries' names, types, containers, ONNX."""

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

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome, Severity

REGISTRY = load_registry()
Change = Callable[[torch.Tensor], object]

TABLES = (
    "model.embed_tokens.weight",
    "transformer.wte.weight",
    "bert.embeddings.word_embeddings.weight",
    "tok_embeddings.weight",
    "shared.weight",
    "lm_head.weight",
    "gpt_neox.embed_in.weight",
    "encoder.embedding.weight",
)
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def special_zeros(table: torch.Tensor) -> None:
    table[-9:] = 0


def scattered_zeros(table: torch.Tensor) -> None:
    table[[3, 77, 150]] = 0


def pair(table: torch.Tensor) -> None:
    table[5] = table[9]


def averages(table: torch.Tensor) -> None:
    """As transformers resizes a table: new rows are drawn closely about the mean."""
    spread = table.float().std() * 1e-2
    table[-8:] = (table.float().mean(0) + spread * torch.randn(8, table.shape[1])).to(table.dtype)


POSITIVES = [
    (name, change, DTYPES[(i + j) % 3], FORMATS[(i + 2 * j) % 5], i)
    for i, name in enumerate(TABLES)
    for j, change in enumerate((special_zeros, scattered_zeros, pair, averages))
]


def made(name: str, dtype: torch.dtype, seed: int, rows: int = 1000) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    table = torch.randn(rows, 48) * torch.rand(rows, 1).add(0.5) + 0.3 * torch.randn(48)
    return {name: table.to(dtype), "layers.0.fc.weight": torch.randn(48, 48).to(dtype)}


@pytest.mark.parametrize(("name", "change", "dtype", "container", "seed"), POSITIVES)
def test_untrained_rows_are_found(
    name: str, change: Change, dtype: torch.dtype, container: str, seed: int, tmp_path: Path
) -> None:
    state = made(name, dtype, seed)
    change(state[name])
    (found,) = verdicts(save_as(state, tmp_path, container), REGISTRY, "untrained-embedding-rows")
    assert (found.outcome, found.severity) == (Outcome.FAIL, Severity.NOTE)
    assert found.target.name.endswith(name)


def padding(table: torch.Tensor) -> None:
    table[0] = 0


def few_averages(table: torch.Tensor) -> None:
    table[10:13] = table.float().mean(0).to(table.dtype) + 1e-3 * torch.arange(3)[:, None]


def small_rows(table: torch.Tensor) -> None:
    """Rare tokens: short rows, as weight decay leaves them, far from the mean all the same."""
    table[:50] *= 0.5


def alike(table: torch.Tensor) -> None:
    table[7] = table[8] * 1.02


NEAR_MISSES = [
    (name, change, DTYPES[(i + j) % 3], FORMATS[(i + 2 * j) % 5], i)
    for i, name in enumerate(TABLES)
    for j, change in enumerate((padding, few_averages, small_rows, alike))
]


@pytest.mark.parametrize(("name", "change", "dtype", "container", "seed"), NEAR_MISSES)
def test_trained_rows_pass(
    name: str, change: Change, dtype: torch.dtype, container: str, seed: int, tmp_path: Path
) -> None:
    state = made(name, dtype, seed)
    change(state[name])
    (found,) = verdicts(save_as(state, tmp_path, container), REGISTRY, "untrained-embedding-rows")
    assert found.outcome is Outcome.PASS, found.message


@pytest.mark.parametrize("tied", [True, False])
def test_a_head_that_is_the_table_is_told_once(tied: bool, tmp_path: Path) -> None:
    state = made("model.embed_tokens.weight", torch.float32, 0)
    table = state["model.embed_tokens.weight"]
    special_zeros(table)
    state["lm_head.weight"] = table if tied else table.clone()
    torch.save(state, tmp_path / "model.pt")
    found = verdicts(tmp_path / "model.pt", REGISTRY, "untrained-embedding-rows")
    assert len(found) == (1 if tied else 2)


@pytest.mark.parametrize(("axis", "outcome"), [(0, Outcome.FAIL), (1, Outcome.NOT_APPLICABLE)])
def test_what_an_onnx_node_gathers_rows_of_is_a_table(
    axis: int, outcome: Outcome, tmp_path: Path
) -> None:
    table = np.random.default_rng(0).normal(size=(96, 80)).astype(np.float32)
    table[4:9] = 0
    operands = [numpy_helper.from_array(table, "onnx::Gather_12")]
    ends = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, [3]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
    ]
    node = helper.make_node("Gather", ["onnx::Gather_12", "ids"], ["y"], axis=axis)
    made = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], operands))
    onnx.save(made, tmp_path / "model.onnx")
    (found,) = verdicts(tmp_path / "model.onnx", REGISTRY, "untrained-embedding-rows")
    assert found.outcome is outcome
