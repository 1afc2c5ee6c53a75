"""Profiles: names for selections of rules, and what they ask of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modlint.engine.config import Settings

SAFETY = "safety"
PROFILES = {SAFETY: ("SEC", "FMT001")}
"""By name, the selectors that the profile stands for."""


def expanded(selectors: Iterable[str]) -> Iterator[str]:
    """Selectors with each profile replaced by those that it stands for."""
    for selector in selectors:
        yield from PROFILES.get(selector, (selector,))


def is_safety(settings: Settings) -> bool:
    """Whether the profile `safety` is selected."""
    return SAFETY in (*settings.select, *settings.extend_select)
