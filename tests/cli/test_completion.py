"""`modlint completion`: the scripts complete in real shells."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modlint.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def bash(tmp_path: Path, capsys: Capture) -> Path:
    """A script for bash that completes the words it is given, the last one partly typed."""
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "completes"
    script.write_text(
        f"{capsys.readouterr().out}\n"
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shtab_modlint\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    return script


def completed(bash: Path, *words: str) -> set[str]:
    done = subprocess.run(
        ["bash", bash, "modlint", *words], cwd=bash.parent, capture_output=True, text=True
    )
    assert not done.stderr
    return set(done.stdout.split())


def test_commands_and_flags_are_completed(bash: Path) -> None:
    assert {"check", "clusters", "config", "completion"} <= completed(bash, "c")
    assert completed(bash, "che") == {"check"}
    assert {"--select", "--strict", "--seed"} <= completed(bash, "check", "--s")
    assert completed(bash, "check", "--fail-on", "n") == {"note", "never"}


def test_rules_and_formats_are_completed(bash: Path) -> None:
    assert {"NUM001", "NUM002"} <= completed(bash, "rule", "NUM")
    assert completed(bash, "check", "--output-format", "sa") == {"sarif"}


def test_files_are_completed(bash: Path) -> None:
    (bash.parent / "model.safetensors").touch()
    assert "model.safetensors" in completed(bash, "check", "mod")
    assert "model.safetensors" in completed(bash, "check", "--baseline-model", "mod")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_of_its_shell_s_syntax(shell: str, capsys: Capture) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "modlint" in script
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_shtab_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "shtab.py").write_text("raise ImportError('not here')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from modlint.cli import main\n"
    code += "sys.exit(main(['completion', 'bash']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert 'python -m pip install "modlint[completion]"' in done.stderr
