"""Which modules a configuration says are left as they are."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from modlint.analysis.quantisation.patterns import matches
from modlint.analysis.quantisation.settings import Settings

_WRAPPERS = ("model.", "language_model.", "transformer.", "module.", "thinker.", "base_model.")


def is_left_for_certain(module: str, settings: Settings) -> bool:
    """Whether every loader takes a module for one that is left as it is."""
    for entry in settings.left:
        if entry.startswith("re:") and settings.method == "compressed-tensors":
            if matches(entry[3:], module):
                return True
        elif (
            entry == module
            or ("*" in entry and fnmatchcase(module, entry))
            or (settings.method != "compressed-tensors" and module.startswith(f"{entry}."))
        ):
            return True
    return False


def may_be_left(module: str, settings: Settings) -> bool:
    """Whether some loader takes a module for one that is left as it is, by any of its readings."""
    spellings = {module, *_without_wrappers(module)}
    return any(_may_mean(entry, name) for entry in settings.left for name in spellings)


def _without_wrappers(module: str) -> set[str]:
    found = {module}
    for wrapper in _WRAPPERS * 2:
        found |= {name.removeprefix(wrapper) for name in found}
        found |= {name.replace(f".{wrapper}", ".", 1) for name in found}
    return found


def _may_mean(entry: str, module: str) -> bool:
    if entry.startswith("re:"):
        return matches(entry[3:], module) is not False or matches(f".*{entry[3:]}", module) is True
    plain = entry.strip("*").removesuffix(".linear").removesuffix(".weight").strip(".")
    if "*" in plain:
        return fnmatchcase(module, f"*{plain}*")
    for wrapper in _WRAPPERS:
        plain = plain.removeprefix(wrapper)
    return bool(plain) and plain in module


def pattern_of(module: str) -> str:
    """A module's name with its numbers left out: what repeated layers have in common."""
    return re.sub(r"(?<![a-z0-9])\d+(?![a-z0-9])", "#", module, flags=re.IGNORECASE)


def block_of(module: str) -> str:
    """The numbered block that a module lies in ("model.layers.3"), "" where there is none."""
    found = re.match(r"(.*?\.\d+)(\.|$)", module)
    return found[1] if found else ""
