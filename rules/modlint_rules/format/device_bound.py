"""FMT010: tensors saved from another device than the CPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from modlint.rule import Examination, Options, Rule
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.targets import if_examined, whole_file


class DeviceBound(Rule[Options]):
    """Storages that ask for a device when they are loaded."""

    code = "FMT010"
    name = "device-bound"
    summary = "tensors were saved from a GPU: loading them elsewhere needs map_location"
    severity = Severity.NOTE
    source = "PyTorch documentation, torch.load, map_location"

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for the file."""
        checkpoint = file.checkpoint
        storages = {tensor.storage for tensor in checkpoint.tensors.values()}
        devices = Counter(storage.location for storage in storages)
        bound = {device: number for device, number in devices.items() if device != "cpu"}
        target = whole_file(checkpoint)
        values = {"storages": len(storages), "bound": sum(bound.values())}
        limit = {"bound": {"max": 0}}
        if not bound:
            message = f"{count(len(storages), 'storage')}, all for the CPU"
            passed = self.passed(target, message, values=values, limit=limit)
            yield if_examined(self, checkpoint, passed)
            return
        where = ", ".join(f"{device} ({number:,})" for device, number in sorted(bound.items())[:4])
        yield self.failed(
            target,
            f"{count(sum(bound.values()), 'storage')} of {len(storages):,} were saved from {where}",
            help='load it with map_location="cpu", or save the tensors after .cpu()',
            values=values,
            limit=limit,
        )
