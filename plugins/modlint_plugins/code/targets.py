"""Callables that a configuration names to be instantiated: `_target_` of Hydra.

`hydra.utils.instantiate` imports what `_target_` names and calls it with the other keys
(CVE-2025-23304, CVE-2026-22584); NeMo and others do the same with `target` and `cls`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import DOTTED, acts, standard

TARGET = "callable-name"
STANDARD = "standard-callable"

KEY = "_target_"
TARGET_KEYS = frozenset((KEY, "target", "cls", "class_path", "callable", "factory"))
"""Keys of what may be imported and called."""
_HELP = "do not instantiate this configuration; take its numbers and names only"
_SHOWN = 80


def examine_target(key: str, value: str, where: str) -> Iterator[Remark]:
    """A remark on what a configuration names to be called.

    Args:
        key: the key, as it is read.
        value: what stands there.
        where: how messages call the place, "" where the file says it.
    """
    name = value.strip().replace(":", ".")
    deed = acts(name) if DOTTED.fullmatch(name) else None
    named = f"{where}names" if where else "names"
    if deed is not None and (key == KEY or "." in name):
        message = f"{named} {_shown(value)} to be called ({key}), which {deed}"
        yield Remark(STANDARD, message, help=_HELP)
    elif key == KEY and standard(name):
        message = f"{named} {_shown(value)} of the standard library to be called ({key})"
        yield Remark(STANDARD, message, help=_HELP)
    elif key == KEY and name and not re.fullmatch(r"\$\{.*\}|\?\?\?", name):
        yield Remark(TARGET, f"{named} {_shown(value)} to be called ({key})", help=_HELP)


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
