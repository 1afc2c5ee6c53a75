"""Which rules run on which file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modlint.errors import UsageError
from modlint.rule_reference import RuleReference
from modlint.settings.config import Configuration, Settings, nearest
from modlint.settings.profiles import PROFILES, SAFETY, expanded, is_safety

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


_SAFETY = "SEC"


class Patterns:
    """File patterns as in a .gitignore, relative to a folder."""

    def __init__(self, patterns: Iterable[str], root: Path) -> None:
        self._spec = _compiled(tuple(patterns))
        self._root = root.resolve()

    def match(self, path: Path) -> bool:
        """Whether some pattern matches the path."""
        if self._spec is None:
            return False
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 (links stay as they are)
        inside = absolute.is_relative_to(self._root)
        relative = absolute.relative_to(self._root) if inside else absolute
        return self._spec.match_file(relative.as_posix().lstrip("/"))


def _compiled(patterns: tuple[str, ...]) -> GitIgnoreSpec | None:
    """The patterns' specification; without any, pathspec is not worth its import."""
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)


def validate_selectors(settings: Settings, rules: Mapping[str, RuleReference]) -> None:
    """Check that each selector names some rule.

    Raises:
        UsageError: one names none, or nothing is selected.
    """
    if not (settings.select or settings.extend_select):
        raise UsageError("no rule is selected: give `select` a code, a prefix, a name or ALL")
    selectors = [*settings.select, *settings.extend_select, *settings.ignore]
    selectors += [s for ignored in settings.per_file_ignores.values() for s in ignored]
    names = {rule.name for rule in rules.values()}
    for selector in selectors:
        known = selector == "ALL" or selector in names or selector in PROFILES
        if not known and not any(code.startswith(selector) for code in rules if selector):
            hint = nearest(selector, [*rules, *names, *PROFILES])
            raise UsageError(f"unknown rule selector `{selector}`{hint}")


def select_rules(
    configuration: Configuration, rules: Collection[RuleReference], path: Path
) -> list[RuleReference]:
    """The rules that run on a file; the longest matching selector wins, at a tie `ignore`."""
    settings = configuration.settings
    chosen = tuple(expanded((*settings.select, *settings.extend_select)))
    ignored = list(expanded(settings.ignore))
    for pattern, selectors in settings.per_file_ignores.items():
        if Patterns([pattern], configuration.root).match(path):
            ignored += expanded(selectors)
    return [rule for rule in rules if _match(rule, chosen) > _match(rule, ignored)]


def selected_somewhere(settings: Settings, rules: Iterable[RuleReference]) -> list[RuleReference]:
    """The rules that run on a file unless its name says otherwise."""
    chosen = tuple(expanded((*settings.select, *settings.extend_select)))
    ignored = tuple(expanded(settings.ignore))
    return [rule for rule in rules if _match(rule, chosen) > _match(rule, ignored)]


def is_closed(settings: Settings, rules: Iterable[RuleReference]) -> bool:
    """Whether what was not wholly examined is an error: when safety alone is asked about."""
    selected = selected_somewhere(settings, rules)
    alone = bool(selected) and all(rule.code.startswith(_SAFETY) for rule in selected)
    return is_safety(settings) or alone


def is_about_safety(code: str) -> bool:
    """Whether a rule is of the profile `safety`."""
    return code.startswith(PROFILES[SAFETY].selectors)


def _match(rule: RuleReference, selectors: Iterable[str]) -> int:
    """Length of the longest selector that matches the rule, −1 where none does."""
    lengths = [-1]
    for selector in selectors:
        if selector == "ALL":
            lengths.append(0)
        elif selector == rule.name:
            lengths.append(len(rule.code))
        elif selector and rule.code.startswith(selector):
            lengths.append(len(selector))
    return max(lengths)
