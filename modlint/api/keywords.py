"""Settings as keywords: those of modlint.toml, in Python's spelling."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

import msgspec

from modlint.engine.cache.folder import default_folder
from modlint.errors import UsageError
from modlint.processors import processors
from modlint.settings.config import Configuration, Settings, load_config, nearest

Selectors = str | Iterable[str]


class Keywords(TypedDict, total=False):
    """The settings of a check; what each means: docs/configuration.md.

    Lists may be one string, by commas. `config` names a configuration file; none is read without.
    """

    config: str | os.PathLike[str] | None
    select: Selectors
    extend_select: Selectors
    ignore: Selectors
    per_file_ignores: Mapping[str, Selectors]
    exclude: Selectors
    deep: bool
    architectures: bool
    budget: float
    fail_on: str
    strict: bool
    exit_zero: bool
    persona: str
    min_severity: str
    min_confidence: str
    output_format: str
    device: str
    seed: int
    baseline: str | os.PathLike[str] | None
    baseline_model: str | os.PathLike[str] | None
    jobs: int | str
    cache: bool
    networks: Iterable[Mapping[str, Any]]
    rules: Mapping[str, Mapping[str, Any]]


_LISTS = ("select", "extend-select", "ignore", "exclude")


def configuration_of(keywords: Mapping[str, Any]) -> Configuration:
    """The settings that keywords give.

    Raises:
        TypeError: there is no such setting; names the nearest.
        ValueError: a value is of the wrong kind or range.
    """
    table: dict[str, Any] = {}
    known = {field.name: field.encode_name for field in msgspec.structs.fields(Settings)}
    for keyword, value in keywords.items():
        if keyword == "config":
            continue
        if keyword not in known:
            raise TypeError(f"there is no setting `{keyword}`{nearest(keyword, known)}")
        table[known[keyword]] = _plain(value)
    for key in _LISTS:
        if key in table:
            table[key] = _listed(table[key])
    _settle(table, "per-file-ignores", _listed)
    _settle(table, "rules", _kebab)
    file = keywords.get("config")
    try:
        return load_config(Path(file) if file is not None else None, (), table)
    except UsageError as error:
        raise ValueError(_in_python(str(error))) from None


def at_work(configuration: Configuration, keywords: Mapping[str, Any]) -> Configuration:
    """The configuration, with how many work on it and where outcomes are kept: as keywords ask."""
    settings = configuration.settings
    jobs = settings.jobs if "jobs" in keywords else 1
    return msgspec.structs.replace(
        configuration,
        jobs=processors() if jobs == "auto" else jobs,
        cache=default_folder() if settings.cache and "cache" in keywords else None,
    )


def _in_python(text: str) -> str:
    """What the command line says of a wrong setting, as Python code spells it."""
    text = text.replace("the command line or a flag: ", "").replace("`array`", "a list")
    what, at, key = text.partition(" - at `$.")
    return f"{key.rstrip('`').replace('-', '_')}: {what}" if at else text


def _settle(table: dict[str, Any], key: str, form: Any) -> None:
    """Give the values of a table within the table their form."""
    inner = table.get(key)
    if isinstance(inner, dict):
        names = {name: name.replace("_", "-") if key == "rules" else name for name in inner}
        table[key] = {names[name]: form(value) for name, value in inner.items()}


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        return [part for part in (piece.strip() for piece in value.split(",")) if part]
    return value


def _kebab(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key).replace("_", "-"): item for key, item in value.items()}
    return value


def _plain(value: Any) -> Any:
    """The value in the types that TOML has."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [_plain(item) for item in value]
    return value
