"""`modlint config`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from modlint.cli.messages import say, show
from modlint.cli.settings import configuration
from modlint.engine.registry import load_registry
from modlint.settings.config import Settings
from modlint.settings.rule_settings import instantiate
from modlint.settings.select import validate_selectors


def run(arguments: argparse.Namespace) -> int:
    """Print the settings in force, with every rule's options, and where they came from."""
    config = configuration(arguments)
    rules = load_registry().rules
    validate_selectors(config.settings, rules)
    lines = [f"# {config.file or 'no configuration file; these are the defaults'}"]
    lines += _table("modlint", _plain(config.settings))
    failures: list[str] = []
    everything = msgspec.structs.replace(config.settings, select=("ALL",), ignore=())
    for code, rule in instantiate(rules, everything, failures).items():
        severity = rule.configured_severity
        options = _plain(rule.options) | ({"severity": severity} if severity else {})
        if options:
            lines += ["", f"# {code}: {rule.summary}"]
            lines += _table(f"modlint.rules.{rule.name}", options)
    show("\n".join(lines) + "\n")
    say(failures)
    return 0


def _plain(settings: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(settings)
    if isinstance(settings, Settings):
        del plain["rules"]
    return plain


def _table(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    """A TOML table; a key that is unset is shown as a comment."""
    yield f"[tool.{name}]"
    for key, value in values.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items())
            yield f"{key} = {{ {inner} }}" if inner else f"{key} = {{}}"
        elif value is None:
            yield f"# {key} is not set"
        else:
            yield f"{key} = {_toml(value)}"


def _toml(value: Any) -> str:
    """A scalar or list in TOML, whose spelling of them JSON shares; inline tables for the rest."""
    if isinstance(value, dict):
        pairs = (f"{key} = {_toml(item)}" for key, item in value.items() if item is not None)
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return msgspec.json.encode(value).decode()
