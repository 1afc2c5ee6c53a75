"""A page for each rule and their index, from what the rules say of themselves."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from modlint.engine.registry import load_registry
from modlint.rule_reference import RuleReference
from modlint.verdict import Cost, Persona

INDEX = "rules/index.md"
COSTS = {
    Cost.STRUCTURE: "the file's structure",
    Cost.PASS: "one pass over the tensors",
    Cost.DEEP: "deep: seconds or more, where it is asked for",
}


@cache
def rules() -> tuple[RuleReference, ...]:
    """Those that modlint brings, by code."""
    known = load_registry().rules.values()
    own = (rule for rule in known if rule.place.startswith("modlint_rules."))
    return tuple(sorted(own, key=lambda rule: rule.code))


def source(rule: RuleReference) -> str:
    """The repository's path of a rule's page."""
    return f"rules/{rule.module.replace('.', '/')}.md"


def place(rule: RuleReference) -> str:
    """The site's path of it."""
    return f"rules/{rule.code}.md"


def pages() -> dict[str, str]:
    """By path: Markdown."""
    return {INDEX: _index(), **{place(rule): _page(rule) for rule in rules()}}


def navigation() -> list[object]:
    """The index, and by family the rules."""
    families = ({title: [place(rule) for rule in group]} for title, group in _families())
    return [INDEX, *families]


def _families() -> Iterator[tuple[str, list[RuleReference]]]:
    """Each family's title, as its package states it, and rules."""
    for package, group in groupby(rules(), key=lambda rule: rule.module.rpartition(".")[0]):
        title = inspect.getdoc(importlib.import_module(package)) or package
        yield title.splitlines()[0].rstrip("."), list(group)


def _index() -> str:
    lines = [
        "# Rules",
        "",
        f"{len(rules())} rules. `modlint rule CODE` prints a rule's page at the terminal, and",
        "`modlint rules` this list. What severities, costs and personas do stands in",
        "[the configuration](../configuration.md#what-is-shown-and-what-fails).",
        "",
    ]
    for title, group in _families():
        lines += [f"## {title}", "", "| code | name | finds | severity | cost | for |"]
        lines += ["|---|---|---|---|---|---|", *map(_row, group), ""]
    return "\n".join(lines)


def _row(rule: RuleReference) -> str:
    link = f"[{rule.code}]({rule.code}.md)"
    name = f"`{rule.name}`"
    return (
        f"| {link} | {name} | {rule.summary} | {_badge(rule)} | {rule.cost} | {_audience(rule)} |"
    )


def _badge(rule: RuleReference) -> str:
    return f'<span class="severity {rule.severity}">{rule.severity}</span>'


def _audience(rule: RuleReference) -> str:
    return "everyone" if rule.persona is Persona.REGULAR else f"`--persona {rule.persona}`"


def _page(rule: RuleReference) -> str:
    """The rule's page, below its title what its reference says."""
    title, _, rest = rule.load().page().partition("\n")
    facts = [
        "| severity | confidence | cost | for |",
        "|---|---|---|---|",
        f"| {_badge(rule)} | {rule.confidence} | {COSTS[rule.cost]} | {_audience(rule)} |",
    ]
    return "\n".join([title, "", *facts, rest])
