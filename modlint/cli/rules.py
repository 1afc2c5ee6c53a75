"""`modlint rules`."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator

import msgspec

from modlint.cli.messages import say, show
from modlint.engine.registry import load_registry
from modlint.rule_reference import RuleReference
from modlint.text import width
from modlint.verdict import Persona

LEAST = 40
"""Cells that a summary gets beside the other columns; where there are fewer, it stands below."""


def run(arguments: argparse.Namespace) -> int:
    """List every rule with its severity, in lines as wide as the terminal."""
    registry = load_registry()
    rules = list(registry.rules.values())
    say(registry.problems)
    if arguments.output_format == "json":
        rows = [_fields(rule) for rule in rules]
        show(msgspec.json.format(msgspec.json.encode(rows)).decode() + "\n")
        return 0
    for line in _lines(rules, width(sys.stdout)):
        show(f"{line}\n")
    return 0


def _fields(rule: RuleReference) -> dict[str, str]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "persona": rule.persona,
        "cost": rule.cost,
        "summary": rule.summary,
        "source": rule.source,
    }


def _lines(rules: list[RuleReference], cells: int) -> Iterator[str]:
    names = max((len(rule.name) for rule in rules), default=0)
    weights = max((len(rule.severity) for rule in rules), default=0)
    for rule in rules:
        lead = f"{rule.code}  {rule.name:<{names}}  {rule.severity:<{weights}}  "
        summary = rule.summary
        if rule.persona is not Persona.REGULAR:
            summary += f" (--persona {rule.persona})"
        if cells - len(lead) < LEAST:
            yield lead.rstrip()
            lead = " " * 8
        first, *others = textwrap.wrap(summary, cells - len(lead)) or [""]
        yield lead + first
        yield from (" " * len(lead) + line for line in others)
