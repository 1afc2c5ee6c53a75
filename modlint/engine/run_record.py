"""What a run gathers while it checks files."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field


class RunRecord(Struct):
    """What a run gathers beside the files' reports.

    Attributes:
        errors: wrong usage and internal errors: exit code 2.
        skipped: inputs and plugins passed over: they fail only a strict run.
        notes: what was passed over by design, and what steered the run: they fail nothing.
        devices: types of the devices that computed.
        torch: whether torch computed anything.
        interrupted: whether the user stopped the run.
    """

    errors: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
    torch: bool = False
    interrupted: bool = False

    def merge(
        self,
        errors: Iterable[str],
        notes: Iterable[str],
        devices: Iterable[str],
        *,
        torch: bool,
    ) -> None:
        """Take in what the check of one file gave beside its report."""
        self.errors += errors
        self.notes += notes
        self.devices |= set(devices)
        self.torch |= torch
