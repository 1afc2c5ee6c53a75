"""FMT010: tensors saved from another device than the CPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from modlint.rule import Examination, Options
from modlint.scopes import FileRule, if_examined
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.format import DEVICE_BOUND


class DeviceBound(FileRule[Options], reference=DEVICE_BOUND):
    """Storages that ask for a device when they are loaded."""

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for the file."""
        storages = {tensor.storage for tensor in file.checkpoint.tensors.values()}
        devices = Counter(storage.location for storage in storages)
        del devices["cpu"]
        bound = sum(devices.values())
        where = ", ".join(f"{name} ({number:,})" for name, number in sorted(devices.items())[:4])
        message = f"{count(len(storages), 'storage')}, all for the CPU"
        if bound:
            message = f"{count(bound, 'storage')} of {len(storages):,} were saved from {where}"
        verdict = self.decided(
            whole_file(file.checkpoint),
            message,
            passes=not bound,
            help='load it with map_location="cpu", or save the tensors after .cpu()',
            values={"storages": len(storages), "bound": bound},
            limit={"bound": {"max": 0}},
        )
        yield if_examined(self, file.checkpoint, verdict)
