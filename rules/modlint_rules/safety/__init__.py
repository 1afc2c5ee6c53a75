"""SEC: what the file could do to whoever loads it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint import hookimpl
from modlint.rule import Rule


@hookimpl
def modlint_rules() -> Iterable[type[Rule[Any]]]:
    """The rules of this family."""
    from modlint_rules.safety.archive_trick import ArchiveTrick
    from modlint_rules.safety.carries_code import CarriesCode
    from modlint_rules.safety.hidden_bytes import HiddenBytes
    from modlint_rules.safety.memory_corruption import MemoryCorruption
    from modlint_rules.safety.path_escape import PathEscape
    from modlint_rules.safety.secrets_and_paths import SecretsAndPaths
    from modlint_rules.safety.unsafe_pickle import UnsafePickle

    return (
        UnsafePickle,
        HiddenBytes,
        CarriesCode,
        MemoryCorruption,
        ArchiveTrick,
        PathEscape,
        SecretsAndPaths,
    )
