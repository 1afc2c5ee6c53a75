"""Every hook that a plugin can implement, a line each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from modlint.markers import hookspec

if TYPE_CHECKING:
    from modlint.analysis.base import Analysis
    from modlint.builder import NetworkBuilder
    from modlint.reader import Reader, Sweep
    from modlint.reporter import Reporter
    from modlint.rule_reference import RuleReference


@hookspec
def modlint_readers() -> Iterable[Reader]:  # type: ignore[empty-body]
    """Readers: from a file's bytes to a `Checkpoint`. Since 0.1."""


@hookspec
def modlint_sweeps() -> Iterable[Sweep]:  # type: ignore[empty-body]
    """Sweeps: what a file holds beyond what its readers explain. Since 0.1."""


@hookspec
def modlint_networks() -> Iterable[NetworkBuilder]:  # type: ignore[empty-body]
    """Graph builders: from a `Checkpoint` to its `Network`s. Since 0.1."""


@hookspec
def modlint_analyses() -> Iterable[type[Analysis[Any, Any]]]:  # type: ignore[empty-body]
    """Analyses whose results rules consume. Since 0.1."""


@hookspec
def modlint_rules() -> Iterable[RuleReference]:  # type: ignore[empty-body]
    """References to rules, which judge analyses' results by `Verdict`s. Since 0.1."""


@hookspec
def modlint_reporters() -> Iterable[Reporter]:  # type: ignore[empty-body]
    """Reporters: from a `Report` to text. Since 0.1."""
