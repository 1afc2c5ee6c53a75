"""From bytes to what their pickles stand for, and to the traces that rules judge."""

from __future__ import annotations

import sys
from collections.abc import Callable

from msgspec import Struct

from modlint.pickles import GlobalUse, PickleTrace, imported
from modlint_plugins.pickling.limits import Budget, Limits
from modlint_plugins.pickling.machine import Machine
from modlint_plugins.pickling.notes import MAX_TEXT, Anomaly, Hazard
from modlint_plugins.pickling.opcodes.table import has_header
from modlint_plugins.pickling.values import Blob, Made, Nested, PersistentId, Value

_GLOBAL = b"c"
_STORAGE = "Storage"
"""What `torch.load` takes for one of its own wherever a name holds it (`find_class`)."""
_TAR_NAME = 100
"""Bytes of a member's name in a tar archive."""
_SNIFFED = Limits(opcodes=10_000, marks=1000)
"""What goes on for so many opcodes without a fault is a pickle."""


class Interpretation(Struct, frozen=True, eq=False):
    """One pickle stream, interpreted.

    Attributes:
        value: what it stands for; where it broke off, the outermost value begun.
        trace: the globals it names, and how far it could be interpreted.
        nested: checkpoints within its bytes literals.
        embedded: other literals that begin as a pickle does.
        anomalies: offset and description of what no pickler writes.
        hazards: offset, kind and description of what corrupts or exhausts memory.
        stopped: its STOP was reached.
        limited: a limit ended the interpretation.
        made: every tensor that was made, whether anything holds it or not.
    """

    value: Value
    trace: PickleTrace
    nested: tuple[Nested, ...]
    embedded: tuple[Blob, ...]
    anomalies: tuple[Anomaly, ...]
    hazards: tuple[Hazard, ...]
    stopped: bool
    limited: bool
    made: tuple[Made, ...]

    @property
    def end(self) -> int:
        """Offset behind the stream."""
        return self.trace.offset + self.trace.nbytes


def interpret(
    view: memoryview,
    start: int = 0,
    *,
    member: str | None = None,
    budget: Budget | None = None,
    resolve: Callable[[Value], Value] = PersistentId,
    origin: int | None = 0,
    joblib: bool = False,
) -> Interpretation:
    """Interpret the pickle at `start`; nothing is executed or imported.

    Where joblib may load it and wrappers of its arrays are found, the stream is read a second
    time as joblib reads it: that gives the value, and what either reading names and calls counts.

    Args:
        view: the member's (or file's) bytes.
        start: offset of the first opcode.
        member: name of the archive member, for the trace.
        budget: shared by all pickles of a file.
        resolve: from a persistent id to the value that stands for it.
        origin: offset of `view` in the file; None where the file does not hold it as it is.
        joblib: whether joblib may load it.
    """
    budget = budget or Budget()
    plain = Machine(view, start, budget, resolve, origin)
    incomplete = plain.run()
    if not joblib or not plain.wrapped:
        return _interpretation(plain, member, start, plain.notes.uses, incomplete)
    jumping = Machine(view, start, budget, resolve, origin, joblib=True)
    reason = jumping.run() or (incomplete if plain.limited else None)
    further = _within_arrays(plain, jumping)
    if further:
        jumping.anomaly("opcodes in the bytes of an array")
    jumping.notes.embedded += plain.notes.embedded
    known = set(jumping.notes.hazards)
    jumping.notes.hazards += (hazard for hazard in plain.notes.hazards if hazard not in known)
    return _interpretation(jumping, member, start, (*jumping.notes.uses, *further), reason)


def _interpretation(
    machine: Machine,
    member: str | None,
    start: int,
    uses: tuple[GlobalUse, ...],
    incomplete: str | None,
) -> Interpretation:
    trace = PickleTrace(
        member=member,
        offset=start,
        nbytes=machine.end - start,
        protocol=machine.protocol,
        opcodes=machine.opcodes,
        uses=uses,
        incomplete=incomplete,
        texts=tuple(machine.notes.texts),
        texts_cut=machine.notes.characters > MAX_TEXT,
    )
    return Interpretation(
        machine.value,
        trace,
        tuple(machine.notes.nested),
        tuple(machine.notes.embedded),
        tuple(machine.notes.anomalies),
        tuple(machine.notes.hazards),
        machine.stopped,
        machine.limited,
        tuple(machine.notes.made),
    )


def _within_arrays(plain: Machine, jumping: Machine) -> tuple[GlobalUse, ...]:
    """What opcodes name where joblib sees an array; most numbers spell no name at all."""
    seen = {(use.module, use.name, use.offset) for use in jumping.notes.uses}
    first = jumping.arrays[0][0] if jumping.arrays else jumping.end
    return tuple(
        use
        for use in plain.notes.uses
        if use.offset >= first  # up to there both read the same
        and (use.module, use.name, use.offset) not in seen
        and _importable(use.module)
        and _importable(use.name)
    )


def begins_as_pickle(view: memoryview) -> bool:
    """Whether bytes begin with a pickle of any protocol."""
    if has_header(view):
        return True
    found = interpret(view, budget=Budget(_SNIFFED))
    return found.trace.opcodes >= _SNIFFED.opcodes or is_plausible(found, view)


def is_plausible(found: Interpretation, view: memoryview) -> bool:
    """Whether bytes that were interpreted were meant as a pickle.

    A header of protocol 2 or later is enough. Protocols 0 and 1 have none, and much text begins
    with opcodes: they must name a global that Python could import and use it, or one of the
    standard library, or end in a STOP that is the last byte, or behind a named global, or go on
    up to a limit.
    """
    trace = found.trace
    if has_header(view, trace.offset):
        return True
    importable = [use for use in trace.uses if _importable(use.module) and _importable(use.name)]
    if is_cut(found, view):
        return True
    if found.stopped:
        return bool(importable) or (_is_last(view, found.end) and trace.opcodes > 1)
    return any(use.use != "pushed" or _is_standard(use.module) for use in importable)


def is_cut(found: Interpretation, view: memoryview) -> bool:
    """Whether a limit ended a pickle, and not the name of a file with which a tar archive begins.

    "config.json", its zeros and what follows read as a global's module, which no import finds.
    torch imports nothing for the name of a storage.
    """
    if not found.limited:
        return False
    if found.trace.uses and _STORAGE in found.trace.uses[0].name:
        return True
    start = bytes(view[found.trace.offset : found.trace.offset + _TAR_NAME])
    name = start[1:].partition(b"\0")[0]
    zeros = start[:1] == _GLOBAL and b"\0" in start and b"\n" not in name
    return not zeros or _is_standard(name.decode("utf-8", "replace"))


def _is_last(view: memoryview, end: int) -> bool:
    """Whether nothing but an editor's line end follows."""
    return bytes(view[end : end + 3]) in (b"", b"\n", b"\r\n")


def _is_standard(module: str) -> bool:
    return module == "__builtin__" or imported(module).split(".")[0] in sys.stdlib_module_names


def _importable(name: str) -> bool:
    return all(part.isidentifier() for part in imported(name).split("."))
