"""What opcodes and rebuilt functions work on: a stack, a memo, and what was noticed.

`Interpreter` says what they may ask; `calls` and `machine` make it run. So none of them needs to
know the machine that it is part of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from modlint.pickles import Use
from modlint_plugins.pickling.alike import Alike
from modlint_plugins.pickling.depth import Depths
from modlint_plugins.pickling.limits import Budget, LimitReached, Malformed
from modlint_plugins.pickling.notes import Anomaly, Hazard, Notes
from modlint_plugins.pickling.unfold import CONTAINERS
from modlint_plugins.pickling.values import Blob, Global, Object, PersistentId, Value

FEW = 20
"""Containers pushed again that cannot unfold to much."""


class Interpreter(ABC):
    """The state of one stream's interpretation.

    Args:
        view: the bytes that hold the stream; offsets count from their beginning.
        start: offset of the first opcode.
        budget: what interpretation may still cost.
        resolve: from a persistent id to the value that stands for it.
        origin: offset of the view in the file; None where the file does not hold it as it is.
        joblib: whether the arrays that joblib writes into a stream are stepped over.

    Attributes:
        stack: the values above the last MARK.
        below: the stacks below the open MARKs, outermost first.
        memo: values by index.
        offset: offset of the current opcode.
        end: offset behind the last opcode that was interpreted.
        protocol: the highest protocol declared.
        opcodes: number of opcodes interpreted.
        frame_start: where the opcodes of the last FRAME begin.
        frame_end: where the last FRAME ends.
        notes: what was noticed.
        depths: how deep tuples are nested.
        alike: keys by their hash.
        shared: how often a container was pushed again.
        hashed: keys and arguments, which loading may hash or walk over before they are dropped.
        allocated: bytes that calls asked for beyond what the file holds.
        calling: the global of the last call that was interpreted.
        wrapped: a wrapper of joblib's announces an array within the stream.
        arrays: spans of the arrays that joblib's reading stepped over.
        unset: instances that hold no value until their state is set.
        ambiguous: why C and Python may read the stream differently.
    """

    def __init__(
        self,
        view: memoryview,
        start: int,
        budget: Budget,
        resolve: Callable[[Value], Value] = PersistentId,
        origin: int | None = 0,
        joblib: bool = False,
    ) -> None:
        self.view = view
        self.budget = budget
        self.resolve = resolve
        self.origin = origin
        self.joblib = joblib
        self.stack: list[Value] = []
        self.below: list[list[Value]] = []
        self.memo: dict[int, Value] = {}
        self.offset = self.end = start
        self.protocol = 0
        self.opcodes = 0
        self.frame_start = 0
        self.frame_end = 0
        self.notes = Notes(budget)
        self.depths = Depths()
        self.alike = Alike()
        self.shared = 0
        self.hashed: list[Value] = []
        self.allocated = 0
        self.calling = Global("", "", "", start)
        self.wrapped = False
        self.arrays: list[tuple[int, int]] = []
        self.unset: list[Object] = []
        self.ambiguous: str | None = None

    @property
    @abstractmethod
    def opcode(self) -> str:
        """Name of the current opcode."""

    @abstractmethod
    def call(self, function: Value, args: Value, kwargs: Value = None) -> Value:
        """What stands for the result of a call."""

    @abstractmethod
    def instantiate(self, cls: Value, args: Value) -> Value:
        """What stands for `cls.__new__(cls, *args)`."""

    @abstractmethod
    def set_state(self, target: Value, state: Value) -> None:
        """What BUILD does to a value."""

    @abstractmethod
    def note_use(
        self,
        function: Value,
        use: Use,
        rendered: Callable[[], str],
        followed: bool = False,
        literal: bool = False,
    ) -> None:
        """Record a use of the global that a callable comes from, if it comes from one."""

    @abstractmethod
    def interpret_within(self, start: int) -> Value:
        """Interpret a pickle within the stream, on the same account, and go on behind it.

        Raises:
            Malformed: it cannot be interpreted to its end.
        """

    def pop_mark(self) -> list[Value]:
        """The values above the last MARK, which is taken away with them."""
        if not self.below:
            raise Malformed("no MARK is open")
        values, self.stack = self.stack, self.below.pop()
        return values

    def push_mark(self) -> None:
        """Open a MARK."""
        if len(self.below) >= self.budget.limits.marks:
            raise LimitReached(f"more than {self.budget.limits.marks:,} open MARKs")
        self.below.append(self.stack)
        self.stack = []

    def push_again(self, value: Value) -> None:
        """Push a value that is used already."""
        self.shared += isinstance(value, CONTAINERS)
        self.stack.append(value)

    def push_blob(self, blob: Blob) -> None:
        """Push bytes."""
        self.notes.note_embedded(blob)
        self.stack.append(blob)

    def push_text(self, text: str) -> None:
        """Push a text."""
        self.stack.append(text)
        self.notes.note_text(text)

    def push_global(self, module: str, name: str) -> None:
        """Push the inert record of a global."""
        self.stack.append(self.name_global(module, name))

    def name_global(self, module: str, name: str) -> Global:
        """The inert record of a global that the stream names."""
        named = Global(module, name, self.opcode, self.offset)
        self.notes.note_global(named)
        return named

    def note_hashed(self, value: Value) -> None:
        """Remember a key or an argument that sharing may have made large."""
        if self.shared > FEW and isinstance(value, CONTAINERS):
            self.hashed.append(value)

    def note_key(self, key: Value) -> None:
        """Note keys of mappings and sets whose hashes are alike: finding one compares them all."""
        if self.alike.add(key, self.budget):
            self.hazard(
                "allocation", "very many keys whose hashes are alike, each compared with all"
            )

    def anomaly(self, what: str) -> None:
        """Note something that no pickler writes, at the current opcode."""
        self.notes.note_anomaly(Anomaly(self.offset, what))

    def hazard(self, kind: str, what: str) -> None:
        """Note what corrupts or exhausts memory when it is loaded, at the current opcode."""
        self.notes.note_hazard(Hazard(self.offset, kind, what))

    def mark_ambiguous(self, what: str) -> None:
        """Note what C and Python read differently, at the current opcode."""
        self.ambiguous = self.ambiguous or (
            f"{what}, which C and Python read differently ({self.opcode} at byte {self.offset:,})"
        )
