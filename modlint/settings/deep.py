"""Rules that take long: when they run, and for how long where only the output shows them."""

from __future__ import annotations

import time
from typing import Any

from modlint.analysis.base import Progress
from modlint.errors import Unavailable
from modlint.rule import Rule
from modlint.settings.config import Settings
from modlint.settings.profiles import expanded
from modlint.verdict import Cost, Severity

_LIMITS = ("max-", "min-")
"""How the names of options begin that bound what is measured, or what is examined."""


def is_asked_for(rule: Rule[Any] | type[Rule[Any]], settings: Settings) -> bool:
    """Whether a rule that was selected runs: deep ones are selected by more than `ALL`.

    A deep rule is asked for by its code, a prefix, its name or a profile, by its severity or a
    limit, by `deep`, and by the checkpoint that it compares with.
    """
    if rule.cost is not Cost.DEEP or settings.deep:
        return True
    if rule.needs_reference and settings.baseline_model is not None:
        return True
    selectors = expanded((*settings.select, *settings.extend_select))
    if any(s == rule.name or (s != "ALL" and rule.code.startswith(s)) for s in selectors if s):
        return True
    options = (*settings.rules.get(rule.name, {}), *settings.rules.get(rule.code, {}))
    return any(key == "severity" or key.startswith(_LIMITS) for key in options)


def is_portrayed(rule: Rule[Any]) -> bool:
    """Whether a rule that nobody asked for may run where the output shows what it measures.

    It fails nothing, so that the exit code does not depend on the output format.
    """
    measures = rule.severity is Severity.INFORMATION and not rule.needs_reference
    return measures and rule.portrayed


def within(seconds: float, progress: Progress) -> Progress:
    """A progress that ends the work where it has taken too long.

    Raises:
        Unavailable: by the progress, once the time has passed.
    """
    end = time.monotonic() + seconds

    def limited(what: str, done: int, total: int) -> None:
        if time.monotonic() > end:
            raise Unavailable(
                f"not finished within the {seconds:g} s that a file gets unless it is asked for:"
                " --deep"
            )
        progress(what, done, total)

    return limited
