"""`modlint init --plugin`: a distribution whose rule, page and test work as they are written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from modlint.cli import main
from modlint.cli.plugin_template import plugin_files

ROOT = Path(__file__).resolve().parents[2]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*command: str | Path, site: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    places = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": places}
    arguments = [sys.executable, "-m", *command]
    return subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True)


def test_what_is_written_is_installed_listed_and_passes_its_test(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["init", "--plugin", "modlint-acme"]) == 0
    said = capsys.readouterr().out.splitlines()
    written = {str(Path("modlint-acme", path)) for path in plugin_files("modlint-acme")}
    assert set(said[: len(written)]) == written
    plugin, site = folder / "modlint-acme", tmp_path / "site"
    pip = ("pip", "install", "-qq", "--no-deps", "--no-build-isolation", "--target", site, plugin)
    done = run(*pip, site=site, cwd=folder)
    assert done.returncode == 0, done.stderr
    listed = run("modlint", "rules", site=site, cwd=folder)
    assert "ACM001" in listed.stdout
    page = run("modlint", "rule", "many-zeros", site=site, cwd=folder).stdout
    assert page.startswith("ACM001 many-zeros")
    tested = run("pytest", "-q", "-p", "no:cacheprovider", plugin / "tests", site=site, cwd=folder)
    assert "1 passed" in tested.stdout, tested.stdout + tested.stderr


def test_it_is_formatted(folder: Path) -> None:
    assert main(["init", "--plugin", "acme"]) == 0
    for command in (("format", "--check", "--line-length=100"), ("check", "--select=F,I,UP,B")):
        checked = run("ruff", *command, "--isolated", "acme", site=folder, cwd=folder)
        assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("name", "code"), [("modlint-acme", "ACM001"), ("ab", "ABX001"), ("x-42", "XXX001")]
)
def test_codes_come_from_the_last_word(name: str, code: str) -> None:
    files = plugin_files(name)
    assert f'code="{code}"' in files[f"{name.replace('-', '_')}/__init__.py"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Acme", "is no name"),
        ("../acme", "is no name"),
        ("", "is no name"),
        ("numpy", "is there already"),
        ("modlint-rules", "is there already"),
        ("there", "is there already"),
        ("my-numbers", "rules NUM exist"),
    ],
)
def test_names_that_would_clash_are_refused(
    name: str, said: str, folder: Path, capsys: Capture
) -> None:
    (folder / "there").mkdir()
    assert main(["init", "--plugin", name]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["there"]


def test_readme_shows_the_method_that_is_written() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- excerpt: modlint-acme/(.+?) -->\n\n```python\n(.*?)```", text, re.S)
    assert shown is not None
    assert shown[2] in plugin_files("modlint-acme")[shown[1]]
