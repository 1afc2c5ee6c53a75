"""Opcodes that name globals, call them, and set the state of what they built."""

from __future__ import annotations

from modlint_plugins.pickling.handing_on import note_changed, note_filled, planted
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.limits import Malformed
from modlint_plugins.pickling.operations.registry import operation
from modlint_plugins.pickling.rebuild.joblib_arrays import follow_wrapper
from modlint_plugins.pickling.render import render_call
from modlint_plugins.pickling.values import Blob, Global, Nested, Object, PersistentId, Value

_STATELESS = (int, float, str, tuple, Blob, Nested, PersistentId)
_REDUCE = "reduce_package"


@operation("GLOBAL")
def push_global(machine: Interpreter, lines: tuple[bytes, bytes]) -> None:
    """Push the global that two lines name."""
    machine.push_global(*map(_name, lines))


@operation("STACK_GLOBAL")
def stack_global(machine: Interpreter, _: None) -> None:
    """Push the global that two strings on the stack name."""
    name = machine.stack.pop()
    module = machine.stack.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise Malformed("a global whose name is no text")
    machine.push_global(module, name)


@operation("EXT1", "EXT2", "EXT4")
def extension(machine: Interpreter, code: int) -> None:
    """Push a global by its number in copyreg's registry, which only the loading program knows."""
    if code <= 0:
        raise Malformed("an extension code that is not positive")
    machine.push_global("copyreg", f"_inverted_registry[{code}]")


@operation("REDUCE")
def reduce(machine: Interpreter, _: None) -> None:
    """Call a function with a tuple of arguments."""
    args = machine.stack.pop()
    machine.stack[-1] = machine.call(machine.stack[-1], args)


@operation("NEWOBJ")
def newobj(machine: Interpreter, _: None) -> None:
    """Make an instance without running its class' constructor."""
    args = machine.stack.pop()
    machine.stack[-1] = machine.instantiate(machine.stack[-1], args)


@operation("NEWOBJ_EX")
def newobj_ex(machine: Interpreter, _: None) -> None:
    """Make an instance with keyword arguments."""
    kwargs = machine.stack.pop()
    args = machine.stack.pop()
    machine.stack[-1] = machine.call(machine.stack[-1], args, kwargs)


@operation("INST")
def inst(machine: Interpreter, lines: tuple[bytes, bytes]) -> None:
    """Call the class that two lines name with what is above the MARK."""
    args = machine.pop_mark()
    push_global(machine, lines)
    machine.stack[-1] = machine.call(machine.stack[-1], tuple(args))


@operation("OBJ")
def obj(machine: Interpreter, _: None) -> None:
    """Call the class that is first above the MARK with the rest."""
    cls, *args = machine.pop_mark() or [None]
    if cls is None:
        raise Malformed("OBJ without a class")
    machine.stack.append(machine.call(cls, tuple(args)))


@operation("BUILD")
def build(machine: Interpreter, _: None) -> None:
    """Set the state of the value below the top; on a class or module, that patches it."""
    state = machine.stack.pop()
    target = machine.stack[-1]
    if isinstance(target, Global):
        machine.note_use(target, "called", lambda: render_call("setattr", (target, state), None))
    if isinstance(target, Object) and target.state is not None:
        note_filled(machine, target)
    setter = planted(machine, target, "__setstate__")
    if setter is not None:
        machine.call(setter, (state,))
    if not isinstance(target, Global):
        note_changed(machine, target)
    if isinstance(target, _STATELESS) or target is None:
        machine.anomaly("a state that is set on what has none")
    machine.set_state(target, state)
    follow_wrapper(machine, target)


def _is_reduce(kind: Value) -> bool:
    if isinstance(kind, Blob):
        return bytes(kind.view[:100]) == _REDUCE.encode()
    return isinstance(kind, str) and kind == _REDUCE


@operation("PERSID")
def persid(machine: Interpreter, line: bytes) -> None:
    """Push what a line of text refers to."""
    machine.budget.spend_copy(len(line))
    _push_reference(machine, line.decode("utf-8", "backslashreplace"))


@operation("BINPERSID")
def binpersid(machine: Interpreter, _: None) -> None:
    """Push what the value on the stack refers to."""
    _push_reference(machine, machine.stack.pop())


def _push_reference(machine: Interpreter, pid: Value) -> None:
    """Push what a persistent id refers to; torch.package's may be calls.

    Source: torch 2.13, `package/package_importer.py`, `load_pickle`, `persistent_load`.
    """
    if isinstance(pid, tuple) and len(pid) in (3, 4) and _is_reduce(pid[0]):
        function, args = pid[-2:]
        rest = args if isinstance(args, tuple) else (args,)
        machine.stack.append(machine.call(function, (PersistentId("importer"), *rest)))
    else:
        found = machine.resolve(pid)
        if type(found) is PersistentId and machine.resolve is not PersistentId:
            machine.anomaly("a persistent id that PyTorch does not write")
        machine.stack.append(found)


def _name(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
