"""What the machine interprets of the standard library."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from modlint_plugins.pickling.handing_on import hand_on_all, note_items, note_planted
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.rebuild.refused import Refused, require
from modlint_plugins.pickling.values import Blob, Dict, Global, Object, Set, Value

_POINTER = 8
_LONGEST_TEXT = 10_000
"""Characters of a regular expression, a number or a name that are taken as such."""
_CODE_TYPES = frozenset({"CellType", "CodeType", "FunctionType", "LambdaType"})
_OPERATORS = frozenset(
    {"__call__", "__eq__", "__ge__", "__getitem__", "__gt__", "__le__", "__lt__"}
)
"""Methods that lead nowhere until they are called."""
_LONGEST_NUMBER = 40
_MODULES_WITH_METHODS = ("torch.nn", "torch.optim", "torch.ao")
_LONGEST_EXPONENT = 5
"""Digits of an exponent."""
_EMPTY = frozenset(
    ("builtins", name) for name in ("bool", "float", "int", "long", "str", "unicode")
)
"""Types that make an empty value when they are called with nothing."""
_DECIMAL = ("decimal", "_decimal")
ENCODINGS = frozenset({"latin1", "latin-1", "ascii", "utf-8", "utf8"})
"""Those that picklers name; others take a time that grows with the text's square."""


def _ordered_dict(machine: Interpreter, content: Value = None) -> Value:
    """OrderedDict(), or from a list of pairs (Python 2), or from another mapping."""
    if content is None:
        return Dict()
    if isinstance(content, Dict):  # its keys are counted already
        machine.budget.spend_copy(_POINTER * len(content.pairs))
        return Dict(list(content.pairs))
    require(isinstance(content, (list, tuple)))
    machine.budget.spend_copy(_POINTER * len(content))
    require(all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in content))
    _count_keys(machine, [pair[0] for pair in content])
    return Dict([(key, value) for key, value in content])


def _default_dict(machine: Interpreter, factory: Value = None, content: Value = None) -> Value:
    """The factory is called where a key is missed: by an optimiser's `__setstate__`, for one."""
    if not isinstance(factory, Global) or factory.canonical not in _EMPTY:
        hand_on_all(machine, factory, machine.calling, "default_factory")
    return _counter(machine, content)


def _counter(machine: Interpreter, content: Value = None) -> Value:
    if isinstance(content, (list, tuple)):
        _count_keys(machine, content)
    require(content is None or isinstance(content, Dict))
    return _ordered_dict(machine, content)


def _sequence(machine: Interpreter, content: Value = ()) -> list[Value]:
    require(isinstance(content, (list, tuple)))
    machine.budget.spend_copy(_POINTER * len(content))
    return list(content)


def _count_keys(machine: Interpreter, keys: Sequence[Value]) -> None:
    machine.budget.spend_opcodes(len(keys))
    for key in keys:
        machine.note_key(key)


def _set(machine: Interpreter, content: Value = ()) -> Value:
    items = _sequence(machine, content)
    _count_keys(machine, items)
    return Set(items)


def _frozenset(machine: Interpreter, content: Value = ()) -> Value:
    items = _sequence(machine, content)
    _count_keys(machine, items)
    return Set(items, frozen=True)


def _complex(real: Value = 0, imaginary: Value = 0) -> Value:
    require(isinstance(real, (int, float)) and isinstance(imaginary, (int, float)))
    return complex(_as_float(real), _as_float(imaginary))


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise Refused from None


def _encode(machine: Interpreter, text: Value, encoding: Value = "utf-8") -> Value:
    """How protocol 2 writes bytes: as text, to be encoded to Latin-1."""
    require(isinstance(text, str) and isinstance(encoding, str) and encoding in ENCODINGS)
    machine.budget.spend_copy(len(text))
    try:
        blob = Blob(memoryview(text.encode(encoding)), None)
    except UnicodeEncodeError:
        raise Refused from None
    machine.notes.note_embedded(blob)
    return blob


def _bytes(machine: Interpreter, content: Value = None, encoding: Value = None) -> Value:
    if encoding is not None:
        return _encode(machine, content, encoding)
    require(content is None or isinstance(content, Blob))
    return Blob(memoryview(b""), None) if content is None else content


def _reconstructor(machine: Interpreter, cls: Value, base: Value, state: Value) -> Value:
    """An instance as protocols 0 and 1 write it; `base` other than object is called."""
    made: Object = machine.instantiate(cls, ())
    require(isinstance(made, Object))
    if isinstance(base, Global) and base.canonical == ("builtins", "object"):
        return made
    machine.call(base, (state,))
    if isinstance(state, Dict):
        made.pairs = list(state.pairs)
        note_items(machine, made, state.pairs)
    elif isinstance(state, list):
        made.items = list(state)
    else:
        made.args = (state,)
    return made


def _getattr(machine: Interpreter, owner: Value, name: Value) -> Value:
    """An attribute of a global is a global: STACK_GLOBAL reads dotted names alike.

    That of an instance, as a bound method is written, is only kept; what then calls or changes it
    is told.
    """
    require(isinstance(name, str))
    if isinstance(owner, Global):
        return machine.name_global(owner.module, f"{owner.name}.{name}")
    require(_has_methods(owner))
    require(not name.startswith("__") or name in _OPERATORS)
    return Object(machine.calling, (owner, name), called=True)


