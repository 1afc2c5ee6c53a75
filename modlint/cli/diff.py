"""`modlint diff OLD NEW`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from functools import partial
from typing import TextIO

from modlint.cli import WRONG_USAGE
from modlint.cli.diff_text import concise, described
from modlint.cli.messages import say, show
from modlint.cli.progress import progress_on_stderr
from modlint.cli.settings import configuration
from modlint.difference import Difference
from modlint.engine.diff.run import Wanted, diff
from modlint.engine.registry import Registry, load_registry
from modlint.errors import UsageError
from modlint.settings.config import nearest


def run(arguments: argparse.Namespace) -> int:
    """Compare two checkpoints; exit code 1 where the new one is worse."""
    config = configuration(arguments)
    registry = load_registry()
    writer = _writer(arguments.output_format, registry)
    wanted = Wanted(lossless=arguments.lossless, rules=not arguments.no_rules)
    with progress_on_stderr(enabled=not arguments.no_progress) as progress:
        difference = diff(arguments.old, arguments.new, config, registry, progress, wanted)
    show(writer(difference))
    say(difference.problems)
    return WRONG_USAGE if difference.problems else difference.exit_code


def _writer(form: str, registry: Registry) -> Callable[[Difference], str]:
    """What makes the text of an output format.

    Raises:
        UsageError: there is no such format.
    """
    known: dict[str, Callable[[Difference], str]] = {
        "full": lambda difference: described(difference, sys.stdout),
        "concise": concise,
        "json": Difference.to_json,
    }
    for name, reporter in registry.reporters.items():
        write = getattr(reporter, "write_difference", None)
        if write is not None:
            known.setdefault(name, partial(_written, write))
    if form not in known:
        listed = ", ".join(sorted(known))
        raise UsageError(f"unknown output format `{form}`{nearest(form, known)} (known: {listed})")
    return known[form]


def _written(write: Callable[[Difference, TextIO], None], difference: Difference) -> str:
    output = io.StringIO()
    write(difference, output)
    return output.getvalue()
