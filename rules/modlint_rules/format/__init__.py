"""FMT: the file as a container."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint import hookimpl
from modlint.rule import Rule


@hookimpl
def modlint_rules() -> Iterable[type[Rule[Any]]]:
    """The rules of this family."""
    from modlint_rules.format.lfs_pointer import LfsPointer
    from modlint_rules.format.unreadable import Unreadable

    return (LfsPointer, Unreadable)
