"""What the readers of a file explained: which pickles they found, and which bytes are tensors."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Checkpoint
from modlint.pickles import PickleTrace
from modlint_plugins.sweep.run import Run


class Explained:
    """Places of pickles and of tensors' bytes.

    Pickles are told by their offset in the file where that is known, else by their offset in a
    member's name.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint]) -> None:
        self._offsets: set[int] = set()
        self._places: set[tuple[str | None, int]] = set()
        self._storages: set[str] = set()
        for checkpoint in checkpoints:
            members = {m.name: m.offset for m in checkpoint.members}
            for trace in checkpoint.pickles:
                self._note(trace, members.get(trace.member or ""))
            storages = {tensor.storage for tensor in checkpoint.tensors.values()}
            self._storages |= {storage.member for storage in storages if storage.member}

    def has_pickle(self, run: Run, at: int) -> bool:
        """Whether a reader interpreted the pickle at an offset of a run."""
        if run.origin is not None and run.origin + at in self._offsets:
            return True
        return (run.member, at) in self._places

    def is_storage(self, run: Run) -> bool:
        """Whether a tensor's bytes lie in a run."""
        return run.member in self._storages

    def _note(self, trace: PickleTrace, origin: int | None) -> None:
        if trace.member is None:
            self._offsets.add(trace.offset)
        elif origin is not None:
            self._offsets.add(origin + trace.offset)
        else:
            self._places.add((trace.member, trace.offset))
