"""What an outcome depends on beside what is on disk: settings, plugins, versions, the machine."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from modlint import __version__
from modlint.engine.plan import CheckPlan
from modlint.engine.registry import Registry
from modlint.errors import Unavailable
from modlint.settings.config import Configuration

_OF_REPORT = (
    "baseline",
    "cache",
    "exclude",
    "exit_zero",
    "fail_on",
    "jobs",
    "min_confidence",
    "min_severity",
    "output_format",
    "persona",
)
"""Settings that decide what is checked and what is shown, and no verdict."""
_LIBRARIES = (
    *(
        "array_api_compat",
        "jinja2",
        "ml_dtypes",
        "msgspec",
        "numpy",
        "onnx",
        "scipy",
        "threadpoolctl",
        "torch",
    ),
    *("timm", "torchvision", "transformers"),
)
_VARIABLES = ("CUDA_VISIBLE_DEVICES",)
_CODE = (".py", ".md", ".txt", ".toml", ".json", ".so", ".pyd")


def fingerprint(plan: CheckPlan) -> bytes:
    """Bytes that differ where two plans may judge the same file differently.

    Raises:
        Unavailable: something failed, or has no version: nothing that it gives is kept.
    """
    registry, configuration = plan.registry, plan.configuration
    facts: list[Any] = [
        __version__,
        sys.version,
        platform.machine(),
        list(_plugins(registry)),
        [_version(name) for name in _LIBRARIES],
        [os.environ.get(name) for name in _VARIABLES],
        list(_sources(registry)),
        _settings(configuration),
        configuration.portrays,
        configuration.draws,
        sorted(plan.rules),
    ]
    try:
        return hashlib.blake2b(msgspec.msgpack.encode(facts, enc_hook=str)).digest()
    except (UnicodeError, TypeError, OverflowError, ValueError) as error:
        raise Unavailable(f"settings have no fingerprint: {error}") from error


def _plugins(registry: Registry) -> Iterator[tuple[str, str, str, str]]:
    if registry.problems:
        raise Unavailable("a plugin failed")
    for plugin in registry.plugins:
        if plugin.version in ("unknown", "") and plugin.problem is None:
            raise Unavailable(f"{plugin.module} has no version")
        yield plugin.module, plugin.distribution, plugin.version, plugin.problem or ""


def _settings(configuration: Configuration) -> dict[str, Any]:
    settings = msgspec.structs.asdict(configuration.settings)
    kept = {name: value for name, value in settings.items() if name not in _OF_REPORT}
    root = os.path.abspath(configuration.root)  # noqa: PTH100 (links stay as they are)
    plain: dict[str, Any] = msgspec.to_builtins(kept)
    return plain | {"root": os.fsencode(root)}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _sources(registry: Registry) -> Iterator[tuple[str, int, int]]:
    """Of code that is being worked on, which changes without its version: each file's stamp.

    What a package manager has installed is known by its version.
    """
    installed = tuple(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    for root in sorted(_roots(plugin.module for plugin in registry.plugins)):
        if not root.startswith(installed):
            yield from _files(root)


def _roots(modules: Iterable[str]) -> set[str]:
    roots = set()
    for module in ("modlint", *modules):
        found = sys.modules.get(module.partition(":")[0].partition(".")[0])
        file = getattr(found, "__file__", None)
        if file is not None:
            path = Path(file)
            roots.add(str(path.parent if path.stem == "__init__" else path))
        else:
            roots.update(getattr(found, "__path__", ()))
    return roots


def _files(root: str) -> Iterator[tuple[str, int, int]]:
    pending = [root]
    while pending:
        place = pending.pop()
        if not os.path.isdir(place):  # noqa: PTH112 (it is a string)
            status = os.stat(place)  # noqa: PTH116
            yield place, status.st_size, status.st_mtime_ns
            continue
        with os.scandir(place) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir() and entry.name != "__pycache__":
                    pending.append(entry.path)
                elif entry.name.endswith(_CODE):
                    status = entry.stat()
                    yield entry.path, status.st_size, status.st_mtime_ns
