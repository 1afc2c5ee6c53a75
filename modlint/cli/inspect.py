"""`modlint inspect FILE`."""

from __future__ import annotations

import argparse
import sys

from modlint.cli.contents import Contents, describe
from modlint.cli.messages import say
from modlint.errors import UsageError
from modlint.loading import build_networks, load
from modlint.registry import load_registry


def run(arguments: argparse.Namespace) -> int:
    """Show what is in a file; exit code 1 where it, or a part of it, cannot be read."""
    if not arguments.file.exists() and not arguments.file.is_symlink():
        raise UsageError(f"{arguments.file}: no such file")
    registry = load_registry()
    registry.load_all()
    say(registry.problems)
    broken = False
    for checkpoint in load(arguments.file, registry.readers):
        contents = Contents.of(checkpoint, build_networks(checkpoint, registry.builders))
        if arguments.output_format == "json":
            sys.stdout.write(contents.to_json())
        else:
            describe(contents, sys.stdout)
        broken |= bool(contents.faults)
    return int(broken)
