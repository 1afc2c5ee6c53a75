"""Callables that a configuration names to be instantiated: `_target_` of Hydra.

`hydra.utils.instantiate` imports what `_target_` names and calls it with the other keys
(CVE-2025-23304, CVE-2026-22584); NeMo and others do the same with `target` and `cls`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import DOTTED, acts, standard
from modlint_plugins.code.documents import Table

TARGET = "callable-name"
FOREIGN_CALLABLE = "foreign-class"
STANDARD = "standard-callable"
ACTING_CALLABLE = "acting-callable"
COMPUTED = "computed-callable"

KEY = "_target_"
INSTANTIATOR = "_instantiator"
"""Key of a Lightning checkpoint's hyperparameters whose value loading imports and calls."""
CALLED_KEYS = (KEY, INSTANTIATOR)
_OWN = frozenset(
    f"{package}.cli.instantiate_module" for package in ("lightning.pytorch", "pytorch_lightning")
)
"""What Lightning's command line writes there."""
TARGET_KEYS = frozenset((*CALLED_KEYS, "target", "cls", "class_path", "callable", "factory"))
"""Keys of what may be imported and called."""
_HELP = "do not instantiate this configuration; take its numbers and names only"
_SHOWN = 80
_MISSING = "???"
_RESOLVER = re.compile(r"\$\{\s*+(?=oc\.)")
_OPENS = re.compile(r"(?<!\$)\{")


def examine_target(key: str, value: str, where: str) -> Iterator[Remark]:
    """A remark on what a configuration names to be called.

    Args:
        key: the key, as it is read.
        value: what stands there.
        where: how messages call the place, "" where the file says it.
    """
    if key == INSTANTIATOR and value in _OWN:
        return
    name = value.strip().replace(":", ".")
    dotted = DOTTED.fullmatch(name) is not None
    deed = acts(name) if dotted else None
    named = f"{where}names" if where else "names"
    called = key in CALLED_KEYS
    if called and "${" in value:
        yield _computed(named, key, _shown(value))
    elif deed is not None and (called or "." in name):
        message = f"{named} {_shown(value)} to be called ({key}), which {deed}"
        yield Remark(
            ACTING_CALLABLE if called and standard(name) else STANDARD, message, help=_HELP
        )
    elif called and standard(name):
        message = f"{named} {_shown(value)} of the standard library to be called ({key})"
        yield Remark(STANDARD, message, help=_HELP)
    elif called and name and name != _MISSING:
        kind = TARGET if key == KEY else ACTING_CALLABLE
        yield Remark(kind, f"{named} {_shown(value)} to be called ({key})", help=_HELP)


def examine_targets(table: Table) -> Iterator[Remark]:
    """A remark on a name to be called that is no text: an alias, or a table to be worked out."""
    for value in table.values(KEY):
        if value is not None and not isinstance(value, (str, int, float)):
            yield _computed("names", KEY, "something that is no text")


def examine_resolver(text: str) -> Iterator[Remark]:
    """A remark on an interpolation of OmegaConf that makes a configuration out of text."""
    match = _RESOLVER.search(text)
    if match is None:
        return
    rest = text[match.end() :]
    if "oc.create" in rest or KEY in rest or _OPENS.search(rest):
        yield _computed("holds an interpolation that names", KEY, _shown(rest))


def _computed(named: str, key: str, what: str) -> Remark:
    message = f"{named} a callable that is computed, which was not followed ({key}): {what}"
    return Remark(COMPUTED, message, help=_HELP)


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
