"""Adds a rule with all its parts: module, page, cases, and its place in the family.

    python scripts/new_rule.py NUM007 constant-tensor "a weight holds one value only"

The family is the package whose rules share the code's letters. What is written judges each tensor
by its statistics, runs, and passes its own cases at once; what it measures is then yours to write.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from modlint.cli.plugin_template import OPTIONS_IMPORT, PAGE, REFERENCE, RULE, words_of_rule

ROOT = Path(__file__).resolve().parent.parent

SOURCE = "where the check comes from: a paper with section, a specification"

_RULES = re.compile(r"^(?P<name>RULES(?:: [^=\n]+)?) = \((?P<rules>[^)]*)\)", re.MULTILINE)
_IMPORTS = {
    "modlint.rule_reference": {"RuleReference"},
    "modlint.verdict": {"Cost", "Severity"},
}

CASES = '''"""Cases of {code}."""

from __future__ import annotations

from pathlib import Path

import torch
from rule_cases import Case, Expected


def healthy(folder: Path) -> Path:
    torch.save({{"w": torch.ones(2, 2)}}, folder / "model.pt")
    return folder / "model.pt"


def broken(folder: Path) -> Path:
    torch.save({{"w": torch.zeros(2, 2)}}, folder / "model.pt")
    return folder / "model.pt"


CASES = (
    Case("say what passes", healthy, (Expected("pass"),)),
    Case("say what fails", broken, (Expected("fail", "warning"),)),
)
'''


def main() -> None:
    """Write the files and say which."""
    parser = argparse.ArgumentParser(description="Adds a rule with all its parts.")
    parser.add_argument("code", help="three letters and three digits, unused so far")
    parser.add_argument("name", help="what is wrong, in kebab case")
    parser.add_argument("summary", help="one line for `modlint rules`")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not re.fullmatch(r"[A-Z]{3}[0-9]{3}", arguments.code):
        parser.error(f"{arguments.code} is not three letters and three digits")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", arguments.name):
        parser.error(f"{arguments.name} is not in kebab case")
    family = _family(arguments.root, arguments.code)
    if family is None:
        parser.error(f"no family has rules {arguments.code[:3]}, or {arguments.code} exists")
    for path in add_rule(arguments.root, family, arguments.code, arguments.name, arguments.summary):
        sys.stdout.write(f"{path.relative_to(arguments.root)}\n")


def add_rule(root: Path, family: str, code: str, name: str, summary: str) -> list[Path]:
    """Write a rule's parts and name it in its family; the paths written or changed."""
    words = words_of_rule(code, name, summary, SOURCE, f"modlint_rules.{family}")
    words |= {"before": f"{OPTIONS_IMPORT}\n", "after": ""}
    package = root / "rules" / "modlint_rules" / family
    parts = {
        package / f"{words['module']}.py": RULE,
        package / f"{words['module']}.md": PAGE,
        root / "tests" / "rules" / family / f"{words['module']}.py": CASES,
    }
    for path, template in parts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.format(**words), encoding="utf-8")
    plugin = package / "__init__.py"
    text = plugin.read_text(encoding="utf-8")
    plugin.write_text(_registered(text, words), encoding="utf-8")
    return [*parts, plugin]


def _family(root: Path, code: str) -> str | None:
    """The family whose rules share the code's letters; None too where the code is taken."""
    for plugin in sorted((root / "rules" / "modlint_rules").glob("*/__init__.py")):
        text = plugin.read_text("utf-8")
        if text.startswith(f'"""{code[:3]}:'):
            return None if f'code="{code}"' in text else plugin.parent.name
    return None


def _registered(text: str, words: Mapping[str, str]) -> str:
    """The family's plugin with a reference to the rule."""
    listed = _RULES.search(text)
    if listed is None:
        raise SystemExit("the family's __init__.py lists no RULES")
    rules = [name for name in re.split(r"[\s,]+", listed["rules"]) if name]
    lines = "".join(f"    {name},\n" for name in (*rules, words["constant"]))
    before, after = text[: listed.start()], text[listed.end() :]
    for module, names in _IMPORTS.items():
        before = _importing(before, module, names)
    return f"{before}{REFERENCE.format(**words)}\n{listed['name']} = (\n{lines}){after}"


def _importing(text: str, module: str, names: set[str]) -> str:
    """The text with these names imported, from a module that it may import from already."""
    line = re.compile(rf"^from {re.escape(module)} import (\([^)]*\)|.*)$", re.MULTILINE)
    found = line.search(text)
    known = set(re.findall(r"\w+", found[1])) if found else set[str]()
    wanted = f"from {module} import {', '.join(sorted(known | names))}"
    if found is not None:
        return text[: found.start()] + wanted + text[found.end() :]
    last = [*re.finditer(r"^from \S+ import (\([^)]*\)|.*)$", text, re.MULTILINE)][-1]
    return f"{text[: last.end()]}\n{wanted}{text[last.end() :]}"


if __name__ == "__main__":
    main()
