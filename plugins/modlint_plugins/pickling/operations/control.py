"""Opcodes that steer the machine: protocol, frames, stop, stack and memo."""

from __future__ import annotations

from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.limits import Malformed
from modlint_plugins.pickling.opcodes.numbers import natural
from modlint_plugins.pickling.opcodes.table import HIGHEST_PROTOCOL
from modlint_plugins.pickling.operations.registry import operation
from modlint_plugins.pickling.rebuild.native import is_unset
from modlint_plugins.pickling.values import Value

_FRAME = 1 << 16
"""Bytes of a frame when picklers end it (CPython, Lib/pickle.py, _FRAME_SIZE_TARGET)."""

_LONGEST_INDEX = 4000
"""Characters of a memo index; C takes any number of leading zeros."""

_SPARSE = 1_000_000
"""Entries that a memo may lack: picklers number them one after the other."""


class Stopped(Exception):
    """STOP was reached: the regular end; it carries the pickle's value."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


@operation("PROTO")
def proto(machine: Interpreter, version: int) -> None:
    """Declare the protocol."""
    if version > HIGHEST_PROTOCOL:
        raise Malformed(f"protocol {version} does not exist")
    machine.protocol = max(machine.protocol, version)


@operation("FRAME")
def frame(machine: Interpreter, nbytes: int) -> None:
    """Announce a run of bytes. C reads on past its end, Python's own unpickler does not."""
    if machine.offset < machine.frame_end:
        machine.mark_ambiguous("a FRAME begins within another")
    machine.frame_start = machine.end
    machine.frame_end = machine.end + nbytes
    if machine.frame_end > len(machine.view):
        machine.mark_ambiguous("a FRAME reaches past the end of the data")


@operation("STOP")
def stop(machine: Interpreter, _: None) -> None:
    """End the stream with the value on top of the stack."""
    if machine.frame_end > machine.end:
        machine.mark_ambiguous("a FRAME reaches past STOP")
    value = machine.stack.pop()
    if any(map(is_unset, machine.unset)):
        machine.hazard("bad-state", "a placement of a tensor's that is never set")
    if machine.stack or machine.below:
        machine.anomaly("values that its STOP leaves behind on the stack")
    if _frame_ends_early(machine):
        machine.anomaly("a FRAME that ends before the STOP")
    raise Stopped(value)


def _frame_ends_early(machine: Interpreter) -> bool:
    """Whether less than `_FRAME` bytes lie between the last FRAME, which is as short, and STOP.

    Picklers end a frame at STOP, at `_FRAME` bytes, or before a value of as many.
    """
    framed = machine.frame_end - machine.frame_start
    return 0 < machine.frame_end < machine.end < machine.frame_end + _FRAME and framed < _FRAME


@operation("MARK")
def mark(machine: Interpreter, _: None) -> None:
    """Fence the stack."""
    machine.push_mark()


@operation("POP_MARK")
def pop_mark(machine: Interpreter, _: None) -> None:
    """Drop everything above the last MARK, and the MARK."""
    machine.pop_mark()


@operation("POP")
def pop(machine: Interpreter, _: None) -> None:
    """Drop the top of the stack, which may be a MARK."""
    if machine.stack:
        machine.stack.pop()
    else:
        machine.pop_mark()


@operation("DUP")
def dup(machine: Interpreter, _: None) -> None:
    """Push the top of the stack once more."""
    machine.push_again(machine.stack[-1])


@operation("BINGET", "LONG_BINGET")
def get(machine: Interpreter, index: int) -> None:
    """Push what the memo holds."""
    if index not in machine.memo:
        raise Malformed(f"the memo has no entry {index:,}")
    machine.push_again(machine.memo[index])


@operation("BINPUT", "LONG_BINPUT")
def put(machine: Interpreter, index: int) -> None:
    """Keep the top of the stack in the memo, which C makes an array as long as the index."""
    if index > _SPARSE + 2 * len(machine.memo):
        machine.anomaly("a memo index far beyond the entries that it has")
    machine.memo[index] = machine.stack[-1]


@operation("MEMOIZE")
def memoize(machine: Interpreter, _: None) -> None:
    """Keep the top of the stack in the memo, under the number of entries it has."""
    machine.memo[len(machine.memo)] = machine.stack[-1]


@operation("GET")
def get_line(machine: Interpreter, line: bytes) -> None:
    """Push what the memo holds."""
    get(machine, _index(line))


@operation("PUT")
def put_line(machine: Interpreter, line: bytes) -> None:
    """Keep the top of the stack in the memo."""
    put(machine, _index(line))


def _index(line: bytes) -> int:
    index = natural(line) if len(line) <= _LONGEST_INDEX else None
    if index is None:
        raise Malformed("a memo index that is no natural number")
    return index
