"""What known libraries write into pickles: one file of data for each top-level package.

`<package>.toml` lists exact names by module, in tables that say how each may be used:

- `[rebuilt]`: classes that are named, or whose instances are rebuilt, which restores attributes;
- `[named]`: functions and classes that are only named;
- `[enums]`: called with one number or text, which looks up a member; a member is named too;
- `[called]`: called with anything, since they check what they are given and run none of it;
- `[hands_on]`: called or rebuilt, and may call what they are given, as `CALLS_ITS_ARGUMENTS` do;
- `[evaluates]`: never harmless, since rebuilding one evaluates or unpickles what the file holds.

A key holds one module or several, parted by blanks: those that versions of the library have used.
But for the last, no entry runs code that a file could choose: a function that imports, evaluates
or opens what it is told has no place here, nor has a class whose `__setstate__` does so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from msgspec import Struct

from modlint.pickles import GlobalUse, Use

TABLES = ("rebuilt", "named", "enums", "called", "hands_on", "evaluates")
_SUFFIX = ".toml"
_USES: Mapping[Use, tuple[str, ...]] = {
    "pushed": ("rebuilt", "named", "enums", "called", "hands_on"),
    "instantiated": ("rebuilt", "called", "hands_on"),
    "called": ("called", "hands_on"),
    "handed-on": ("called",),
}
"""By use, the tables whose globals may be used so."""


class Library(Struct, frozen=True):
    """What one library writes.

    Attributes:
        package: its top-level package.
        tables: by (module, name), the table that holds it.
        evaluating: names of what evaluates: other modules of the package import them.
    """

    package: str
    tables: Mapping[tuple[str, str], str]
    evaluating: frozenset[str]

    def writes(self, use: GlobalUse) -> bool:
        """Whether the library itself uses that global so."""
        table = self.tables.get((use.module, use.name), "")
        if use.use == "pushed" and self._member_of_enum(use):
            return True
        return table in _USES[use.use] or (use.use == "called" and table == "enums" and use.literal)

    def hands_on(self, use: GlobalUse) -> bool:
        """Whether what that global is given may be called."""
        rebuilt = use.use in ("called", "instantiated")
        return rebuilt and self.tables.get((use.module, use.name)) == "hands_on"

    def is_enum(self, use: GlobalUse) -> bool:
        """Whether that global is an enumeration, whose members the whole process shares."""
        return self.tables.get((use.module, use.name)) == "enums"

    def evaluates(self, use: GlobalUse) -> bool:
        """Whether that global evaluates what the file holds."""
        return use.name.rpartition(".")[2] in self.evaluating

    def _member_of_enum(self, use: GlobalUse) -> bool:
        cls, _, member = use.name.rpartition(".")
        public = not member.startswith("_")
        return public and self.tables.get((use.module, cls)) == "enums"


@cache
def packages() -> frozenset[str]:
    """The top-level packages of all known libraries."""
    files = resources.files(__package__).iterdir()
    return frozenset(f.name.removesuffix(_SUFFIX) for f in files if f.name.endswith(_SUFFIX))


@cache
def library(package: str) -> Library:
    """The data of one of `packages`."""
    text = resources.files(__package__).joinpath(f"{package}{_SUFFIX}").read_text("utf-8")
    tables = {
        (module, name): table
        for table, lists in tomllib.loads(text).items()
        for modules, names in lists.items()
        for module in modules.split()
        for name in names.split()
    }
    evaluating = frozenset(name for (_, name), table in tables.items() if table == "evaluates")
    return Library(package, tables, evaluating)


def library_of(module: str) -> Library | None:
    """The known library that a module belongs to."""
    package = module.partition(".")[0]
    return library(package) if package in packages() else None
