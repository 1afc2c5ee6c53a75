"""Settings: what they are, where they come from, and how a wrong one is reported."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from modlint.errors import UsageError
from modlint.verdict import Confidence, Persona, Severity

Activation = Literal[
    "identity",
    "relu",
    "relu6",
    "leakyrelu",
    "prelu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "swish",
    "mish",
    "sigmoid",
    "tanh",
    "softplus",
    "softsign",
    "hardsigmoid",
    "hardswish",
]
"""By ONNX's names, in lower case."""

FailOn = Literal["error", "warning", "note", "never"]
Device = Literal["auto", "cpu", "cuda"]
Jobs = Annotated[int, msgspec.Meta(ge=1)]


def describe(text: str, **bounds: Any) -> msgspec.Meta:
    """A field's description, with bounds on its value."""
    return msgspec.Meta(description=text, **bounds)


class NetworkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What the user knows of the networks in some files."""

    files: Annotated[str, describe("pattern of the files it is about")]
    activation: Annotated[
        Activation | None, describe("activation of hidden layers, where the file does not tell")
    ] = None
    order: Annotated[
        Literal["as-stored"] | None,
        describe(
            "the layers of a state_dict are one chain, in the order in which the file has them"
        ),
    ] = None
    edges: Annotated[
        tuple[str, ...],
        describe('what layers and norms read: "input -> a", "a + b -> c" (added), "a, b -> c"'),
    ] = ()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The settings of a run; the kebab-case field names are the keys of the configuration."""

    select: Annotated[
        tuple[str, ...], describe("rules to run: ALL, profiles, prefixes, codes, names")
    ] = ("ALL",)
    extend_select: Annotated[tuple[str, ...], describe("rules to run beside `select`")] = ()
    ignore: Annotated[tuple[str, ...], describe("rules not to run")] = ()
    per_file_ignores: Annotated[
        dict[str, tuple[str, ...]], describe("by file pattern, rules not to run")
    ] = msgspec.field(default_factory=dict)
    exclude: Annotated[tuple[str, ...], describe("file patterns to pass over in folders")] = ()
    deep: Annotated[bool, describe("run rules that take long on every file")] = False
    architectures: Annotated[
        bool, describe("rebuild models of libraries that are installed by their own classes")
    ] = True
    budget: Annotated[
        float, describe("seconds a file for deep rules that only the output format asks for", gt=0)
    ] = 10.0
    fail_on: Annotated[FailOn, describe("least severity that fails the run")] = "error"
    strict: Annotated[
        bool, describe("inconclusive verdicts, skipped inputs and failed plugins fail the run")
    ] = False
    exit_zero: Annotated[bool, describe("findings give exit code 0 all the same")] = False
    persona: Annotated[Persona, describe("who is told: regular, pedantic or auditor")] = (
        Persona.REGULAR
    )
    min_severity: Annotated[
        Severity | None,
        describe("least severity that is shown in full; unset for warning, or what fails the run"),
    ] = None
    min_confidence: Annotated[Confidence, describe("least confidence that is shown")] = (
        Confidence.LOW
    )
    output_format: Annotated[str, describe("a reporter's name, or auto")] = "auto"
    device: Annotated[Device, describe("where to compute")] = "auto"
    seed: Annotated[int, describe("seed of everything random", ge=0)] = 0
    baseline_model: Annotated[
        Annotated[str, msgspec.Meta(min_length=1)] | None,
        describe("checkpoint that the files are compared with"),
    ] = None
    baseline: Annotated[
        Annotated[str, msgspec.Meta(min_length=1)] | None,
        describe("file of accepted findings"),
    ] = None
    jobs: Annotated[
        Jobs | Literal["auto"], describe("files that are checked at once; auto for as many as pay")
    ] = "auto"
    cache: Annotated[bool, describe("keep outcomes, and give them again for what is unchanged")] = (
        True
    )
    networks: Annotated[
        tuple[NetworkSettings, ...], describe("what is known of the networks in some files")
    ] = ()
    rules: Annotated[dict[str, dict[str, Any]], describe("by rule name, its options")] = (
        msgspec.field(default_factory=dict)
    )


