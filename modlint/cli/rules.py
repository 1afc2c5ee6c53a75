"""`modlint rules`."""

from __future__ import annotations

import argparse

import msgspec

from modlint.cli.messages import say, show
from modlint.engine.registry import load_registry


def run(arguments: argparse.Namespace) -> int:
    """List every rule, one line each."""
    registry = load_registry()
    rules = registry.rules
    say(registry.problems)
    if arguments.output_format == "json":
        rows = [
            {
                "code": rule.code,
                "name": rule.name,
                "severity": rule.severity,
                "confidence": rule.confidence,
                "summary": rule.summary,
                "source": rule.source,
            }
            for rule in rules.values()
        ]
        show(msgspec.json.format(msgspec.json.encode(rows)).decode() + "\n")
        return 0
    width = max((len(rule.name) for rule in rules.values()), default=0)
    for rule in rules.values():
        severity = f"{rule.severity:<7}"
        show(f"{rule.code}  {rule.name:<{width}}  {severity}  {rule.summary}\n")
    return 0
