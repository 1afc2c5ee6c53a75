"""`modlint check`."""

from __future__ import annotations

import argparse
import os
import sys

from modlint.cli import WRONG_USAGE
from modlint.cli.messages import say
from modlint.cli.progress import progress_on_stderr
from modlint.cli.settings import configuration
from modlint.engine.config import nearest
from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.errors import UsageError
from modlint.reporter import Reporter, Shown


def run(arguments: argparse.Namespace) -> int:
    """Check the paths, print the report on stdout and problems of the run on stderr."""
    config = configuration(arguments)
    settings = config.settings
    registry = load_registry()
    reporter = _reporter(settings.output_format, registry)
    with progress_on_stderr(enabled=not arguments.no_progress) as progress:
        report = check(arguments.paths, config, registry, progress)
    shown = Shown(settings.min_severity, settings.min_confidence)
    try:
        reporter.write(report, sys.stdout, shown)
    except OSError:
        raise
    except Exception as error:  # a plugin's reporter may raise anything
        say([f"internal error in the reporter {reporter.name}: {type(error).__name__}: {error}"])
        return WRONG_USAGE
    sys.stdout.flush()
    say([*report.run.problems, *report.run.notes])
    return report.run.exit_code


def _reporter(name: str, registry: Registry) -> Reporter:
    if name == "auto":
        name = next(n for n in _automatic() if n in registry.reporters or n == "json")
    if name not in registry.reporters:
        raise UsageError(
            f"unknown output format `{name}`{nearest(name, registry.reporters)} "
            f"(known: {', '.join(sorted(registry.reporters)) or 'none'})"
        )
    return registry.reporters[name]


def _automatic() -> tuple[str, ...]:
    """Formats that suit where the report goes, the best first."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return ("github", "concise", "json")
    if os.environ.get("PRE_COMMIT") == "1" or not sys.stdout.isatty():
        return ("concise", "json")
    return ("full", "concise", "json")
