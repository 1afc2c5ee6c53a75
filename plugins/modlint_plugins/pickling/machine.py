"""The symbolic pickle machine: a stack, a memo, and no way to execute anything.

It follows the C unpickler (CPython, Modules/_pickle.c), which is what loads real files: MEMOIZE
counts the entries of the memo, MARK fences the stack below it, FRAME is only a hint. Where a
FRAME does not fit its opcodes, versions of Python differ in which opcodes they run
(python/cpython#154848): the stream is read on, and said not to be wholly interpreted. Globals
become inert records; the few functions that PyTorch and NumPy files need are interpreted by
`rebuild`, and every other call is kept as an `Object`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from modlint_plugins.pickling.calls import Caller
from modlint_plugins.pickling.interpreter import FEW, Interpreter
from modlint_plugins.pickling.limits import Budget, Interruption, LimitReached, Malformed
from modlint_plugins.pickling.opcodes.table import OPCODES, Decoder
from modlint_plugins.pickling.operations import containers, control, literals, objects
from modlint_plugins.pickling.operations.control import Stopped
from modlint_plugins.pickling.operations.registry import OPERATIONS, Operation
from modlint_plugins.pickling.rebuild.joblib_arrays import Jumped
from modlint_plugins.pickling.unfold import unfolded_size
from modlint_plugins.pickling.values import PersistentId, Value

_BATCH = 1000

OPERATION_MODULES = (containers, control, literals, objects)
"""Importing them registers what the opcodes do."""


def _unknown(machine: Interpreter, _: None) -> None:
    raise Malformed(f"0x{machine.view[machine.offset]:02x} is no opcode")


_DISPATCH: list[tuple[Decoder | None, Operation, str]] = [(None, _unknown, "?")] * 256
for _opcode in OPCODES.values():
    _DISPATCH[_opcode.code] = (_opcode.decode, OPERATIONS[_opcode.name], _opcode.name)


class Machine(Caller):
    """Interprets one pickle stream, opcode by opcode.

    Attributes:
        value: what the pickle stands for; where it broke off, the outermost value begun.
        stopped: STOP was reached.
        limited: a limit ended the interpretation.
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
        super().__init__(view, start, budget, resolve, origin, joblib)
        self.value: Value = None
        self.stopped = False
        self.limited = False

    @property
    def opcode(self) -> str:
        """Name of the current opcode."""
        return _DISPATCH[self.view[self.offset]][2]

    def run(self) -> str | None:
        """Interpret up to STOP; the reason where that is not reached, or not by all readers."""
        try:
            self.budget.begin()
            while True:
                before = self.opcodes
                with suppress(Jumped):
                    self._run_batch()
                self.budget.spend_opcodes(self.opcodes - before)
        except Stopped as stopped:
            self.value = stopped.value
            self.stopped = True
            return self.ambiguous or self._measure()
        except Interruption as interruption:
            reason = str(interruption)
            self.limited = isinstance(interruption, LimitReached)
        except IndexError:
            reason = "the stack is empty"
        except Exception as error:  # what was traced so far must never be lost
            reason = f"its values cannot be followed: {type(error).__name__}"
        outermost = self.below[0] if self.below else self.stack
        self.value = outermost[0] if outermost else None
        if self.offset >= len(self.view):
            return f"{reason} (byte {self.offset:,})"
        return f"{reason} ({self.opcode} at byte {self.offset:,})"

    def _measure(self) -> str | None:
        most = self.budget.limits.unfolded
        if self.shared <= FEW or unfolded_size((self.value, self.hashed)) <= most:
            return None
        return f"its values unfold to more than {most:,}"

    def _run_batch(self) -> None:
        view, at, end = self.view, self.end, len(self.view)
        for _ in range(_BATCH):
            self.offset = at
            if at >= end:
                raise Malformed("the data ends before STOP")
            decode, operate, _ = _DISPATCH[view[at]]
            if decode is None:
                argument = None
                at += 1
            else:
                argument, at = decode(view, at + 1, self.budget.limits)
                if at > self.frame_end > self.offset:
                    self.mark_ambiguous("an argument reaches past the end of its FRAME")
            self.end = at
            self.opcodes += 1
            operate(self, argument)

    def interpret_within(self, start: int) -> Value:
        """Interpret a pickle within the stream, on the same account, and go on behind it."""
        inner = Machine(self.view, start, self.budget, self.resolve, self.origin)
        reason = inner.run()
        self.notes.adopt(inner.notes)
        self.opcodes += inner.opcodes
        if reason is not None:
            raise Malformed(f"a pickle within the stream: {reason}")
        self.end = inner.end
        return inner.value
