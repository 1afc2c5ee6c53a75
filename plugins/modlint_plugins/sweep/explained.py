"""What the readers of a file explained: which pickles they found, and which bytes are tensors."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Checkpoint
from modlint.pickles import PickleTrace
from modlint_plugins.sweep.run import Run


class Explained:
    """Places of pickles and of tensors' bytes.

    Pickles are told by their offset in the file where that is known, else by their offset in a
    member, or by what they hold: what is decoded from text bears another name with each reader.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint]) -> None:
        self._offsets: set[tuple[object, ...]] = set()
        self._places: set[tuple[object, ...]] = set()
        self._contents: set[tuple[object, ...]] = set()
        self._extents: set[tuple[object, ...]] = set()
        self._storages: set[str] = set()
        for checkpoint in checkpoints:
            members = {m.name: None if m.compressed else m.offset for m in checkpoint.members}
            for trace in checkpoint.pickles:
                self._note(trace, members.get(trace.member or ""))
            storages = {tensor.storage for tensor in checkpoint.tensors.values()}
            self._storages |= {storage.member for storage in storages if storage.member}

    def has_pickle(self, run: Run, trace: PickleTrace) -> bool:
        """Whether a reader interpreted a pickle of a run."""
        if (run.member, trace.offset, *_shape(trace)) in self._places:
            return True
        if run.origin is None:
            return _content(trace) in self._contents
        return (run.origin + trace.offset, *_shape(trace)) in self._offsets

    def is_read(self, run: Run, trace: PickleTrace) -> bool:
        """Whether a reader took the very bytes for a pickle, whatever it made of them."""
        if run.origin is None:
            return (run.member, trace.offset, trace.nbytes) in self._extents
        return (None, run.origin + trace.offset, trace.nbytes) in self._extents

    def add(self, trace: PickleTrace) -> None:
        """Take a pickle that lies nowhere in the file for explained from now on."""
        self._contents.add(_content(trace))

    def is_storage(self, run: Run) -> bool:
        """Whether a tensor's bytes lie in a run."""
        return run.member in self._storages

    def _note(self, trace: PickleTrace, origin: int | None) -> None:
        if trace.member is None or origin is not None:
            self._extents.add((None, (origin or 0) + trace.offset, trace.nbytes))
        else:
            self._extents.add((trace.member, trace.offset, trace.nbytes))
        if trace.member is None:
            self._offsets.add((trace.offset, *_shape(trace)))
        elif origin is not None:
            self._offsets.add((origin + trace.offset, *_shape(trace)))
        else:
            self._places.add((trace.member, trace.offset, *_shape(trace)))
            self._contents.add(_content(trace))


def _shape(trace: PickleTrace) -> tuple[object, ...]:
    """The extent of a pickle, and what it does with each global: a file chooses its names."""
    uses = ((u.module, u.name, u.use, u.opcode, u.literal) for u in trace.uses)
    return trace.nbytes, trace.opcodes, *uses


def _content(trace: PickleTrace) -> tuple[object, ...]:
    """What tells two pickles apart: their extent, and all that they name and do."""
    return trace.offset, trace.nbytes, trace.opcodes, trace.incomplete, trace.uses
