"""`modlint diff` as users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support import modlint
from transformers import LlamaConfig, LlamaForCausalLM

import modlint as python
from modlint.difference import SCHEMA


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A file, and a cast of it with one tensor that drifts."""
    torch.manual_seed(0)
    state = {f"layers.{i}.weight": torch.randn(32, 32) for i in range(6)}
    save_file(state, tmp_path / "old.safetensors")
    cast = {name: value.half() for name, value in state.items()}
    cast["layers.3.weight"] += 0.5
    save_file(cast, tmp_path / "new.safetensors", metadata={"format": "pt"})
    return tmp_path / "old.safetensors", tmp_path / "new.safetensors"


def test_what_drifts_is_told_first_and_what_is_kept_counted(pair: tuple[Path, Path]) -> None:
    run = modlint("diff", "--isolated", *pair)
    assert run.returncode == 1
    assert "relation  cast: " in run.stdout
    assert "error     1 tensor differs where 5 others are kept: layers.3.weight" in run.stdout
    assert "kept      5 cast" in run.stdout
    assert run.stderr == ""


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ([], 1),
        (["--fail-on", "never"], 0),
        (["--exit-zero"], 0),
        (["--no-rules"], 1),
        (["--select", "NUM001"], 1),
    ],
)
def test_the_gate(pair: tuple[Path, Path], flags: list[str], code: int) -> None:
    assert modlint("diff", "--isolated", *flags, *pair).returncode == code


def test_one_file_beside_itself_passes(pair: tuple[Path, Path]) -> None:
    run = modlint("diff", "--isolated", pair[0], pair[0])
    assert run.returncode == 0
    assert "relation  identical: 6 tensors the same" in run.stdout


def test_lossless_refuses_a_fine_tune(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = {f"{i}.weight": torch.randn(32, 32) for i in range(3)}
    save_file(state, tmp_path / "old.safetensors")
    moved = {name: value + 0.01 * torch.randn(32, 32) for name, value in state.items()}
    save_file(moved, tmp_path / "new.safetensors")
    paths = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    assert modlint("diff", "--isolated", *paths).returncode == 0
    assert modlint("diff", "--isolated", "--lossless", *paths).returncode == 1


def test_json_is_the_documented_schema(pair: tuple[Path, Path]) -> None:
    run = modlint("diff", "--isolated", "--output-format", "json", *pair)
    document = json.loads(run.stdout)
    assert document["schema"] == SCHEMA == "modlint-diff/1"
    assert document["exit_code"] == run.returncode == 1
    kinds = [change["kind"] for change in document["changes"]]
    assert sorted(kinds) == ["cast"] * 5 + ["drifted"]
    page = Path(__file__).parents[2] / "docs" / "diff.md"
    text = page.read_text(encoding="utf-8")
    assert all(f"`{key}`" in text for key in document)
    assert all(f"`{key}`" in text for key in document["changes"][0])
    assert all(f"`{key}`" in text for key in document["regressions"][0])


def test_concise_is_a_line_for_each_regression(pair: tuple[Path, Path]) -> None:
    lines = modlint("diff", "--isolated", "--output-format", "concise", *pair).stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{pair[1]}: error 1 tensor differs")
    assert lines[1].endswith("1 error; exit code 1")


def test_folders_and_shards(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=64,
    )
    model = LlamaForCausalLM(config)
    model.save_pretrained(tmp_path / "whole")
    model.save_pretrained(tmp_path / "sharded", max_shard_size="80KB")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 1
    found = python.diff(tmp_path / "whole", tmp_path / "sharded")
    assert (found.relation, found.exit_code) == ("identical", 0)
    index = tmp_path / "sharded" / "model.safetensors.index.json"
    assert python.diff(index, tmp_path / "whole" / "model.safetensors").ok


def test_several_folders_are_one_model(tmp_path: Path) -> None:
    torch.manual_seed(0)
    for root in ("old", "new"):
        for part in ("unet", "vae"):
            (tmp_path / root / part).mkdir(parents=True)
    for part in ("unet", "vae"):
        state = {"conv.weight": torch.randn(16, 16, 3, 3)}
        for root in ("old", "new"):
            save_file(state, tmp_path / root / part / "diffusion_pytorch_model.safetensors")
    found = python.diff(tmp_path / "old", tmp_path / "new", run_rules=False)
    assert {c.new for c in found.changes} == {"unet.conv.weight", "vae.conv.weight"}
    assert found.relation == "identical"


def test_what_is_in_memory_is_compared(pair: tuple[Path, Path]) -> None:
    state = load_file(pair[0])
    found = python.diff(pair[0], state, run_rules=False)
    assert (found.relation, len(found.changes)) == ("identical", 6)
    assert found.to_dict()["schema"] == SCHEMA


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x80\x04\x95"])
def test_what_cannot_be_read_is_wrong_usage(
    content: bytes, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pt"
    broken.write_bytes(content)
    run = modlint("diff", "--isolated", pair[0], broken)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert str(broken) in run.stderr
    with pytest.raises(ValueError, match="broken"):
        python.diff(broken, pair[0])


def test_a_missing_file_is_wrong_usage(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert modlint("diff", "--isolated", pair[0], tmp_path / "nothing").returncode == 2
    with pytest.raises(FileNotFoundError):
        python.diff(pair[0], tmp_path / "nothing")
    with pytest.raises(TypeError, match="no setting"):
        python.diff(*pair, fail_one="error")


def test_names_of_tensors_drive_no_terminal(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = {f"{i}\x1b[2J\n.weight": torch.randn(32, 32) for i in range(3)}
    save_file(state, tmp_path / "old.safetensors")
    save_file({n: v + 1 for n, v in state.items()}, tmp_path / "new.safetensors")
    paths = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    for form in ("full", "concise", "json"):
        shown = modlint("diff", "--isolated", "--output-format", form, *paths).stdout
        assert "\x1b" not in shown
