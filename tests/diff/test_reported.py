"""Pairs of checkpoints that were reported, or written by exporters and quantisers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import modlint
from modlint.difference import Difference


def compared(shared: Path, old: str, new: str) -> Difference:
    folder = shared / "reports" / "practice"
    return modlint.diff(folder / old, folder / new, run_rules=False)


def test_tables_that_an_export_folded_away_are_named(shared: Path) -> None:
    found = compared(shared, "diff/bert.safetensors", "diff/bert_dynamo.onnx")
    assert (found.relation, found.exit_code) == ("converted", 1)
    (dropped,) = found.regressions
    assert dropped.tensors == (
        "embeddings.position_embeddings.weight",
        "embeddings.token_type_embeddings.weight",
    )


def test_a_weight_of_which_half_was_lost_is_named(shared: Path) -> None:
    found = compared(shared, "diff/bert.safetensors", "diff/bert_half_zero.onnx")
    assert (found.relation, found.exit_code) == ("converted", 1)
    (drifted,) = found.regressions
    assert drifted.tensors == ("encoder.layer.0.intermediate.dense.weight",)


def test_joined_heads_are_no_loss(shared: Path) -> None:
    found = compared(shared, "diff/llama.safetensors", "diff/llama_fused_qkv.safetensors")
    assert (found.relation, found.exit_code, found.regressions) == ("converted", 0, ())
    joined = [change for change in found.changes if change.new.endswith("qkv_proj.weight")]
    assert len(joined) == 9
    assert {change.kind for change in joined} == {"identical"}


def test_four_bits_are_told_with_their_error(shared: Path) -> None:
    found = compared(shared, "diff/w4a16_source.safetensors", "ct_w4a16_ok")
    assert (found.relation, found.exit_code) == ("quantised", 0)
    errors = [c.relative for c in found.changes if c.kind == "quantised"]
    assert len(errors) == 14
    assert all(error is not None and 0.05 < error < 0.2 for error in errors)


@pytest.mark.parametrize("healthy", [True, False])
def test_the_manifest(shared: Path, healthy: bool) -> None:
    folder = shared / "reports" / "practice"
    rows = json.loads((folder / "MANIFEST.json").read_text())
    pairs = [row for row in rows if row.get("kind") == "diff" and row["healthy"] is healthy]
    assert pairs
    for row in pairs:
        found = modlint.diff(folder / row["pair"], folder / row["check"])
        assert found.ok is healthy, (row["file"], found.regressions)
