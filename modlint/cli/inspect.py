"""`modlint inspect FILE|FOLDER`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from modlint.checkpoint import Status
from modlint.cli.contents import FolderContents, describe, describe_folder
from modlint.cli.messages import say, show
from modlint.contents import Contents
from modlint.discovery.content import sought_by
from modlint.discovery.discover import Search, discover
from modlint.engine.load import build_networks, load
from modlint.engine.registry import Registry, load_registry
from modlint.errors import UsageError
from modlint.text import wants_colour


def run(arguments: argparse.Namespace) -> int:
    """Show what is in a file, or in each file of a folder.

    Exit code 1 where one is no checkpoint or cannot wholly be read.
    """
    path: Path = arguments.file
    if not os.path.lexists(path):
        raise UsageError(f"{path}: no such file")
    registry = load_registry()
    registry.load_all()
    say(registry.problems)
    errors: list[str] = []
    colour = wants_colour(sys.stdout)
    as_json = arguments.output_format == "json"
    if path.is_dir():
        folder = FolderContents(str(path), tuple(_in_folder(path, registry, errors)))
        shown = folder.files
        show(folder.to_json() if as_json else describe_folder(folder, colour=colour))
    else:
        contents = _contents(path, registry, errors)
        shown = (contents,)
        show(contents.to_json() if as_json else describe(contents, colour=colour))
    say(errors)
    whole = all(not c.faults and c.status is Status.CHECKED for c in shown)
    return 2 if errors else int(not whole)


def _in_folder(folder: Path, registry: Registry, errors: list[str]) -> Iterator[Contents]:
    """The files that `modlint check` would check, less those that turn out to be none."""
    found = discover([folder], Search(sought_by(registry.readers), excludes=lambda _: False))
    for path in found.files:
        contents = _contents(path, registry, errors)
        if contents.status is not Status.NOT_A_CHECKPOINT or path not in found.unsure:
            yield contents


def _contents(path: Path, registry: Registry, errors: list[str]) -> Contents:
    return Contents.merged(
        Contents.of(checkpoint, build_networks(checkpoint, registry.builders, errors))
        for checkpoint in load(path, registry.readers)
    )
