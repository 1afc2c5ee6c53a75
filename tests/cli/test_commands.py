"""The other commands, and what they must not import."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support import modlint

from modlint.cli import main

Capture = pytest.CaptureFixture[str]
HEAVY = {"torch", "onnx", "scipy", "numpy", "rich", "sklearn", "matplotlib"}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["check", "--help"], ["clusters", "--help"], ["rules"], ["rule", "NEU001"]],
)
def test_help_and_catalogue_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from modlint.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('\\n', *sys.modules, file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert run.stdout
    heavy = HEAVY - {"rich"} if arguments[0] == "rule" else HEAVY  # it draws the page
    assert not heavy & {name.partition(".")[0] for name in run.stderr.split()}


def test_rules_lists_every_rule(capsys: Capture) -> None:
    assert main(["rules"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert max(map(len, printed)) <= 80
    lines = [line for line in printed if not line.startswith(" ")]
    assert any(line.startswith("CLU001  not-clusterable") for line in lines)
    assert main(["rules", "--output-format", "json"]) == 0
    assert [rule["code"] for rule in json.loads(capsys.readouterr().out)] == sorted(
        line.split()[0] for line in lines
    )


def test_rule_prints_its_page(capsys: Capture) -> None:
    for selector in ("NEU001", "neu001", "dead-neurons"):
        assert main(["rule", selector]) == 0
        assert "dead-neurons" in capsys.readouterr().out.splitlines()[0]


def test_a_page_is_drawn_as_wide_as_the_terminal(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in (50, 100):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(["rule", "CLU001"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert columns - 12 < max(map(len, lines)) <= columns
        assert not any("**" in line or "`" in line or line.startswith("#") for line in lines)


def test_help_shows_the_usage_of_a_command(capsys: Capture) -> None:
    for arguments, usage in ((["help"], "usage: modlint"), (["help", "rule"], "modlint rule")):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
        assert usage in capsys.readouterr().out


def test_an_unknown_rule_names_the_nearest(capsys: Capture) -> None:
    assert main(["rule", "NEU02"]) == 2
    assert "did you mean `NEU002`?" in capsys.readouterr().err


def test_config_prints_toml_that_configures_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "modlint.toml").write_text(
        'ignore = ["NUM"]\n[rules.not-clusterable]\nmax-z = -2.0\nseverity = "error"\n'
        '[per-file-ignores]\n"a b/**" = ["CLU"]\n'
        '[[networks]]\nfiles = "*.pt"\nactivation = "relu"\n'
    )
    assert main(["config"]) == 0
    printed = capsys.readouterr().out
    table = tomllib.loads(printed)["tool"]["modlint"]
    assert table["ignore"] == ["NUM"]
    assert table["rules"]["not-clusterable"]["max-z"] == -2.0
    assert table["rules"]["not-clusterable"]["severity"] == "error"
    assert str(tmp_path / "modlint.toml") in printed
    (tmp_path / "modlint.toml").unlink()
    (tmp_path / "pyproject.toml").write_text(printed)
    assert main(["config"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["tool"]["modlint"] == table


def test_plugins_lists_what_is_loaded(capsys: Capture) -> None:
    assert main(["plugins"]) == 0
    out = capsys.readouterr().out
    for name in ("modlint_plugins.readers", "torch-zip", "tensor-statistics", "CLU001", "concise"):
        assert name in out


def test_inspect_as_text_and_json(healthy: Path, capsys: Capture) -> None:
    assert main(["inspect", str(healthy)]) == 0
    text = capsys.readouterr().out
    assert "torch-zip" in text
    assert "0.weight" in text
    assert main(["inspect", str(healthy), "--output-format", "json"]) == 0
    contents = json.loads(capsys.readouterr().out)
    weight = contents["tensors"][0]
    assert weight["name"] == "0.weight"
    assert weight["dtype"] == "float32"
    assert weight["shape"] == [16, 8]
    assert weight["bytes"] == 512
    data = healthy.read_bytes()[weight["offset"] : weight["offset"] + 512]
    import torch

    expected = torch.load(healthy, weights_only=True)["0.weight"]
    assert torch.equal(torch.frombuffer(bytearray(data), dtype=torch.float32), expected.flatten())
    (network,) = contents["networks"]
    assert [layer["name"] for layer in network["layers"]] == ["0", "2"]
    assert network["layers"][1]["inputs"] == ["0"]


def test_inspect_of_what_is_not_there(tmp_path: Path, capsys: Capture) -> None:
    assert main(["inspect", str(tmp_path / "nowhere.pt")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_inspect_of_a_broken_file(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "zero.pt"
    path.write_bytes(b"PK\x03\x04 not a zip")
    main(["inspect", str(path)])
    assert "Traceback" not in capsys.readouterr().err


def test_inspect_of_what_is_no_checkpoint(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing to see\n" * 50)
    assert main(["inspect", str(path)]) == 1
    assert "not-a-checkpoint" in capsys.readouterr().out


def test_inspect_survives_what_json_cannot_hold(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "c.pt"
    torch.save({"state_dict": {"w": torch.ones(2)}, "c": 1 + 2j, "inf": float("inf")}, path)
    run = modlint("inspect", path, "--output-format", "json")
    assert json.loads(run.stdout)["metadata"]["c"] == "(1+2j)"


@pytest.mark.parametrize("arguments", [["rule", "CLU001"], ["rules"], ["config"], ["plugins"]])
def test_a_narrow_encoding_is_no_obstacle(arguments: list[str]) -> None:
    run = modlint(*arguments, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert run.returncode == 0
    assert run.stderr == ""


def test_version_and_bare_call() -> None:
    assert modlint("--version").stdout.startswith("modlint ")
    bare = modlint()
    assert bare.returncode == 2
    assert "usage: modlint" in bare.stderr


def test_inspect_as_json_drives_no_terminal(tmp_path: Path, capsys: Capture) -> None:
    import torch
    from safetensors.torch import save_file

    name = "\x1b[31mred\u202e\u009b0m"
    save_file({name: torch.ones(2)}, tmp_path / "model.safetensors")
    path = str(tmp_path / "model.safetensors")
    assert main(["inspect", path, "--output-format", "json"]) == 0
    text = capsys.readouterr().out
    assert json.loads(text)["tensors"][0]["name"] == name
    assert all(c.isprintable() or c == "\n" for c in text)
