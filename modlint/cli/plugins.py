"""`modlint plugins`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from modlint.cli.messages import say, show
from modlint.engine.registry import load_registry


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    """List the plugins, those that failed too, and what the loaded ones offer."""
    registry = load_registry()
    registry.load_all()
    width = max((len(plugin.module) for plugin in registry.plugins), default=0)
    for plugin in registry.plugins:
        state = plugin.problem or "loaded"
        origin = f"{plugin.distribution} {plugin.version}"
        show(f"{plugin.module:<{width}}  {origin}  {state}\n")
    _section("readers", ((r.name, r.description) for r in registry.readers))
    _section("sweeps", ((s.name, s.description) for s in registry.sweeps))
    _section("graph builders", ((b.name, b.description) for b in registry.builders))
    _section("analyses", ((a.name, a.description) for a in registry.analyses))
    _section("rules", ((r.code, r.name) for r in registry.rules.values()))
    _section("reporters", ((r.name, r.description) for r in registry.reporters.values()))
    say(registry.problems)
    return 0


def _section(title: str, rows: Iterable[tuple[str, str]]) -> None:
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    show(f"\n{title}\n")
    for name, description in rows:
        show(f"  {name:<{width}}  {description}\n")
