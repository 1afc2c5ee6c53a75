"""The reference of the command line, from its parser."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from unittest import mock

from modlint.cli.parser import build_parser

WIDTH = "88"


def page() -> str:
    """Every command with its usage and its arguments, as Markdown."""
    parser = build_parser()
    commands = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    lines = ["# Command line", "", str(parser.description), "", str(parser.epilog), ""]
    lines += ["| command | does |", "|---|---|"]
    lines += [
        f"| [`modlint {choice.dest}`](#modlint-{choice.dest}) | {_cell(choice.help)} |"
        for choice in commands._choices_actions
    ]
    for name, command in commands.choices.items():
        lines += ["", f"## modlint {name}", "", str(command.description), "", *_usage(command)]
        lines += _arguments(command)
    return "\n".join(lines) + "\n"


def _usage(parser: argparse.ArgumentParser) -> list[str]:
    with mock.patch.dict(os.environ, COLUMNS=WIDTH):
        usage = parser.format_usage().removeprefix("usage: ")
    return ["```text", *(line.removeprefix("       ") for line in usage.splitlines()), "```", ""]


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    """A table for each group that has arguments."""
    for group in parser._action_groups:
        rows = [_row(a) for a in group._group_actions if not isinstance(a, argparse._HelpAction)]
        if rows:
            yield from (f"| {group.title} | |", "|---|---|", *rows, "")


def _row(action: argparse.Action) -> str:
    value = _value(action)
    names = action.option_strings or [value]
    shown = [f"{name} {value}".strip() if action.option_strings else name for name in names]
    return f"| {', '.join(f'`{_cell(name)}`' for name in shown)} | {_cell(_help(action))} |"


def _help(action: argparse.Action) -> str:
    """Its help; the values to choose from, where its name is not made of them."""
    said = action.help or ""
    if not action.choices or action.metavar is None:
        return said
    choices = ", ".join(f"`{choice}`" for choice in action.choices)
    return f"{said}: {choices}" if said else choices


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar is not None:
        return str(action.metavar)
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def _cell(text: object) -> str:
    return str(text or "").replace("|", "\\|")
