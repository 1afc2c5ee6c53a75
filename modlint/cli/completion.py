"""`modlint completion SHELL`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modlint.cli.messages import show
from modlint.cli.parser import build_parser
from modlint.engine.registry import load_registry
from modlint.errors import UsageError

_FILES = frozenset({"baseline", "baseline_model", "config"})
"""Settings that name files and are read as text."""


def run(arguments: argparse.Namespace) -> int:
    """Print the script that shtab makes of the argument parser.

    Raises:
        UsageError: shtab is not installed.
    """
    try:
        import shtab
    except ImportError:
        raise UsageError('needs shtab: python -m pip install "modlint[completion]"') from None
    parser = build_parser()
    registry = load_registry()
    for action in _actions(parser):
        _describe(action, shtab.FILE, sorted(registry.rules), sorted(registry.reporters))
    show(shtab.complete(parser, arguments.shell) + "\n")
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _describe(action: Any, files: object, rules: list[str], formats: list[str]) -> None:
    """Tell shtab what completes an argument that has no choices of its own."""
    if action.type is Path or action.dest in _FILES:
        action.complete = files
    elif action.dest == "selector":
        action.choices = rules
    elif action.dest == "output_format" and action.choices is None:
        action.choices = ["auto", *formats]
