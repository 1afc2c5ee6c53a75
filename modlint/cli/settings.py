"""From command-line flags to the settings of a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec

from modlint.engine.cache.folder import default_folder
from modlint.errors import UsageError
from modlint.processors import processors
from modlint.settings.config import Configuration, Settings, load_config
from modlint.settings.steering import load_found


def configuration(arguments: argparse.Namespace) -> Configuration:
    """Settings from the nearest (or the given) file, overridden by `--config` and flags.

    Raises:
        UsageError: more than one file is given, or a setting is wrong.
    """
    files = [Path(value) for value in arguments.config if _names_a_file(value)]
    overrides = [value for value in arguments.config if not _names_a_file(value)]
    if len(files) > 1:
        raise UsageError("--config: one configuration file at most")
    file = files[0] if files else None
    if file is None and not arguments.isolated:
        return load_found(Path.cwd(), overrides, _flags(arguments))
    return load_config(file, overrides, _flags(arguments))


def at_work(config: Configuration, arguments: argparse.Namespace) -> Configuration:
    """The configuration of a check, with how many work on it and where its outcomes are kept."""
    settings = config.settings
    return msgspec.structs.replace(
        config,
        jobs=processors() if settings.jobs == "auto" else settings.jobs,
        cache=(arguments.cache_dir or default_folder()) if settings.cache else None,
        paranoid=arguments.paranoid,
    )


def _names_a_file(value: str) -> bool:
    return "=" not in value or Path(value).is_file()


def _flags(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that flags give, by their key."""
    given = {}
    for field in msgspec.structs.fields(Settings):
        value = getattr(arguments, field.name, None)
        if value is not None:
            given[field.encode_name] = value
    return given
