"""A rule's cases: a file that is really written, and the verdicts that it must get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import no_progress

from modlint.engine.registry import Registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings
from modlint.verdict import Verdict


@dataclass(frozen=True)
class Expected:
    """What is expected of one verdict; what is None or absent is not compared.

    `values` are compared one by one, floats to 1e-9; `message` is a part of the message, or of
    the reason of an inconclusive verdict.
    """

    outcome: str
    severity: str | None = None
    confidence: str | None = None
    target: tuple[str, str] | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True)
class Case:
    """A file and the verdicts that one rule must give it, in order.

    Attributes:
        title: what the case shows.
        write: writes the file in the folder given and returns its path.
        expected: every verdict of the rule on the file.
        options: of the rule, in kebab case.
        baseline: writes the checkpoint that the file is compared with, in a folder of its own.
    """

    title: str
    write: Callable[[Path], Path]
    expected: tuple[Expected, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    baseline: Callable[[Path], Path] | None = None


def verdicts(
    path: Path,
    registry: Registry,
    rule: str,
    options: Mapping[str, Any] | None = None,
    baseline: Path | None = None,
) -> tuple[Verdict, ...]:
    """The verdicts of one rule on one file, through the real engine.

    FMT001 runs too: without it the engine adds a verdict on files that cannot be read.
    """
    rules = {rule: dict(options)} if options else {}
    settings = Settings(
        select=(rule, "FMT001"),
        rules=rules,
        device="cpu",
        baseline_model=None if baseline is None else str(baseline),
    )
    configuration = Configuration(settings, None, path.parent)
    report = check([path], configuration, registry, no_progress)
    assert not report.run.problems, report.run.problems
    (file,) = report.files
    return tuple(verdict for verdict in file.verdicts if verdict.name == rule)
