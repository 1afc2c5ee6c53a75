"""`modlint inspect FILE|FOLDER`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from modlint.checkpoint import Checkpoint, Status
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
    shown = _shown(arguments, registry, errors)
    say(errors)
    whole = all(not c.faults and c.status is Status.CHECKED for c in shown)
    return 2 if errors else int(not whole)


def _shown(
    arguments: argparse.Namespace, registry: Registry, errors: list[str]
) -> Sequence[Contents | Checkpoint]:
    """Write what is asked for, and give what was read."""
    path: Path = arguments.file
    as_json, edges = arguments.output_format == "json", bool(arguments.edges)
    if edges and not as_json:
        raise UsageError("--edges are listed as JSON: add --output-format json")
    if arguments.output_format == "dot":
        return _drawn(path, registry, errors)
    colour = wants_colour(sys.stdout)
    if path.is_dir():
        folder = FolderContents(str(path), tuple(_in_folder(path, registry, errors, edges=edges)))
        show(folder.to_json() if as_json else describe_folder(folder, colour=colour))
        return folder.files
    contents = _contents(path, registry, errors, edges=edges)
    show(contents.to_json() if as_json else describe(contents, colour=colour))
    return (contents,)


def _drawn(path: Path, registry: Registry, errors: list[str]) -> Sequence[Checkpoint]:
    from modlint.cli.dot import dot

    if path.is_dir():
        raise UsageError(f"{path}: dot draws the networks of one file, not of a folder")
    checkpoints = load(path, registry.readers)
    found = (build_networks(checkpoint, registry.builders, errors) for checkpoint in checkpoints)
    show(dot([network for built in found for network in built.networks]))
    return checkpoints


def _in_folder(
    folder: Path, registry: Registry, errors: list[str], *, edges: bool
) -> Iterator[Contents]:
    """The files that `modlint check` would check, less those that turn out to be none."""
    found = discover([folder], Search(sought_by(registry.readers), excludes=lambda _: False))
    for path in found.files:
        contents = _contents(path, registry, errors, edges=edges)
        if contents.status is not Status.NOT_A_CHECKPOINT or path not in found.unsure:
            yield contents


def _contents(path: Path, registry: Registry, errors: list[str], *, edges: bool) -> Contents:
    return Contents.merged(
        Contents.of(checkpoint, build_networks(checkpoint, registry.builders, errors), edges=edges)
        for checkpoint in load(path, registry.readers)
    )
