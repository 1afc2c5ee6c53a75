"""What a run gathers while it checks files."""

from __future__ import annotations

from msgspec import Struct, field


class RunRecord(Struct):
    """What a run gathers beside the files' reports.

    Attributes:
        errors: wrong usage and internal errors: exit code 2.
        skipped: inputs and plugins passed over: they fail only a strict run.
        notes: what was passed over by design, and what steered the run: they fail nothing.
        devices: types of the devices that computed.
    """

    errors: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
