"""Settings that the documentation shows are ones that modlint takes; its YAML is YAML."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import documented
import pytest
import yaml
from documented import Block

from modlint.engine.registry import load_registry
from modlint.settings.config import load_config
from modlint.settings.rule_settings import instantiate
from modlint.settings.select import validate_selectors

ALL = [block for page in documented.pages() for block in documented.blocks(page)]
TOML = [block for block in ALL if block.language == "toml"]
YAML = [block for block in ALL if block.language == "yaml"]


def _id(block: Block) -> str:
    return block.place


@pytest.mark.parametrize("block", TOML, ids=_id)
def test_toml(block: Block, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    parsed = tomllib.loads(block.code)
    tools = parsed.get("tool", {})
    for option in tools.get("pytest", {}).get("ini_options", {}):
        request.config.getini(option)  # raises where pytest knows no such option
    for module in parsed.get("project", {}).get("entry-points", {}).get("modlint", {}).values():
        importlib.import_module(module)
    if "project" not in parsed and "pytest" not in tools:
        _take(block.code, tmp_path / ("pyproject.toml" if tools else "modlint.toml"))


def _take(text: str, file: Path) -> None:
    file.write_text(text, encoding="utf-8")
    settings = load_config(file, [], {}).settings
    rules = load_registry().rules
    validate_selectors(settings, rules)
    failures: list[str] = []
    instantiate(rules, settings, failures)
    assert not failures


@pytest.mark.parametrize("block", YAML, ids=_id)
def test_yaml(block: Block, project: Path) -> None:
    for command in _commands(yaml.safe_load(block.code)):
        done = documented.run(command, project)
        assert done.returncode == 0, (command, done.stdout)


def _commands(node: Any) -> Iterator[str]:
    """What a job of it runs with modlint."""
    if isinstance(node, dict):
        for value in node.values():
            yield from _commands(value)
    elif isinstance(node, list):
        for value in node:
            yield from _commands(value)
    elif isinstance(node, str) and node.startswith("modlint "):
        yield node
