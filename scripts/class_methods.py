"""Writes the names of the methods of the classes that a pickle may rebuild.

    python scripts/class_methods.py
    python scripts/class_methods.py --check

What a file plants on an instance in the place of a method runs where that method is called, while
loading or later. Names of older versions stay in the list. Needs the packages of the tests.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
import tomllib
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy
import torch

from modlint_rules.safety.allowlist import NAMED
from modlint_rules.safety.libraries import library, packages

FILE = Path(__file__).parents[1] / "plugins/modlint_plugins/pickling/methods.toml"
REPLACED = {"forward"}
"""Methods that libraries themselves replace on an instance; loading calls none of them."""
NATIVE = ("torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse", "torch._C", "numpy")
"""Modules of tensors, arrays and their types, on which a pickle sets no attributes of its own."""
REBUILT = ("rebuilt", "called", "hands_on")
VALUES = "values"
"""Name of the table of arrays and tensors, in whose place a file may put something else."""
STANDARD = "python"
"""Name of the table of the standard library's classes."""
HEADER = """\
# Names of the methods of classes that a pickle may rebuild, by their top-level package.
# Written by scripts/class_methods.py.
"""
Names = dict[str, set[str]]


def installed() -> Names:
    """By package, names of the methods of the listed classes that are installed."""
    found: Names = {}
    for package, cls in _classes():
        names = {name for name in _methods(cls) if name.isascii()}
        found.setdefault(package, set()).update(names - REPLACED)
    return found


def listed() -> Names:
    """The names in the list."""
    if not FILE.exists():
        return {}
    tables = tomllib.loads(FILE.read_text(encoding="ascii"))
    return {package: set(names.split()) for package, names in tables.items()}


def main(arguments: list[str]) -> int:
    """Write the list, or with --check name what it lacks."""
    now, before = installed(), listed()
    if arguments == ["--check"]:
        missing = sorted(f"{p}: {name}" for p in now for name in now[p] - before.get(p, set()))
        print("\n".join(missing))
        return int(bool(missing))
    packages = sorted(now.keys() | before.keys())
    tables = (_table(p, now.get(p, set()) | before.get(p, set())) for p in packages)
    FILE.write_text(HEADER + "".join(tables), encoding="ascii")
    return 0


def _table(package: str, names: set[str]) -> str:
    return f'{package} = """\n' + textwrap.fill(" ".join(sorted(names)), 98) + '\n"""\n'


def _classes() -> Iterator[tuple[str, type]]:
    yield from ((VALUES, cls) for cls in (numpy.ndarray, torch.Tensor))
    tables = (library(package).tables.items() for package in sorted(packages()))
    libraries = {pair for table in tables for pair, use in table if use in REBUILT}
    for module, name in sorted(NAMED | libraries):
        if module not in NATIVE and not module.startswith("__"):
            value = _find(module, name)
            if inspect.isclass(value):
                root = module.partition(".")[0]
                yield STANDARD if root in sys.stdlib_module_names else root, value


def _find(module: str, name: str) -> object:
    try:
        with warnings.catch_warnings(action="ignore"):
            value: object = import_module(module)
            for part in name.split("."):
                value = getattr(value, part)
    except (ImportError, AttributeError):
        return None
    return value


def _methods(cls: type) -> Iterator[str]:
    for name in dir(cls):
        value = inspect.getattr_static(cls, name, None)
        plain = not name.startswith("__") and not inspect.isclass(value)
        if plain and (callable(value) or isinstance(value, (classmethod, staticmethod))):
            yield name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
