"""FMT006: storages larger than what their tensors use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.checkpoint import Storage, Tensor
from modlint.rule import Examination, Options, Rule
from modlint.text import count, file_size
from modlint.verdict import Severity, Target, Verdict
from modlint_rules.targets import if_examined, whole_file

_LISTED = 20


class OversizedStorageOptions(Options, frozen=True):
    """Options of FMT006."""

    max_ratio: Annotated[
        float, msgspec.Meta(description="most bytes stored for each byte used", ge=1)
    ] = 1.05


class OversizedStorage(Rule[OversizedStorageOptions]):
    """Views that were saved with the whole storage behind them."""

    code = "FMT006"
    name = "oversized-storage"
    summary = "a storage holds more bytes than its tensors use: views were saved"
    severity = Severity.WARNING
    source = "PyTorch documentation, serialization semantics, 'Saving and loading tensor views'"
    options_type = OversizedStorageOptions

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each storage, the largest first, or one passing verdict."""
        viewers: dict[Storage, list[Tensor]] = defaultdict(list)
        for tensor in file.checkpoint.tensors.values():
            viewers[tensor.storage].append(tensor)
        sizes = [(storage, _used(tensors), tensors[0]) for storage, tensors in viewers.items()]
        over = [size for size in sizes if size[0].nbytes > self.options.max_ratio * size[1]]
        over.sort(key=lambda size: size[1] - size[0].nbytes)
        for storage, used, tensor in over[:_LISTED]:
            yield self._finding(storage, used, tensor)
        if len(over) > _LISTED:
            wasted = sum(storage.nbytes - used for storage, used, _ in over[_LISTED:])
            rest = count(len(over) - _LISTED, "further storage")
            yield self.failed(
                whole_file(file.checkpoint),
                f"{rest} waste {file_size(wasted)}",
                help="call .clone() on the tensors before saving them",
                values={"count": len(over) - _LISTED, "wasted": wasted},
            )
        if not over:
            worst = max((s.nbytes / used for s, used, _ in sizes if used), default=1.0)
            passed = self.passed(
                whole_file(file.checkpoint),
                f"{count(len(sizes), 'storage')}, none larger than its tensors need",
                values={"ratio": worst},
                limit={"ratio": {"max": self.options.max_ratio}},
            )
            yield if_examined(self, file.checkpoint, passed)

    def _finding(self, storage: Storage, used: int, tensor: Tensor) -> Verdict:
        return self.failed(
            Target("tensor", tensor.name, member=storage.member, offset=storage.offset),
            f"tensor {tensor.name!r} keeps a storage of {storage.nbytes:,} bytes,"
            f" of which {used:,} are used",
            help="call .clone() on the tensor before saving it",
            values={"bytes": storage.nbytes, "used": used, "ratio": storage.nbytes / max(used, 1)},
            limit={"ratio": {"max": self.options.max_ratio}},
        )


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
