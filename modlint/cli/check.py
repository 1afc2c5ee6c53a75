"""`modlint check`."""

from __future__ import annotations

import argparse
import os
import sys

import msgspec

from modlint import errors
from modlint.cli import WRONG_USAGE
from modlint.cli.messages import say
from modlint.cli.paths import named
from modlint.cli.progress import progress_on_stderr
from modlint.cli.settings import configuration
from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.errors import UsageError, explained
from modlint.report import Report
from modlint.reporter import Reporter, Shown
from modlint.settings.config import Settings, nearest
from modlint.verdict import Severity


def run(arguments: argparse.Namespace) -> int:
    """Check the paths, print the report on stdout and problems of the run on stderr."""
    if arguments.debug:
        _show_tracebacks()
    config = configuration(arguments)
    registry = load_registry()
    reporter = _reporter(config.settings.output_format, registry)
    config = msgspec.structs.replace(config, portrays=getattr(reporter, "portrays", False))
    with progress_on_stderr(enabled=not arguments.no_progress) as progress:
        report = check(list(named(arguments.paths)), config, registry, progress)
    return _write(report, reporter, _shown(arguments, config.settings))


def _write(report: Report, reporter: Reporter, shown: Shown) -> int:
    try:
        reporter.write(report, sys.stdout, shown)
    except OSError:
        raise
    except Exception as error:  # a plugin's reporter may raise anything
        say([f"internal error in the reporter {reporter.name}: {explained(error)}"])
        return WRONG_USAGE
    sys.stdout.flush()
    say(report.run.problems if shown.quiet else [*report.run.problems, *report.run.notes])
    return report.run.exit_code


def _shown(arguments: argparse.Namespace, settings: Settings) -> Shown:
    return Shown(
        min_severity=_min_severity(settings, verbose=arguments.verbose),
        min_confidence=settings.min_confidence,
        persona=settings.persona,
        verbose=arguments.verbose,
        quiet=arguments.quiet,
        statistics=arguments.statistics,
    )


def _min_severity(settings: Settings, *, verbose: bool) -> Severity | None:
    """The least severity that is shown in full: what fails the run is, unless the user says no."""
    if settings.min_severity is not None:
        return settings.min_severity
    if verbose:
        return Severity.INFORMATION
    return Severity.NOTE if settings.fail_on == "note" else None


def _show_tracebacks() -> None:
    """Show on stderr what plugins raise, with its traceback."""
    import traceback

    errors.listeners[:] = [traceback.print_exception]


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
