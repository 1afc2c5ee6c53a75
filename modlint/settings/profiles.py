"""Profiles: names for selections of rules, and what they ask of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from modlint.settings.config import Settings

SAFETY = "safety"


class Profile(msgspec.Struct, frozen=True):
    """What a profile stands for.

    Attributes:
        selectors: the rules that it selects.
        rules: by rule, options that stand unless the user sets them.
    """

    selectors: tuple[str, ...]
    rules: Mapping[str, Mapping[str, Any]] = {}


PROFILES = {
    SAFETY: Profile(("SEC", "FMT001")),
    "quality": Profile(
        ("CLU001", "CLU002", "NEU", "NUM", "SPC", "STR", "TRN"),
        {
            "CLU001": {"severity": "error", "max-z": -2.0},
            "CLU002": {"severity": "error"},
            "NEU001": {"severity": "error"},
        },
    ),
    "release": Profile(
        (
            *("SEC", "FMT", "GRF", "STG003"),
            *("NUM001", "NUM002", "NUM003", "NUM006", "NUM007", "NUM008", "NUM011"),
            *("TRN001", "TRN002", "TRN003", "TRN004", "TRN007"),
        ),
        {"FMT004": {"severity": "warning"}},
    ),
    "training": Profile(
        (
            *("CLU006", "FMT001", "FMT003", "FMT005", "FMT009", "FMT014", "FMT015"),
            *("NEU", "NUM", "SPC", "TRN"),
        )
    ),
    "interpretability": Profile(("CLU", "NEU", "SPC", "STR")),
}
"""By name; selectors may name rules of families that no loaded plugin offers."""


def expanded(selectors: Iterable[str]) -> Iterator[str]:
    """Selectors with each profile replaced by those that it stands for."""
    for selector in selectors:
        yield from PROFILES[selector].selectors if selector in PROFILES else (selector,)


def options_of_profiles(settings: Settings) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """By rule, the options that the selected profiles set."""
    for selector in (*settings.select, *settings.extend_select):
        if selector in PROFILES:
            yield from PROFILES[selector].rules.items()


def is_safety(settings: Settings) -> bool:
    """Whether the profile `safety` is selected."""
    return SAFETY in (*settings.select, *settings.extend_select)
