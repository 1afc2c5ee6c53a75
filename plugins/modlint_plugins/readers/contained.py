"""Checkpoints within a container: each is read by every reader that recognises it, and merged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Member, Remark, SparseTensor, Status, Storage, Tensor
from modlint.errors import UnreadableError
from modlint.pickles import PickleTrace
from modlint.source import Source
from modlint_plugins.pickling.limits import Budget
from modlint_plugins.remarks import Remarks

MAX_DEPTH = 3
MAX_MEMBERS = 10_000
MAX_SECONDS = 60.0
MAX_TENSORS = MAX_ENTRIES = 250_000
"""Tensors, and entries of archives, that are kept of all that a file contains."""
MAX_KEPT = 1 << 30
MAX_INFLATED = 4 << 30
MAX_RATIO = 100
"""Weights hardly shrink: what inflates to more than this many times its size, and to more than
`FREE` bytes, is a bomb."""
FREE = 64 << 20
MAX_FREE = 128 << 20
"""Bytes beyond that ratio over all that a file contains: many small bombs are one."""
_MAX_METADATA = 1000


class Allowance(Struct):
    """What opening the containers of one file may still cost.

    Attributes:
        members: members opened so far.
        inflated: bytes inflated so far.
        kept: inflated bytes that are in memory.
        free: inflated bytes beyond the ratio that weights have.
        budget: what interpreting the pickles may cost.
        started: the thread's CPU time when the file was opened, in seconds: a busy machine takes
            no longer by it.
    """

    members: int = 0
    inflated: int = 0
    kept: int = 0
    free: int = 0
    budget: Budget = field(default_factory=Budget)
    started: float = field(default_factory=time.thread_time)

    def spend_member(self) -> None:
        """Account for a member.

        Raises:
            UnreadableError: there are too many.
        """
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise UnreadableError(f"holds more than {MAX_MEMBERS:,} members")
        self.check_time()

    def check_time(self) -> None:
        """Make sure that there is time for another part.

        Raises:
            UnreadableError: there is none.
        """
        if time.thread_time() - self.started > MAX_SECONDS:
            raise UnreadableError(f"opening its parts takes more than {MAX_SECONDS:g} seconds")

    def most(self, stored: int) -> int:
        """Bytes that so many compressed ones may inflate to now."""
        most = min(MAX_KEPT - self.kept, MAX_INFLATED - self.inflated)
        return min(most, max(min(FREE, MAX_FREE - self.free), MAX_RATIO * stored))

    def spend_inflated(self, nbytes: int, stored: int) -> None:
        """Account for bytes to be inflated and kept.

        Raises:
            UnreadableError: they are too many, or too many for the bytes that hold them.
        """
        if nbytes > max(FREE, MAX_RATIO * stored):
            raise UnreadableError(
                f"inflates to {nbytes:,} bytes, more than {MAX_RATIO} times its size"
            )
        if self.kept + nbytes > MAX_KEPT:
            raise UnreadableError(f"inflates to more than {MAX_KEPT:,} bytes at a time")
        if self.inflated + nbytes > MAX_INFLATED:
            raise UnreadableError(f"inflates to more than {MAX_INFLATED:,} bytes in all")
        self.free += max(nbytes - MAX_RATIO * stored, 0)
        if self.free > MAX_FREE:
            raise UnreadableError(
                f"inflates to more than {MAX_FREE:,} bytes beyond {MAX_RATIO} times the size of "
                "what holds them"
            )
        self.inflated += nbytes
        self.kept += nbytes


class InnerSource(Source, frozen=True):
    """Bytes within a container.

    Attributes:
        depth: number of containers around them.
        allowance: shared by all containers of the file.
    """

    depth: int = 0
    allowance: Allowance = field(default_factory=Allowance)


def budget_of(source: Source) -> Budget:
    """What interpreting the pickles of a file may cost: one account for all that it contains."""
    return source.allowance.budget if isinstance(source, InnerSource) else Budget()


def is_inner(source: Source) -> bool:
    """Whether the bytes lie within a container, so that no files stand beside them."""
    return isinstance(source, InnerSource)


class Naming(Struct):
    """How what a member holds is called in the whole.

    Attributes:
        member: the member's name, None for the container's own content.
        tensor: from a tensor's own name and section to those in the whole.
    """

    member: str | None
    tensor: Callable[[str, str], tuple[str, str]]

    def within(self, inner: str | None) -> str | None:
        """The name of a member of the member."""
        if self.member is None or inner is None:
            return inner or self.member
        return f"{self.member}!{inner}"

    def said(self, message: str) -> str:
        """What is said of the member."""
        return message if self.member is None else f"{self.member}: {message}"


def prefixed(member: str) -> Naming:
    """Tensors are called "member!name"."""

    def tensor(name: str, section: str) -> tuple[str, str]:
        return f"{member}!{name}", f"{member}!{section}" if section else member

    return Naming(member, tensor)


def bare(member: str | None = None) -> Naming:
    """Tensors keep their names; without a member, all does."""
    return Naming(member, lambda name, section: (name, section))


class Contents:
    """What a container holds, gathered from the checkpoints in it.

    Attributes:
        source: the container.
        tensors: by name.
        depth: number of containers around what it holds.
        allowance: what opening its members may cost.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tensors: dict[str, Tensor] = {}
        self.metadata: dict[str, object] = {}
        self.remarks = Remarks()
        self.faults = Remarks()
        self.pickles: list[PickleTrace] = []
        self.members: list[Member] = []
        self.formats: list[str] = []
        self.sparse: list[SparseTensor] = []
        self._repeats: Counter[str] = Counter()
        self.depth = source.depth + 1 if isinstance(source, InnerSource) else 1
        self.allowance = source.allowance if isinstance(source, InnerSource) else Allowance()

    def remark(
        self, kind: str, message: str, member: str | None = None, offset: int | None = None
    ) -> None:
        """Note something that rules may judge."""
        self.remarks.add(Remark(kind, message, member, offset))

    def fault(
        self, kind: str, message: str, member: str | None = None, help: str | None = None
    ) -> None:
        """Note a part that cannot be read."""
        self.faults.add(Remark(kind, message, member, help=help))

    def fail(self, error: UnreadableError, member: str | None = None) -> None:
        """Note a part that cannot be read, and go on."""
        member = error.member if member is None else member
        where = "" if member is None else f"{member}: "
        self.fault("damaged-member", f"{where}{error}", member, error.help)

    def examine(
        self, view: memoryview, naming: Naming, origin: int | None, tensors: bool = True
    ) -> bool:
        """Read what the bytes hold; whether it is a checkpoint, or pretends to be.

        Args:
            view: the bytes.
            naming: how what they hold is called.
            origin: their offset in the container; None where it does not hold them as they are.
            tensors: whether the tensors are to be kept.
        """
        if self.depth > MAX_DEPTH:
            message = f"containers are nested more than {MAX_DEPTH} deep"
            self.fault("limit", naming.said(message), naming.member)
            return True
        opener = self.source.opener
        if opener is None:
            self.fault("unopened", naming.said("what it holds was not opened"), naming.member)
            return True
        # No file stands at this path, so that none is taken for one beside the container.
        inner = InnerSource(self.source.path / "!", view, opener, self.depth, self.allowance)
        found = [checkpoint for checkpoint in opener(inner) if _is_checkpoint(checkpoint)]
        for checkpoint in found:
            self.merge(checkpoint, naming, origin, tensors)
        return bool(found)

    def merge(
        self, checkpoint: Checkpoint, naming: Naming, origin: int | None, tensors: bool = True
    ) -> None:
        """Take over what a checkpoint holds."""
        self.formats.append(checkpoint.format)
        if tensors:
            self._merge_tensors(checkpoint.tensors.values(), naming, origin)
        for key, value in checkpoint.metadata.items():
            if len(self.metadata) < _MAX_METADATA:
                self.metadata[naming.tensor(key, "")[0]] = value
        self.pickles += (
            replace(trace, member=naming.within(trace.member)) for trace in checkpoint.pickles
        )
        for remark in checkpoint.remarks:
            placed = _shifted(remark.file_offset, origin)
            member = naming.within(remark.member)
            self.remarks.add(replace(remark, member=member, file_offset=placed))
        for fault in checkpoint.faults:
            member, message = naming.within(fault.member), naming.said(fault.message)
            self.faults.add(replace(fault, member=member, message=message))
        self._merge_members(checkpoint.members, naming, origin)
        self.sparse += (_renamed(sparse, naming) for sparse in checkpoint.sparse)

    def add_tensor(self, tensor: Tensor) -> None:
        """Keep a tensor under a name of its own."""
        name = tensor.name
        while name in self.tensors:
            self._repeats[tensor.name] += 1
            name = f"{tensor.name}#{self._repeats[tensor.name] + 1}"
        if name != tensor.name:
            self.remark("duplicate-key", f"several tensors are called {tensor.name!r}")
        self.tensors[name] = replace(tensor, name=name)

    def checkpoint(self, format: str) -> Checkpoint:
        """The container as read; unreadable where there are faults and nothing else."""
        unreadable = bool(self.faults) and not self.tensors
        return Checkpoint(
            self.source.path,
            format,
            self.source.nbytes,
            Status.UNREADABLE if unreadable else Status.CHECKED,
            tensors=self.tensors,
            metadata=self.metadata,
            remarks=tuple(self.remarks),
            pickles=tuple(self.pickles),
            faults=tuple(self.faults),
            members=tuple(self.members),
            sparse=tuple(self.sparse),
        )

    def _merge_members(
        self, members: tuple[Member, ...], naming: Naming, origin: int | None
    ) -> None:
        if len(self.members) + len(members) > MAX_ENTRIES:
            self.fault("limit", f"its archives list more than {MAX_ENTRIES:,} members")
            return
        self.members += (
            replace(
                member,
                name=naming.within(member.name) or member.name,
                offset=_shifted(member.offset, origin),
            )
            for member in members
        )

    def _merge_tensors(self, tensors: Iterable[Tensor], naming: Naming, origin: int | None) -> None:
        storages: dict[int, Storage] = {}
        for tensor in tensors:
            if len(self.tensors) >= MAX_TENSORS:
                self.fault("limit", f"holds more than {MAX_TENSORS:,} tensors")
                return
            old = tensor.storage
            if id(old) not in storages:
                where = naming.within(old.member)
                storages[id(old)] = replace(old, member=where, offset=_shifted(old.offset, origin))
            name, section = naming.tensor(tensor.name, tensor.section)
            storage = storages[id(old)]
            self.add_tensor(replace(tensor, name=name, section=section, storage=storage))


def _renamed(sparse: SparseTensor, naming: Naming) -> SparseTensor:
    parts = {part: naming.tensor(name, "")[0] for part, name in sparse.parts.items()}
    return replace(sparse, name=naming.tensor(sparse.name, "")[0], parts=parts)


def _is_checkpoint(checkpoint: Checkpoint) -> bool:
    return checkpoint.status in (Status.CHECKED, Status.UNREADABLE)


def _shifted(offset: int | None, origin: int | None) -> int | None:
    return None if offset is None or origin is None else offset + origin
