"""Shards that are checked along with their index: their tensors are judged once, with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support import no_progress
from transformers import BertConfig, BertModel

from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.report import Report
from modlint.settings.config import Configuration, Settings
from modlint.verdict import Outcome


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sharded model, one of whose tensors holds NaN."""
    folder = tmp_path_factory.mktemp("sharded")
    config = BertConfig(
        vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64,
    )  # fmt: skip
    model = BertModel(config)
    with torch.no_grad():
        model.encoder.layer[1].output.dense.weight[3, 4] = float("nan")
    model.save_pretrained(folder, max_shard_size="40KB")
    return folder


def checked(*paths: Path) -> Report:
    registry: Registry = load_registry()
    settings = Settings(select=("NUM001", "FMT001", "SEC"), device="cpu")
    return check(paths, Configuration(settings, None, paths[0].parent), registry, no_progress)


def test_what_is_wrong_with_a_tensor_is_said_once_and_with_the_index(folder: Path) -> None:
    report = checked(folder)
    found = [(Path(f.path).name, v) for f in report.files for v in f.findings]
    ((name, verdict),) = found
    assert name == "model.safetensors.index.json"
    assert verdict.target.name == "encoder.layer.1.output.dense.weight"
    shards = [file for file in report.files if file.path.endswith(".safetensors")]
    assert len(shards) > 3
    assert {v.rule for shard in shards for v in shard.verdicts} >= {"FMT001", "SEC001", "SEC006"}
    assert not any(v.rule == "NUM001" for shard in shards for v in shard.verdicts)


def test_reports_keep_the_order_of_the_files(folder: Path) -> None:
    names = [Path(file.path).name for file in checked(folder).files]
    assert names == sorted(names)


def test_a_shard_that_is_named_alone_is_judged_by_every_rule(folder: Path) -> None:
    shards = sorted(folder.glob("*.safetensors"))
    outcomes = [
        verdict.outcome
        for file in checked(*shards).files
        for verdict in file.verdicts
        if verdict.rule == "NUM001"
    ]
    assert sorted(outcomes) == [Outcome.FAIL] + [Outcome.PASS] * (len(shards) - 1)
