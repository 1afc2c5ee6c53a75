"""FMT: the file as a container."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint import hookimpl
from modlint.rule import Rule


@hookimpl
def modlint_rules() -> Iterable[type[Rule[Any]]]:
    """The rules of this family."""
    from modlint_rules.format.device_bound import DeviceBound
    from modlint_rules.format.duplicate_keys import DuplicateKeys
    from modlint_rules.format.legacy_container import LegacyContainer
    from modlint_rules.format.lfs_pointer import LfsPointer
    from modlint_rules.format.missing_shard import MissingShard
    from modlint_rules.format.oversized_storage import OversizedStorage
    from modlint_rules.format.training_state_left_in import TrainingStateLeftIn
    from modlint_rules.format.unreadable import Unreadable
    from modlint_rules.format.wrapper_prefix import WrapperPrefix
    from modlint_rules.format.zero_size_parameter import ZeroSizeParameter

    return (
        Unreadable,
        LfsPointer,
        MissingShard,
        TrainingStateLeftIn,
        WrapperPrefix,
        OversizedStorage,
        ZeroSizeParameter,
        DeviceBound,
        LegacyContainer,
        DuplicateKeys,
    )
