"""`modlint check`."""

from __future__ import annotations

import argparse
import sys

import msgspec

from modlint import errors
from modlint.cli import WRONG_USAGE
from modlint.cli.messages import say
from modlint.cli.outputs import outputs_of
from modlint.cli.paths import named
from modlint.cli.progress import progress_on_stderr
from modlint.cli.settings import at_work, configuration
from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.reporter import Shown
from modlint.settings.config import Settings
from modlint.verdict import Severity


def run(arguments: argparse.Namespace) -> int:
    """Check the paths, print the report on stdout and problems of the run on stderr."""
    if arguments.debug:
        _show_tracebacks()
    config = at_work(configuration(arguments), arguments)
    registry = load_registry()
    outputs = outputs_of(arguments.output, config.settings.output_format, registry)
    config = msgspec.structs.replace(
        config,
        portrays=any(getattr(output.reporter, "portrays", False) for output in outputs),
        explains=any(getattr(output.reporter, "explains", False) for output in outputs),
        draws=any(getattr(output.reporter, "draws", False) for output in outputs),
    )
    with progress_on_stderr(enabled=not arguments.no_progress) as progress:
        report = check(list(named(arguments.paths)), config, registry, progress)
    shown = _shown(arguments, config.settings)
    written = [output.write(report, shown) for output in outputs]
    sys.stdout.flush()
    say(report.run.problems if shown.quiet else [*report.run.problems, *report.run.notes])
    return report.run.exit_code if all(written) else WRONG_USAGE


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
