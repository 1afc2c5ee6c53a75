"""Which modules a configuration says are left as they are."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache

from msgspec import Struct

from modlint.analysis.patterns import matches
from modlint.analysis.quantisation.settings import Settings

_WRAPPERS = ("model.", "language_model.", "transformer.", "module.", "thinker.", "base_model.")


class _Entries(Struct, frozen=True):
    """A list of modules, sorted by how its entries are written.

    Attributes:
        exact: names.
        wild: names with `*`.
        patterns: regular expressions.
        parts: names without wrappers and ends, which loaders look for anywhere in a name.
    """

    exact: frozenset[str]
    wild: tuple[str, ...]
    patterns: tuple[str, ...]
    parts: tuple[str, ...]


def is_left_for_certain(module: str, settings: Settings) -> bool:
    """Whether every loader takes a module for one that is left as it is."""
    entries = _entries(settings.left)
    if module in entries.exact or any(fnmatchcase(module, entry) for entry in entries.wild):
        return True
    if settings.method == "compressed-tensors":
        return any(matches(pattern, module) for pattern in entries.patterns)
    return any(parent in entries.exact for parent in _parents(module))


def may_be_left(module: str, settings: Settings) -> bool:
    """Whether some loader takes a module for one that is left as it is, by any of its readings."""
    entries = _entries(settings.left)
    if any(part in module for part in entries.parts):
        return True
    if any(fnmatchcase(module, f"*{entry.strip('*')}*") for entry in entries.wild):
        return True
    spellings = _spellings(module)
    return any(
        matches(pattern, name) is not False for pattern in entries.patterns for name in spellings
    )


@lru_cache(maxsize=64)
def _entries(left: tuple[str, ...]) -> _Entries:
    patterns = tuple(entry[3:] for entry in left if entry.startswith("re:"))
    wild = tuple(entry for entry in left if "*" in entry and not entry.startswith("re:"))
    exact = frozenset(left) - set(wild)
    parts = {_bare(entry) for entry in exact if not entry.startswith("re:")} - {""}
    return _Entries(exact, wild, patterns, tuple(parts))


def _bare(entry: str) -> str:
    """An entry without what libraries put before and behind the name that they mean."""
    plain = entry.removesuffix(".weight").strip(".")
    for wrapper in _WRAPPERS:
        plain = plain.removeprefix(wrapper)
    return plain


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _spellings(module: str) -> set[str]:
    """A module's name, with and without the wrappers that it begins with."""
    found = {module, f"model.{module}"}
    for wrapper in _WRAPPERS * 2:
        found |= {name.removeprefix(wrapper) for name in found}
    return found


def pattern_of(module: str) -> str:
    """A module's name with its numbers left out: what repeated layers have in common."""
    return re.sub(r"(?<![a-z0-9])\d+(?![a-z0-9])", "#", module, flags=re.IGNORECASE)


def block_of(module: str) -> str:
    """The numbered block that a module lies in ("model.layers.3"), "" where there is none."""
    found = re.match(r"(.*?\.\d+)(\.|$)", module)
    return found[1] if found else ""
