"""`modlint init`."""

from __future__ import annotations

import argparse
from pathlib import Path

from modlint.cli.messages import show
from modlint.errors import UsageError
from modlint.settings.config import find_config
from modlint.settings.template import template

NAME = "modlint.toml"


def run(arguments: argparse.Namespace) -> int:
    """Write the configuration into the current folder, and print it."""
    text = template(arguments.profile)
    if not arguments.force:
        _refuse_beside_another(Path.cwd())
    try:
        with Path(NAME).open("w" if arguments.force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{NAME} is there already; --force writes over it") from None
    show(f"{text}\n# ^ {NAME} was written. `modlint config` shows the settings in force.\n")
    return 0


def _refuse_beside_another(folder: Path) -> None:
    found = find_config(folder)
    if found is not None and found.parent == folder and found.name != NAME:
        raise UsageError(f"{found.name} has settings, which {NAME} would hide; --force writes it")
