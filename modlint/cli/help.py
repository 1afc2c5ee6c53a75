"""`modlint help [COMMAND]`."""

from __future__ import annotations

import argparse

from modlint.cli.parser import build_parser


def run(arguments: argparse.Namespace) -> int:
    """Show the usage of modlint, or of one command."""
    command = [] if arguments.command is None else [arguments.command]
    build_parser().parse_args([*command, "--help"])
    return 0