def _has_methods(owner: Value) -> bool:
    """Whether bound methods of a value are kept in checkpoints: of a module's, or a third party's.

    An attribute of an array or of a module leads anywhere, and so does that of an attribute.
    """
    if not isinstance(owner, Object) or not isinstance(owner.function, Global):
        return False
    module = owner.function.module
    root = module.partition(".")[0]
    if root in ("torch", "numpy"):
        return module.startswith(_MODULES_WITH_METHODS)
    return root not in sys.stdlib_module_names and root != "__builtin__"


def _int(text: Value = 0, base: Value = 10) -> Value:
    """A number out of a text, as calls that compute sizes use it."""
    require(isinstance(text, (str, int, float)) and isinstance(base, int))
    require(not isinstance(text, str) or len(text) <= _LONGEST_NUMBER)
    try:
        return int(text, base) if isinstance(text, str) else int(text)
    except (ValueError, OverflowError):
        raise Refused from None


def _dict(machine: Interpreter, content: Value = None) -> Value:
    """dict(), of a mapping or of pairs; of anything else it calls what that holds."""
    require(content is None or isinstance(content, (Dict, list, tuple)))
    return _ordered_dict(machine, content)


def _builtin_type(machine: Interpreter, name: Value) -> Value:
    """How cloudpickle names the type of code objects and of functions."""
    require(isinstance(name, str) and name in _CODE_TYPES)
    return machine.name_global("types", name)


def _partial(machine: Interpreter, *args: Value) -> Value:
    """A partial is kept; what its call calls is told where it is called."""
    require(bool(args) and isinstance(args[0], (Global, Object)))
    return Object(machine.calling, args, called=True)


def _namespace(machine: Interpreter, content: Value) -> Value:
    """SimpleNamespace of a mapping, which becomes its attributes (Python 3.13)."""
    made = Object(machine.calling, (content,), called=True)
    note_planted(machine, made, content)
    return made


def _plain(machine: Interpreter, *args: Value) -> Value:
    """A value of the standard library that text or a number makes."""
    require(all(isinstance(arg, (str, int, float)) for arg in args) and len(args) <= 3)
    require(all(len(arg) <= _LONGEST_TEXT for arg in args if isinstance(arg, str)))
    return Object(machine.calling, args, called=True)


def _fraction(machine: Interpreter, *args: Value) -> Value:
    """A fraction, whose text may state an exponent that takes all memory."""
    for arg in args:
        exponent = arg.lower().partition("e")[2] if isinstance(arg, str) else ""
        if len(exponent.strip("+-_ ")) > _LONGEST_EXPONENT:
            machine.hazard("allocation", f"a fraction with the exponent {exponent[:20]}")
    return _plain(machine, *args)


def _context(machine: Interpreter, *args: Value) -> Value:
    """A context of decimal numbers: settings, and lists of the module's own signals."""
    for arg in args:
        signals = arg if isinstance(arg, list) else ()
        require(isinstance(arg, (str, int, list)))
        require(all(isinstance(s, Global) and s.module in _DECIMAL for s in signals))
    return Object(machine.calling, args, called=True)


def _iter(machine: Interpreter, content: Value) -> Value:
    """An iterator over what the file holds, which runs nothing until it is asked."""
    require(isinstance(content, (str, list, tuple, Blob, Dict, Set)))
    return Object(machine.calling, (content,), called=True)


def _type(machine: Interpreter, value: Value) -> Value:
    """The type of None, as pickles write it; any other may be a class of the file's choice."""
    require(value is None)
    return Object(machine.calling, (value,), called=True)


def _bytes_io(machine: Interpreter, content: Value = None) -> Value:
    """A file in memory; the machine notes what its bytes hold."""
    require(content is None or isinstance(content, Blob))
    return Object(machine.calling, () if content is None else (content,), called=True)


def _newobj(machine: Interpreter, cls: Value, *args: Value) -> Value:
    return machine.instantiate(cls, args)


def _newobj_ex(machine: Interpreter, cls: Value, args: Value, kwargs: Value) -> Value:
    return machine.call(cls, args, kwargs)


REBUILDS: dict[tuple[str, str], Callable[..., Value]] = {
    ("builtins", "complex"): _complex,
    ("builtins", "int"): _int,
}

DELEGATES: dict[tuple[str, str], Callable[..., Value]] = {
    ("_codecs", "encode"): _encode,
    ("builtins", "bytearray"): _bytes,
    ("builtins", "bytes"): _bytes,
    ("builtins", "dict"): _dict,
    ("builtins", "frozenset"): _frozenset,
    ("builtins", "getattr"): _getattr,
    ("builtins", "list"): _sequence,
    ("builtins", "set"): _set,
    ("_decimal", "Context"): _context,
    ("_io", "BytesIO"): _bytes_io,
    ("builtins", "iter"): _iter,
    ("builtins", "type"): _type,
    ("cloudpickle.cloudpickle", "_builtin_type"): _builtin_type,
    ("collections", "Counter"): _counter,
    ("collections", "OrderedDict"): _ordered_dict,
    ("collections", "defaultdict"): _default_dict,
    ("copyreg", "__newobj__"): _newobj,
    ("copyreg", "__newobj_ex__"): _newobj_ex,
    ("copyreg", "_reconstructor"): _reconstructor,
    ("decimal", "Context"): _context,
    ("decimal", "Decimal"): _plain,
    ("fractions", "Fraction"): _fraction,
    ("functools", "partial"): _partial,
    ("io", "BytesIO"): _bytes_io,
    ("logging", "getLogger"): _plain,
    ("re", "_compile"): _plain,
    ("types", "SimpleNamespace"): _namespace,
    ("uuid", "UUID"): _plain,
}
