"""`modlint init`."""

from __future__ import annotations

import argparse
import re
from importlib.util import find_spec
from pathlib import Path

from modlint.cli.messages import show
from modlint.cli.plugin_template import plugin_files
from modlint.engine.registry import load_registry
from modlint.errors import UsageError
from modlint.settings.config import find_config
from modlint.settings.template import template

NAME = "modlint.toml"


def run(arguments: argparse.Namespace) -> int:
    """Write the configuration into the current folder, and print it; or write a plugin."""
    if arguments.plugin is not None:
        return _write_plugin(arguments.plugin)
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


def _write_plugin(name: str) -> int:
    """Write a plugin's folder, and say what to do with it.

    Raises:
        UsageError: the name is none for a distribution, or taken, as its codes may be.
    """
    if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(f"{name} is no name for a plugin: small letters, digits and dashes")
    if Path(name).exists() or find_spec(name.replace("-", "_")) is not None:
        raise UsageError(f"{name} is there already; choose another name")
    files = plugin_files(name)
    code = files[f"{name.replace('-', '_')}/many_zeros.md"].split()[1]
    taken = [known for known in load_registry().rules if known[:3] == code[:3]]
    if taken:
        raise UsageError(f"rules {code[:3]} exist ({taken[0]}); end the name in another word")
    for path, text in files.items():
        file = Path(name, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        show(f"{file}\n")
    show(f"\n`python -m pip install --editable ./{name}` adds rule {code} to `modlint rules`.\n")
    return 0
