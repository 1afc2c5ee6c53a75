"""`modlint inspect FILE`."""

from __future__ import annotations

import argparse
import os

from modlint.checkpoint import Status
from modlint.cli.contents import describe
from modlint.cli.messages import say, show
from modlint.contents import Contents
from modlint.engine.load import build_networks, load
from modlint.engine.registry import load_registry
from modlint.errors import UsageError


def run(arguments: argparse.Namespace) -> int:
    """Show what is in a file; exit code 1 where it is no checkpoint or cannot wholly be read."""
    if not os.path.lexists(arguments.file):
        raise UsageError(f"{arguments.file}: no such file")
    registry = load_registry()
    registry.load_all()
    say(registry.problems)
    errors: list[str] = []
    contents = Contents.merged(
        Contents.of(checkpoint, build_networks(checkpoint, registry.builders, errors))
        for checkpoint in load(arguments.file, registry.readers)
    )
    show(contents.to_json() if arguments.output_format == "json" else describe(contents))
    say(errors)
    return 2 if errors else int(bool(contents.faults) or contents.status is not Status.CHECKED)
