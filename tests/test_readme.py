"""README's recipes work as written; that its outputs are true, `make lint` checks."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from modlint.cli.parser import build_parser
from modlint.cli.settings import configuration
from modlint.engine.registry import load_registry
from modlint.settings.rule_settings import instantiate
from modlint.settings.select import validate_selectors

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = PAGES[0].read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"^\$ modlint ([^|#\n]+)", README, re.MULTILINE)))
OF_A_PLUGIN = [command for command in COMMANDS if "--select ACM" in command]
"""Run by tests/newcomer, where it is installed."""


def test_the_python_recipe_prints_what_is_shown() -> None:
    program = re.search(
        r"<!-- python -->\n\n```python\n(.*?)```\n\n```text\n(.*?)```", README, re.S
    )
    assert program is not None
    code, shown = program.groups()
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == shown.splitlines()
    assert "NUM001" in shown


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in OF_A_PLUGIN])
def test_commands_are_well_formed(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    arguments = build_parser().parse_args(shlex.split(command))
    if arguments.module == "check":
        settings = configuration(arguments).settings
        rules = load_registry().rules
        validate_selectors(settings, rules)
        failures: list[str] = []
        instantiate(rules, settings, failures)
        assert not failures


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
