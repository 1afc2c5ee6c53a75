"""Every rule has a page, and it says what the code does."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from modlint.engine.registry import load_registry
from modlint.rule import Rule

SECTIONS = [
    "What it does",
    "Why it is bad",
    "How it decides",
    "Options",
    "Example",
    "Source",
]
RULES = [pytest.param(rule.load(), id=code) for code, rule in load_registry().rules.items()]


def _section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0].strip()


@pytest.mark.parametrize("rule", RULES)
def test_page_has_all_sections(rule: type[Rule[Any]]) -> None:
    page = rule.page()
    assert page.startswith(f"# {rule.code} {rule.name}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == SECTIONS
    assert all(len(_section(page, title)) >= len("None.") for title in SECTIONS)


@pytest.mark.parametrize("rule", RULES)
def test_page_describes_every_option_with_its_default(rule: type[Rule[Any]]) -> None:
    section = _section(rule.page(), "Options")
    told = dict(re.findall(r"^- `([a-z-]+)` \(default `([^`]*)`;", section, re.MULTILINE))
    fields = msgspec.structs.fields(rule.options_type)
    assert told == {field.encode_name: _written(field.default) for field in fields}
    assert (section == "None.") == (not fields)


@pytest.mark.parametrize("rule", RULES)
def test_every_option_has_a_description(rule: type[Rule[Any]]) -> None:
    for field in msgspec.structs.fields(rule.options_type):
        metas = [m for m in field.type.__metadata__ if isinstance(m, msgspec.Meta)]
        assert metas[0].description


@pytest.mark.parametrize("rule", RULES)
def test_page_fits_a_terminal(rule: type[Rule[Any]]) -> None:
    prose = re.sub(r"```.*?```", "", rule.page(), flags=re.DOTALL)
    too_long = [line for line in prose.splitlines() if len(line) > 110]
    assert not too_long


def _written(default: Any) -> str:
    """A default as a page writes it: as in TOML, `unset` for None."""
    if default is None:
        return "unset"
    if isinstance(default, tuple | list):
        return "[" + ", ".join(map(_written, default)) + "]"
    return str(default).lower() if isinstance(default, bool) else str(default)
