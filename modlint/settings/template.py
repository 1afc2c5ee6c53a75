"""A configuration file to begin with: every setting explained, and commented out at its default."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from modlint.settings.config import Settings
from modlint.settings.profiles import PROFILES

_HEAD = """\
# Settings of modlint. What is commented out is the default.
# `modlint config` shows the settings in force, `modlint rules` the rules, `modlint rule CODE` one.
"""
_GATES = {"release": {"fail-on": "warning"}}
"""By profile, settings that go with it."""
_EXAMPLES = {
    "min-severity": "note",
    "baseline-model": "reference.safetensors",
    "baseline": "modlint-baseline.json",
}
"""Of settings that are not set by default."""
_TABLES = ("per-file-ignores", "networks", "rules")
_TAIL = """
# By file pattern, rules not to run.
# [per-file-ignores]
# "checkpoints/debug/**" = ["NEU"]

# What is known of the networks in some files, which a state_dict does not tell.
# [[networks]]
# files = "mnist*.pt"
# activation = "relu"
# order = "as-stored"         # its layers are one chain, in the order in which the file has them
# edges = ["input -> a", "a -> b", "a + b -> c"]

# Options of a rule, and the severity of its findings; `modlint rule CODE` lists them.
# [rules.not-clusterable]
# severity = "error"
# max-p = 0.05
"""
_WIDTH = 98


def template(profile: str | None = None) -> str:
    """The text of a modlint.toml.

    Args:
        profile: the one that it selects; None for all rules.
    """
    chosen = {} if profile is None else {"select": [profile], **_GATES.get(profile, {})}
    lines = [line for field in _fields() for line in _setting(field, chosen)]
    options = PROFILES[profile].rules if profile else {}
    return _HEAD + "\n".join([*lines, *_options(options)]) + "\n" + _TAIL


def _fields() -> Iterator[inspect.Field]:
    known = inspect.type_info(Settings)
    if not isinstance(known, inspect.StructType):
        raise TypeError("settings are a struct")
    return (field for field in known.fields if field.encode_name not in _TABLES)


def _setting(field: inspect.Field, chosen: Mapping[str, Any]) -> Iterator[str]:
    """A setting: what it means, what it may be, and its value."""
    name = field.encode_name
    values = _values(field.type)
    said = _description(field.type)
    if not all(value in said for value in values):
        said += f": {', '.join(values)}"
    yield ""
    yield from textwrap.wrap(said, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    if name in chosen:
        yield f"{name} = {_toml(chosen[name])}"
    elif field.default is None:
        yield f"# {name} = {_toml(_EXAMPLES[name])}  # not set by default"
    else:
        yield f"# {name} = {_toml(field.default)}"


def _description(type: inspect.Type) -> str:
    if not isinstance(type, inspect.Metadata) or type.extra_json_schema is None:
        return ""
    return str(type.extra_json_schema["description"])


def _values(type: inspect.Type) -> list[str]:
    """The words that a setting may be; [] where any will do."""
    if isinstance(type, inspect.Metadata):
        return _values(type.type)
    if isinstance(type, inspect.UnionType):
        return [value for part in type.types for value in _values(part)]
    if isinstance(type, inspect.EnumType):
        return [str(member.value) for member in type.cls]
    if isinstance(type, inspect.LiteralType):
        return [str(value) for value in type.values]
    return []


def _options(rules: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What the profile sets of rules, to be changed here."""
    for code, options in rules.items():
        yield ""
        yield "# Set by the profile; what is given here counts instead."
        yield f"# [rules.{code}]"
        yield from (f"# {name} = {_toml(value)}" for name, value in options.items())


def _toml(value: Any) -> str:
    """A scalar or list in TOML, whose spelling of them JSON shares."""
    return msgspec.json.encode(value).decode()