class Configuration(msgspec.Struct, frozen=True):
    """Settings and where they came from.

    Attributes:
        settings: the settings.
        file: the configuration file, None where there is none.
        root: the folder that file patterns are relative to.
        unsteered: the settings without the file, where nobody named it: it was found.
        unapplied: a file that was found and does not apply.
        portrays: whether the output shows what deep rules measure, asked for or not.
        explains: whether the output holds the pages of rules.
        jobs: files that are checked at once, at most.
        cache: the folder of kept outcomes, None where nothing is kept; no configuration file says
            it, as one may come with what is checked.
        paranoid: whether files are hashed that seem unchanged.
        draws: whether the output draws layers and their weights.
    """

    settings: Settings
    file: Path | None
    root: Path
    unsteered: Settings | None = None
    unapplied: Path | None = None
    portrays: bool = False
    explains: bool = False
    jobs: int = 1
    cache: Path | None = None
    paranoid: bool = False
    draws: bool = False


def find_config(start: Path) -> Path | None:
    """The nearest configuration file at or above `start`; files are never merged."""
    for folder in (start, *start.parents):
        plain = folder / "modlint.toml"
        if plain.is_file():
            return plain
        project = folder / "pyproject.toml"
        if project.is_file() and "modlint" in _table(_load_toml(project), "tool", project):
            return project
    return None


def load_config(
    file: Path | None, overrides: Iterable[str] = (), flags: Mapping[str, Any] | None = None
) -> Configuration:
    """Settings from a file, then from dotted ``KEY=VALUE`` overrides, then from flags.

    Raises:
        UsageError: the file cannot be read, or a key or value is wrong; names the nearest key.
    """
    table: dict[str, Any] = {}
    where = "the command line"
    if file is not None:
        table = _load_toml(file)
        if file.name == "pyproject.toml":
            table = _table(_table(table, "tool", file), "modlint", file)
        where = str(file)
        _convert(table, where)
        for key in ("baseline", "baseline-model"):
            _resolve(table, key, file.parent)
    for override in overrides:
        _apply_override(table, override)
    table.update(flags or {})
    settings = _convert(table, where if not (overrides or flags) else f"{where} or a flag")
    return Configuration(settings, file, file.parent if file else Path.cwd())


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word most like `word`, or ''."""
    spelled = {name.lower(): name for name in known}
    match = difflib.get_close_matches(word.lower(), spelled, n=1, cutoff=0.5)
    return f"; did you mean `{spelled[match[0]]}`?" if match else ""


def _load_toml(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: is not valid TOML: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{file}: is nested too deeply to be read") from error


def _table(parent: dict[str, Any], key: str, file: Path) -> dict[str, Any]:
    table = parent.get(key, {})
    if not isinstance(table, dict):
        raise UsageError(f"{file}: `{key}` holds a value, not a table")
    return table


def _resolve(table: dict[str, Any], key: str, folder: Path) -> None:
    """Make a path that a file gives relative to its folder relative to the current one."""
    path = table.get(key)
    if path is not None and not os.path.isabs(path):  # noqa: PTH117 (it is a str)
        table[key] = os.path.relpath(folder / path)


def _apply_override(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise UsageError(f"--config {override}: no such file, and not of the form KEY=VALUE")
    *path, last = key.strip().split(".")
    for part in path:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise UsageError(f"--config {override}: `{part}` holds a value, not a table")
    table[last] = _parse_value(text.strip())


def _parse_value(text: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


StructT = TypeVar("StructT", bound=msgspec.Struct)


def convert(table: Mapping[str, Any], struct: type[StructT], where: str) -> StructT:
    """Validate a table against a settings class.

    Raises:
        UsageError: an unknown key (naming the nearest), or a value of the wrong kind or range.
    """
    known = {field.encode_name for field in msgspec.structs.fields(struct)}
    for key in table:
        if key not in known:
            raise UsageError(f"{where}: unknown key `{key}`{nearest(key, known)}")
    try:
        return msgspec.convert(table, struct, strict=True)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {_lower_first(str(error))}") from error


def _convert(table: Mapping[str, Any], where: str) -> Settings:
    networks = table.get("networks")
    for network in networks if isinstance(networks, list) else ():
        if isinstance(network, dict):
            convert(network, NetworkSettings, f"{where}: networks")
    return convert(table, Settings, where)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
