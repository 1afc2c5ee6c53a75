"""`modlint diff OLD NEW`."""

from __future__ import annotations

import argparse
import sys

from modlint.cli import WRONG_USAGE
from modlint.cli.diff_text import concise, described
from modlint.cli.messages import say, show
from modlint.cli.progress import progress_on_stderr
from modlint.cli.settings import configuration
from modlint.difference import Difference
from modlint.engine.diff.run import Wanted, diff
from modlint.engine.registry import load_registry


def run(arguments: argparse.Namespace) -> int:
    """Compare two checkpoints; exit code 1 where the new one is worse."""
    config = configuration(arguments)
    registry = load_registry()
    wanted = Wanted(lossless=arguments.lossless, rules=not arguments.no_rules)
    with progress_on_stderr(enabled=not arguments.no_progress) as progress:
        difference = diff(arguments.old, arguments.new, config, registry, progress, wanted)
    show(_text(difference, arguments.output_format))
    say(difference.problems)
    return WRONG_USAGE if difference.problems else difference.exit_code


def _text(difference: Difference, form: str) -> str:
    if form == "json":
        return difference.to_json()
    if form == "concise":
        return concise(difference)
    return described(difference, sys.stdout)
