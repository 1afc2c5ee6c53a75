"""An example plugin for modlint: the hooks, and nothing heavy at import time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint import hookimpl
from modlint.reader import Reader
from modlint.reporter import Reporter
from modlint.rule import Rule


@hookimpl
def modlint_rules() -> Iterable[type[Rule[Any]]]:
    """One rule."""
    from modlint_example.off_centre import OffCentre

    return (OffCentre,)


@hookimpl
def modlint_readers() -> Iterable[Reader]:
    """One reader."""
    from modlint_example.tinyjson import TinyJson

    return (TinyJson(),)


@hookimpl
def modlint_reporters() -> Iterable[Reporter]:
    """One reporter."""
    from modlint_example.counts import Counts

    return (Counts(),)
