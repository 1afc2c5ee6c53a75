"""The script that adds a rule: what it writes is whole, formatted, and passes its own cases."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "new_rule.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the parts of the repository that the script and the rules' tests need."""
    for folder in ("rules", "tests/rules"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    (tmp_path / "modlint").symlink_to(ROOT / "modlint")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, *map(str, command)]
    return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_new_rule_is_offered_with_its_page_and_is_formatted(tree: Path) -> None:
    added = run(SCRIPT, "NUM099", "too-round", "numbers are too round", "--root", tree, cwd=tree)
    assert added.returncode == 0, added.stderr
    assert len(added.stdout.split()) == 4
    offered = (
        "from modlint_rules.numbers import modlint_rules as hook;"
        "rules = {rule.code: rule for rule in hook()};"
        "print(*rules, rules['NUM099'].load().page().splitlines()[0])"
    )
    found = run("-c", f"import sys; sys.path.insert(0, 'rules'); {offered}", cwd=tree)
    assert "NUM001" in found.stdout, found.stderr
    assert found.stdout.endswith("NUM099 # NUM099 too-round\n")
    for command in (("format", "--check"), ("check",)):
        checked = run("-m", "ruff", *command, *added.stdout.split(), cwd=tree)
        assert checked.returncode == 0, checked.stdout


EMPTY = '''"""NEW: a family without rules."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference

RULES: tuple[RuleReference, ...] = ()
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
'''
UNIMPORTED = EMPTY.replace(": tuple[RuleReference, ...]", "").replace(
    "hookimpl\nfrom modlint.rule_reference import RuleReference",
    "hookimpl\nfrom modlint.verdict import (\n    Persona,\n)",
)


@pytest.mark.parametrize("plugin", [EMPTY, UNIMPORTED], ids=["empty and annotated", "bare"])
def test_rules_are_added_to_any_family(tree: Path, plugin: str) -> None:
    family = tree / "rules" / "modlint_rules" / "new_family"
    family.mkdir()
    (family / "__init__.py").write_text(plugin)
    for code, name in (("NEW001", "first-one"), ("NEW002", "second-one")):
        added = run(SCRIPT, code, name, "a summary", "--root", tree, cwd=tree)
        assert added.returncode == 0, added.stderr
    offered = "from modlint_rules.new_family import RULES; print(*(r.load().code for r in RULES))"
    found = run("-c", f"import sys; sys.path.insert(0, 'rules'); {offered}", cwd=tree)
    assert found.stdout == "NEW001 NEW002\n", found.stderr
    annotated = (family / "__init__.py").read_text().count("RULES: tuple[RuleReference, ...]")
    assert annotated == plugin.count("RULES: tuple[RuleReference, ...]")
    formatted = run("-m", "ruff", "format", "--check", family, cwd=tree)
    assert formatted.returncode == 0, formatted.stdout


@pytest.mark.parametrize(
    ("code", "name"), [("NUM001", "taken"), ("XYZ001", "no-family"), ("num9", "x"), ("NUM9", "X_y")]
)
def test_wrong_usage_changes_nothing(tree: Path, code: str, name: str) -> None:
    before = sorted(tree.rglob("*"))
    refused = run(SCRIPT, code, name, "a summary", "--root", tree, cwd=tree)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert sorted(tree.rglob("*")) == before
