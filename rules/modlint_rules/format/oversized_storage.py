"""FMT006: storages larger than what their tensors use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from modlint.checkpoint import Storage, Tensor
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count, file_size
from modlint.verdict import Severity, Target, Verdict
from modlint_rules.format import OVERSIZED_STORAGE

_SMALL = 1024
"""Bytes that are no reason to save again."""


class OversizedStorageOptions(Options, frozen=True):
    """Options of FMT006."""

    max_ratio: Annotated[
        float, msgspec.Meta(description="most bytes stored for each byte used", ge=1)
    ] = 1.05


class OversizedStorage(FileRule[OversizedStorageOptions], reference=OVERSIZED_STORAGE):
    """Views that were saved with the whole storage behind them."""

    options_type = OversizedStorageOptions

    of_tensors = True
    advice = "call .clone() on the tensor before saving it"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each storage, the largest first."""
        over = [s for s in _sizes(file) if s[0].nbytes > self.options.max_ratio * s[1]]
        for size in sorted(over, key=lambda size: size[1] - size[0].nbytes):
            yield self._finding(*size)

    def healthy(self, file: Examination) -> Verdict:
        """The storage that wastes most."""
        sizes = _sizes(file)
        worst = max((s.nbytes / used for s, used, _ in sizes if used), default=1.0)
        return self.passed(
            whole_file(file.checkpoint),
            f"{count(len(sizes), 'storage')}, none larger than its tensors need",
            values={"ratio": worst},
            limit={"ratio": {"max": self.options.max_ratio}},
        )

    def rest(self, findings: Sequence[Verdict], file: Examination) -> Verdict:
        """What the further storages waste together."""
        wasted = sum(verdict.values["bytes"] - verdict.values["used"] for verdict in findings)
        return self.failed(
            whole_file(file.checkpoint),
            f"{count(len(findings), 'further storage')} waste {file_size(wasted)}",
            help="call .clone() on the tensors before saving them",
            values={"count": len(findings), "wasted": wasted},
        )

    def _finding(self, storage: Storage, used: int, tensor: Tensor) -> Verdict:
        return self.failed(
            Target("tensor", tensor.name, member=storage.member, offset=storage.offset),
            f"tensor {tensor.name!r} keeps a storage of {storage.nbytes:,} bytes,"
            f" of which {used:,} are used",
            help=self.advice,
            severity=Severity.NOTE if storage.nbytes - used < _SMALL else None,
            values={"bytes": storage.nbytes, "used": used, "ratio": storage.nbytes / max(used, 1)},
            limit={"ratio": {"max": self.options.max_ratio}},
        )


def _sizes(file: Examination) -> list[tuple[Storage, int, Tensor]]:
    """Each storage with the bytes of it that are used, and the first tensor that views it."""
    viewers: dict[Storage, list[Tensor]] = defaultdict(list)
    for tensor in file.checkpoint.tensors.values():
        viewers[tensor.storage].append(tensor)
    return [(storage, _used(tensors), tensors[0]) for storage, tensors in viewers.items()]


def _used(tensors: list[Tensor]) -> int:
    """Bytes of a storage that its tensors cover; of strided ones as many as they have elements."""
    spans = []
    for tensor in {(t.storage_offset, t.shape, t.strides, t.dtype): t for t in tensors}.values():
        start = tensor.storage_offset * tensor.dtype.bits
        spans.append((start, start + tensor.elements * tensor.dtype.bits))
    covered = end = 0
    for first, last in sorted(spans):
        covered += max(last - max(first, end), 0)
        end = max(end, last)
    return -(-covered // 8)
