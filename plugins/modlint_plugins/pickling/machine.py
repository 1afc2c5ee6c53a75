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
from functools import partial

from modlint.errors import UnreadableError
from modlint.pickles import GlobalUse, Use
from modlint_plugins.code.encoded import decode
from modlint_plugins.pickling import containers, control, literals, objects
from modlint_plugins.pickling.allocation import account
from modlint_plugins.pickling.control import Stopped
from modlint_plugins.pickling.depth import Depths
from modlint_plugins.pickling.handing_on import note_arguments, note_planted
from modlint_plugins.pickling.joblib_arrays import Jumped
from modlint_plugins.pickling.limits import Budget, Interruption, LimitReached, Malformed
from modlint_plugins.pickling.numpy_types import check_class
from modlint_plugins.pickling.opcodes import OPCODES, Decoder, has_header
from modlint_plugins.pickling.operations import OPERATIONS, Operation
from modlint_plugins.pickling.reach import GETATTR, callables_in, callees
from modlint_plugins.pickling.rebuild import INTERPRETED, rebuild
from modlint_plugins.pickling.refused import Refused
from modlint_plugins.pickling.render import render, render_call
from modlint_plugins.pickling.unfold import CONTAINERS, unfolded_size
from modlint_plugins.pickling.values import (
    Blob,
    Dict,
    Global,
    Nested,
    Object,
    PersistentId,
    TensorRecord,
    Value,
)

