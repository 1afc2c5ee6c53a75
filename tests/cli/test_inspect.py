"""`modlint inspect`: folders, secrets, long names, and metadata beside tensors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from modlint.cli import main
from modlint.secret_texts import masked

Capture = pytest.CaptureFixture[str]
TOKEN = "hf_" + "aB3" * 12
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"


def inspect(capsys: Capture, path: Path, *flags: str) -> tuple[int, str]:
    code = main(["inspect", str(path), *flags])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("flags", [(), ("--output-format", "json")])
def test_secrets_are_masked(tmp_path: Path, capsys: Capture, flags: tuple[str, ...]) -> None:
    metadata = {
        "user": f"token {TOKEN}.",
        f"key {TOKEN}": "x",
        "pem": f"{PEM} and more",
        "long": "-" * 190 + TOKEN,
    }
    save_file({"w": torch.ones(2)}, tmp_path / "model.safetensors", metadata)
    _, text = inspect(capsys, tmp_path / "model.safetensors", *flags)
    assert TOKEN[:8] not in text
    assert "MIIEow" not in text
    assert text.count("hf_a…") >= 3
    assert "and more" in text


def test_a_text_without_secrets_is_left_as_it_is() -> None:
    text = "sk-learn, hf_hub, https://example.org/a:b, -----BEGIN CERTIFICATE-----"
    assert masked(text) == text
    assert masked(f"{PEM}; {PEM}") == "----…; ----…"
    assert masked(f"{TOKEN} {TOKEN}") == "hf_a… hf_a…"


def test_long_names_leave_the_columns_alone(tmp_path: Path, capsys: Capture) -> None:
    names = ("short", "n" * 60, "a.very.long.name." * 8)
    tensors = {name: torch.ones(2, 3) for name in names}
    tensors["wide"] = torch.ones(1, 1, 2, 1, 1, 1, 1, 1, 1)
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    _, text = inspect(capsys, tmp_path / "model.safetensors")
    table = text[text.index("\ntensors\n") : text.index("\nmetadata\n")].splitlines()[2:]
    rows = [line for line in table if "float32" in line]
    assert len(rows) == 4
    assert len({line.index("float32") for line in rows}) == 1
    assert len({len(line) for line in rows}) == 1
    assert f"  {names[2]}" in table


def test_metadata_beside_tensors_is_shown(tmp_path: Path, capsys: Capture) -> None:
    content = {
        "w": torch.ones(2),
        "epoch": 3,
        "callbacks": {"best_model_path": "best.ckpt", "score": torch.tensor(0.5)},
    }
    torch.save(content, tmp_path / "model.ckpt")
    _, text = inspect(capsys, tmp_path / "model.ckpt")
    assert "epoch = 3" in text
    assert "callbacks.best_model_path = best.ckpt" in text


def test_what_modules_keep_for_themselves_is_no_metadata(tmp_path: Path, capsys: Capture) -> None:
    torch.save({"net": torch.nn.Linear(2, 3), "epoch": 3}, tmp_path / "model.pt")
    _, text = inspect(capsys, tmp_path / "model.pt")
    assert "epoch = 3" in text
    assert "in_features" not in text


def test_a_folder_is_its_files(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.safetensors", "sub/a.safetensors"):
        save_file({"w": torch.ones(2)}, tmp_path / name)
    (tmp_path / "notes.md").write_text("nothing")
    code, text = inspect(capsys, tmp_path)
    assert code == 0
    assert text.count("  safetensors, ") == 2
    code, text = inspect(capsys, tmp_path, "--output-format", "json")
    folder = json.loads(text)
    assert folder["path"] == str(tmp_path)
    assert [Path(file["path"]).name for file in folder["files"]] == [
        "b.safetensors",
        "a.safetensors",
    ]
    assert [tensor["name"] for tensor in folder["files"][0]["tensors"]] == ["w"]


def test_an_unreadable_file_in_a_folder_shows_in_the_exit_code(
    tmp_path: Path, capsys: Capture
) -> None:
    save_file({"w": torch.ones(2)}, tmp_path / "whole.safetensors")
    (tmp_path / "zero.pt").write_bytes(b"PK\x03\x04 not a zip")
    code, text = inspect(capsys, tmp_path)
    assert code == 1
    assert "whole.safetensors" in text
    assert "zero.pt" in text


def test_an_empty_folder(tmp_path: Path, capsys: Capture) -> None:
    code, text = inspect(capsys, tmp_path)
    assert code == 0
    assert "holds no checkpoint" in text
