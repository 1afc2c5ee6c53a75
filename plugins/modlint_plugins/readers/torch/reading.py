"""What is gathered while a pickle-based file is read: traces, remarks and faults."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field
from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Member, Remark, SparseTensor, Status, Tensor
from modlint.errors import UnreadableError
from modlint.pickles import PickleTrace
from modlint.source import Source
from modlint_plugins.pickling.limits import Budget
from modlint_plugins.pickling.opcodes.table import has_header
from modlint_plugins.pickling.scan import Interpretation, interpret, is_plausible
from modlint_plugins.pickling.values import Blob, Made, Nested, PersistentId, Value
from modlint_plugins.remarks import Remarks, unused

_MAX_NESTED = 4


class Segment(Struct, frozen=True):
    """Bytes that hold pickles, and where they lie.

    Attributes:
        view: the bytes.
        member: the archive member that holds them, None for the file itself.
        origin: their offset in the file; None where the file does not hold them as they are.
    """

    view: memoryview
    member: str | None = None
    origin: int | None = 0


class Reading(Struct):
    """One file being read; the budget is shared by all of its pickles.

    Attributes:
        open_nested: reads a checkpoint within a bytes literal; from the segment to its value.
        tensors: those of checkpoints within the file's members.
        sparse: tensors that are made of several.
        fragment: the file is a pickle out of an archive, and its storages may be elsewhere.
        joblib: joblib may load its pickles, which steps over arrays in their streams.
        made: every tensor that its pickles make, whether anything holds it or not.
    """

    open_nested: Callable[[Reading, Segment], Value]
    budget: Budget = field(default_factory=Budget)
    traces: list[PickleTrace] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)
    faults: Remarks = field(default_factory=Remarks)
    metadata: dict[str, object] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    sparse: list[SparseTensor] = field(default_factory=list)
    depth: int = 0
    fragment: bool = False
    joblib: bool = False
    made: list[Made] = field(default_factory=list)

    def remark(
        self, kind: str, message: str, member: str | None = None, offset: int | None = None
    ) -> None:
        """Note something that rules may judge."""
        self.remarks.add(Remark(kind, message, member, offset))

    def fault(
        self, kind: str, message: str, member: str | None = None, offset: int | None = None
    ) -> None:
        """Note a part of the file that cannot be read."""
        self.faults.add(Remark(kind, message, member, offset))

    def fail(self, kind: str, error: UnreadableError) -> None:
        """Note a part of the file that cannot be read, and go on."""
        where = f"{error.member}: " if error.member is not None else ""
        self.fault(kind, f"{where}{error}", error.member, error.offset)

    def interpret(
        self, segment: Segment, at: int = 0, resolve: Callable[[Value], Value] = PersistentId
    ) -> Interpretation:
        """Interpret the pickle at an offset; what is wrong with it becomes a fault."""
        found = interpret(
            segment.view,
            at,
            member=segment.member,
            budget=self.budget,
            resolve=resolve,
            origin=segment.origin,
            joblib=self.joblib,
        )
        self.accept(segment, found)
        return found

    def accept(self, segment: Segment, found: Interpretation) -> None:
        """Keep the trace of a pickle, note its faults and read what is nested in it."""
        self.traces.append(found.trace)
        self.made += found.made
        if found.trace.incomplete is not None:
            message = f"the pickle cannot be interpreted to its end: {found.trace.incomplete}"
            self.fault("broken-pickle", message, segment.member, found.end)
        for offset, what in found.anomalies:
            self.fault("bad-pickle", f"the pickle holds {what}", segment.member, offset)
        for offset, kind, what in found.hazards:
            self.remark(kind, what, segment.member, offset)
        for nested in found.nested:
            self._open(segment, nested)
        self._scan_embedded(segment, found)

    def _open(self, segment: Segment, nested: Nested) -> None:
        if self.depth >= _MAX_NESTED:
            self.fault("nested", "checkpoints are nested too deeply", segment.member, nested.offset)
            return
        inner = Segment(nested.blob.view, within(segment, nested.blob), nested.blob.offset)
        joblib, self.joblib = self.joblib, False  # torch.load reads what is nested
        self.depth += 1
        try:
            nested.content = self.open_nested(self, inner)
        except UnreadableError as error:
            self.fail("nested", error)
        self.depth -= 1
        self.joblib = joblib

    def _scan_embedded(self, segment: Segment, found: Interpretation) -> None:
        if self.depth >= _MAX_NESTED:
            return
        opened = {id(nested.blob) for nested in found.nested}
        self.depth += 1
        for blob in found.embedded:
            if id(blob) not in opened:
                self.scan_hidden(Segment(blob.view, within(segment, blob), blob.offset))
        self.depth -= 1

    def scan_further(self, segment: Segment, at: int) -> list[Value]:
        """Interpret the pickles that follow one another from an offset on; the rest is remarked.

        What is well formed but hardly meant as a pickle counts as one where a pickle follows it.
        """
        values: list[Value] = []
        pending: list[Interpretation] = []
        while at < len(segment.view):
            if len(values) + len(pending) >= self.budget.limits.streams:
                message = f"more than {self.budget.limits.streams:,} pickles follow one another"
                self.fault("broken-pickle", message, segment.member, at)
                break
            found = interpret(
                segment.view,
                at,
                member=segment.member,
                budget=self.budget,
                origin=segment.origin,
                joblib=self.joblib,
            )
            plausible = is_plausible(found, segment.view)
            if not plausible and found.trace.incomplete is not None:
                break
            pending.append(found)
            at = found.end
            if plausible:
                values += self._accept_all(segment, pending)
                pending = []
            if found.trace.incomplete is not None:
                return values
        at -= sum(found.trace.nbytes for found in pending)
        if at < len(segment.view):
            view, what = segment.view, "follow the last pickle"
            remark = unused(view, "trailing-bytes", what, at, len(view), segment.member)
            self.remarks.add(remark)
        return values

    def _accept_all(self, segment: Segment, pickles: list[Interpretation]) -> list[Value]:
        for found in pickles:
            self.accept(segment, found)
        return [found.value for found in pickles]

    def scan_hidden(self, segment: Segment, headed: bool = True) -> None:
        """Interpret bytes that are not meant to be a pickle, in case they are one.

        Args:
            segment: the bytes.
            headed: whether only pickles of protocol 2 and later are looked for.
        """
        if headed and not has_header(segment.view):
            return
        found = interpret(segment.view, member=segment.member, budget=self.budget)
        if found.trace.incomplete is not None and not found.trace.uses:
            return
        if not headed and not _is_old_pickle(found, segment.view):
            return
        self.traces.append(found.trace)
        message = f"{found.trace.nbytes:,} bytes that no loader takes for a pickle are one"
        self.remark("hidden-pickle", message, segment.member, 0)
        self._scan_embedded(segment, found)

    def checkpoint(self, source: Source, format: str, tensors: dict[str, Tensor]) -> Checkpoint:
        """The file as read; unreadable where there are faults and nothing else."""
        checkpoint = Checkpoint(
            source.path,
            format,
            source.nbytes,
            tensors=tensors | self.tensors,
            metadata=self.metadata,
            remarks=tuple(self.remarks),
            pickles=tuple(self.traces),
            faults=tuple(self.faults),
            members=tuple(self.members),
            sparse=tuple(self.sparse),
        )
        if self.faults and not checkpoint.tensors:
            return replace(checkpoint, status=Status.UNREADABLE)
        return checkpoint


def _is_old_pickle(found: Interpretation, view: memoryview) -> bool:
    """Whether text was meant as a pickle of protocol 0 or 1: it must use what it names."""
    return is_plausible(found, view) and any(use.use != "pushed" for use in found.trace.uses)


def within(segment: Segment, blob: Blob) -> str:
    """A name for bytes within a segment."""
    if blob.offset is None or segment.origin is None:
        place = "bytes in a literal"
    else:
        place = f"bytes at {blob.offset - segment.origin:,}"
    return place if segment.member is None else f"{segment.member}, {place}"