_MAGICS = (b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh", b"\xfd7zX", b"\x93NUM", b"\x7fELF", b"#!/")
SHORTEST = 6
"""Characters of a text that is worth searching."""
MOST_CHARACTERS = 32 << 20
"""Characters of the texts that are kept of one pickle."""
_BATCH = 1000
_CHAIN = 100
_FEW = 20
"""Containers pushed again that cannot unfold to much."""

OPERATION_MODULES = (containers, control, literals, objects)
"""Importing them registers what the opcodes do."""


def _unknown(machine: Machine, _: None) -> None:
    raise Malformed(f"0x{machine.view[machine.offset]:02x} is no opcode")


_DISPATCH: list[tuple[Decoder | None, Operation, str]] = [(None, _unknown, "?")] * 256
for _opcode in OPCODES.values():
    _DISPATCH[_opcode.code] = (_opcode.decode, OPERATIONS[_opcode.name], _opcode.name)


class Machine:
    """Interprets one pickle stream.

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
        globals: every global named, in order.
        nested: checkpoints found within bytes literals.
        embedded: other bytes literals that begin as a pickle does.
        shared: how often a container was pushed again.
        hashed: keys and arguments, which loading may hash or walk over before they are dropped.
        anomalies: offset and description of what no pickler writes.
        texts: texts that are worth searching, and the characters in them.
        hazards: offset, kind and description of what corrupts or exhausts memory when loaded.
        allocated: bytes that calls asked for beyond what the file holds.
        calling: the global of the call that is being interpreted.
        wrapped: a wrapper of joblib's announces an array within the stream.
        arrays: spans of the arrays that joblib's reading stepped over.
        ambiguous: why C and Python may read the stream differently.
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
        self.globals: list[Global] = []
        self.nested: list[Nested] = []
        self.embedded: list[Blob] = []
        self.shared = 0
        self.hashed: list[Value] = []
        self.anomalies: list[tuple[int, str]] = []
        self.texts: list[str] = []
        self.characters = 0
        self.hazards: list[tuple[int, str, str]] = []
        self.allocated = 0
        self.calling: Global | None = None
        self.wrapped = False
        self.arrays: list[tuple[int, int]] = []
        self._depths = Depths()
        self.ambiguous: str | None = None
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
        if self.shared <= _FEW or unfolded_size((self.value, self.hashed)) <= most:
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

    def note_hashed(self, value: Value) -> None:
        """Remember a key or an argument that sharing may have made large."""
        if self.shared > _FEW and isinstance(value, CONTAINERS):
            self.hashed.append(value)

    def push_blob(self, blob: Blob) -> None:
        """Push bytes."""
        self.note_embedded(blob)
        self.stack.append(blob)

    def note_embedded(self, blob: Blob) -> None:
        """Remember bytes that may be a pickle themselves, an archive or a program."""
        telling = has_header(blob.view) or bytes(blob.view[:4]).startswith(_MAGICS)
        if telling:
            self._embed(blob)

    def _embed(self, blob: Blob) -> None:
        if len(self.embedded) >= self.budget.limits.nested:
            raise LimitReached(f"more than {self.budget.limits.nested:,} pickles within it")
        self.embedded.append(blob)

    def note_text(self, text: str) -> None:
        """Keep a text for those that search it, and what it decodes to."""
        if len(text) < SHORTEST:
            return
        self.characters += len(text)
        if self.characters <= MOST_CHARACTERS:
            self.texts.append(text)
        self.note_decoded(text)

    def note_decoded(self, text: str) -> None:
        """Remember what a text decodes to that may be a pickle, an archive or a program."""
        try:
            for data in decode(text):
                self.budget.spend_copy(len(data))
                self._embed(Blob(memoryview(data), None))
        except UnreadableError as error:
            raise LimitReached(str(error)) from error

    def fork(self, start: int) -> Machine:
        """A machine for a pickle within the stream, on the same account."""
        return Machine(self.view, start, self.budget, self.resolve, self.origin)

    def adopt(self, other: Machine) -> None:
        """Take over what a fork noticed."""
        self.globals += other.globals
        self.nested += other.nested
        self.embedded += other.embedded
        self.texts += other.texts
        self.characters += other.characters
        self.anomalies += other.anomalies
        self.hazards += other.hazards
        self.opcodes += other.opcodes

    def depth(self, value: tuple[Value, ...]) -> int:
        """Levels of tuples within a tuple."""
        return self._depths.of(value)

    def push_global(self, module: str, name: str) -> None:
        """Push the inert record of a global."""
        self.stack.append(self.name_global(module, name))

    def name_global(self, module: str, name: str) -> Global:
        """The inert record of a global that the stream names."""
        self.budget.spend_global(module, name)
        named = Global(module, name, self.opcode, self.offset)
        self.globals.append(named)
        return named

    def anomaly(self, what: str) -> None:
        """Note something that no pickler writes, at the current opcode."""
        if len(self.anomalies) < self.budget.limits.calls:
            self.anomalies.append((self.offset, what))

    def hashable(self, value: Value) -> bool:
        """Whether a value can be a key, as far as its type tells."""
        return self._depths.hashable(value)

    def calls_when_hashed(self, value: Value) -> bool:
        """Whether hashing a value may call a method of an instance within it."""
        return self._depths.calls(value)

    def hazard(self, kind: str, what: str) -> None:
        """Note what corrupts or exhausts memory when it is loaded, at the current opcode."""
        if len(self.hazards) < self.budget.limits.calls:
            self.hazards.append((self.offset, kind, what))

    def call(self, function: Value, args: Value, kwargs: Value = None) -> Value:
        """What stands for the result of a call."""
        self.note_hashed(args)
        if isinstance(function, Global) and function.canonical == _IDENTITY and args:
            return self.instantiate(function, args)
        otherwise = Object(function, args, kwargs, called=True)
        if not isinstance(function, _CALLABLE):
            self.anomaly("a call of what cannot be called")
        literal = kwargs is None and _is_literal(args)
        if isinstance(function, Global):
            account(self, function, _with_keywords(args, kwargs))
            note_planted(self, otherwise, kwargs)
            note_arguments(self, function, args, kwargs)
            check_class(self, function, instantiated=kwargs is not None)
            if kwargs is None and function.canonical in INTERPRETED:
                made = self._interpret(function, args, otherwise)
                if made is not otherwise:
                    text = f"{render(function)}(…)"
                    self.note(function, "called", lambda: text, followed=True, literal=literal)
                    return made
        rendered = partial(render_call, function, args, kwargs)
        if isinstance(function, Object):
            for held in callees(self, function):
                if held is not _root(function):
                    self.call(held, args, kwargs)
            self.note(function, "handed-on", rendered)
        else:
            self.note(function, "called", rendered, literal=literal)
        return otherwise

    def note_changed(self, target: Value) -> None:
        """Note that a global is filled, or what `getattr` gave: those are in use elsewhere."""
        if isinstance(target, Global) or (isinstance(target, Object) and _is_attribute(target)):
            self.note(target, "called", lambda: f"{render(target)} is filled by {self.opcode}")

    def instantiate(self, cls: Value, args: Value) -> Value:
        """What stands for `cls.__new__(cls, *args)`."""
        self.note(cls, "instantiated", lambda: render_call(cls, args, None))
        if not isinstance(cls, _CALLABLE):
            self.anomaly("an instance of what is no class")
        if not isinstance(cls, Global):
            return Object(cls, args)
        if cls.canonical == _IDENTITY and args:
            return args[0] if isinstance(args, tuple) else args
        account(self, cls, args)
        note_arguments(self, cls, args)
        check_class(self, cls, instantiated=True)
        if cls.module.startswith("numpy") and _holds_object(args):
            self.hazard(
                "raw-objects", "a NumPy class is made of an instance: it asks that for bytes"
            )
        if cls.canonical in INTERPRETED:
            return self._interpret(cls, args, Object(cls, args))
        return Object(cls, args)

    def _interpret(self, function: Global, args: Value, otherwise: Object) -> Value:
        self.calling = function
        try:
            return rebuild(self, function.canonical, args)
        except (Refused, TypeError):  # kind or number of the arguments
            if function.module == "torch._utils":
                self.anomaly(f"a call of {function.name} with arguments that it does not take")
            return otherwise

    def mark_ambiguous(self, what: str) -> None:
        """Note what C and Python read differently, at the current opcode."""
        self.ambiguous = self.ambiguous or (
            f"{what}, which C and Python read differently ({self.opcode} at byte {self.offset:,})"
        )

    def note(
        self,
        function: Value,
        use: Use,
        rendered: Callable[[], str],
        followed: bool = False,
        literal: bool = False,
    ) -> None:
        """Record a use of the global that a callable comes from, if it comes from one."""
        function = _root(function)
        if isinstance(function, PersistentId):  # PyTorch's may stand for a class
            for held in callables_in(self, function.pid):
                self.note(held, use, rendered, followed, literal)
        if isinstance(function, Object):
            self.anomaly(f"a call of what more than {_CHAIN} calls made")
        if not isinstance(function, Global):
            return
        way = use, followed, literal, self.opcode
        count = function.counts[way] = function.counts.get(way, 0) + 1
        if count > self.budget.limits.calls:
            return
        text = rendered()
        alike = (use, text, followed, literal)
        known = ((u.use, u.rendered, u.followed, u.literal) for u in function.uses)
        if alike not in known:
            where = self.opcode, self.offset
            noted = GlobalUse(function.module, function.name, use, *where, text, followed, literal)
            function.uses.append(noted)

    @property
    def uses(self) -> tuple[GlobalUse, ...]:
        """Every global that the stream names, in order, with what it does with it."""
        uses: list[GlobalUse] = []
        for named in self.globals:
            uses += named.uses or (_pushed(named),)
        return tuple(uses)


def _root(function: Value) -> Value:
    """What a callable was made by, if not by itself."""
    for _ in range(_CHAIN):
        if not isinstance(function, Object):
            break
        function = function.function
    return function


def _is_attribute(value: Object) -> bool:
    return isinstance(value.function, Global) and value.function.canonical == GETATTR


def _with_keywords(args: Value, kwargs: Value) -> Value:
    """Positional arguments, and those given by keyword behind them."""
    if not isinstance(args, tuple) or not isinstance(kwargs, Dict):
        return args
    return (*args, *(value for _, value in kwargs.pairs))


def _is_literal(args: Value) -> bool:
    """Whether arguments are data: numbers, text, bytes, None."""
    if not isinstance(args, tuple):
        return False
    return all(arg is None or isinstance(arg, _LITERALS) for arg in args)


def _holds_object(args: Value) -> bool:
    return isinstance(args, tuple) and any(isinstance(arg, Object) for arg in args)


_IDENTITY = ("numpy", "object_")
"""A class whose `__new__` gives back what it is given."""
_CALLABLE = (Global, Object, PersistentId, TensorRecord)
_LITERALS = (bool, int, float, complex, str, Blob)


def _pushed(named: Global) -> GlobalUse:
    return GlobalUse(named.module, named.name, "pushed", named.opcode, named.offset, render(named))
