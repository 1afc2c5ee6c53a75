"""`modlint rule RULE`."""

from __future__ import annotations

import argparse
import sys

from modlint.cli.messages import show
from modlint.engine.config import nearest
from modlint.engine.registry import load_registry
from modlint.errors import UsageError
from modlint.rule_reference import RuleReference


def run(arguments: argparse.Namespace) -> int:
    """Print a rule's page: formatted on a terminal, as Markdown elsewhere."""
    page = _find(arguments.selector, load_registry().rules).load().page()
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(page))
    else:
        show(page)
    return 0


def _find(selector: str, rules: dict[str, RuleReference]) -> RuleReference:
    for rule in rules.values():
        if selector.upper() == rule.code or selector == rule.name:
            return rule
    hint = nearest(selector, [*rules, *(rule.name for rule in rules.values())])
    raise UsageError(f"unknown rule `{selector}`{hint}")
