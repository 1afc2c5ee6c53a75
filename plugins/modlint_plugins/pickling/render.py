"""Values out of a pickle as readable Python, within a bound on length and depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from modlint_plugins.pickling.values import (
    Array,
    Blob,
    Composite,
    Dict,
    Global,
    Nested,
    NumpyDType,
    Object,
    OutOfBand,
    PersistentId,
    Set,
    TensorRecord,
    Value,
)

LENGTH = 200
_DEPTH = 8
_BITS = 256


class _Full(Exception):
    """No room is left."""


class _Writer:
    """Collects text until there is no room."""

    def __init__(self, room: int) -> None:
        self.pieces: list[str] = []
        self.room = room

    def write(self, text: str) -> None:
        self.pieces.append(text[: self.room])
        self.room -= len(text)
        if self.room < 0:
            raise _Full


def render(value: Value, length: int = LENGTH) -> str:
    """A value as Python text of at most `length` characters."""
    return _bounded(lambda writer: _value(writer, value, 0), length)


def render_call(function: Value, args: Value, kwargs: Value, length: int = LENGTH) -> str:
    """A call as Python text of at most `length` characters; `function` may be a name."""
    return _bounded(lambda writer: _call(writer, function, args, kwargs, 0), length)


def render_attribute(owner: Value, name: str, value: Value, length: int = LENGTH) -> str:
    """An attribute that is set, as Python text of at most `length` characters."""

    def write(writer: _Writer) -> None:
        _value(writer, owner, _DEPTH - 2)
        writer.write(f".{_printable(name)} = ")
        _value(writer, value, 0)

    return _bounded(write, length)


def _bounded(write: Callable[[_Writer], None], length: int) -> str:
    writer = _Writer(length - 1)
    try:
        write(writer)
    except _Full:
        writer.pieces.append("…")
    return "".join(writer.pieces)


def _value(writer: _Writer, value: Value, depth: int) -> None:
    if depth > _DEPTH:
        writer.write("…")
    elif isinstance(value, Global):
        writer.write(_printable(f"{value.module}.{value.name}"))
    elif isinstance(value, Object):
        _call(writer, value.function, value.args, value.kwargs, depth)
    elif isinstance(value, (tuple, list, Set, Dict)):
        _container(writer, value, depth)
    else:
        _leaf(writer, value, depth)


def _call(writer: _Writer, function: Value, args: Value, kwargs: Value, depth: int) -> None:
    if isinstance(function, str):
        writer.write(function)
    else:
        _value(writer, function, depth + 1)
    if not isinstance(args, tuple):
        args = (args,)
    writer.write("(")
    _items(writer, args, depth)
    if kwargs is not None:
        writer.write(", **" if args else "**")
        _value(writer, kwargs, depth + 1)
    writer.write(")")


def _container(writer: _Writer, value: Value, depth: int) -> None:
    if isinstance(value, Dict):
        writer.write("{")
        _pairs(writer, value, depth)
        writer.write("}")
        return
    opening, closing = "[]" if isinstance(value, list) else "()"
    if isinstance(value, Set):
        opening, closing, value = "{", "}", value.items
    writer.write(opening)
    _items(writer, value, depth)
    writer.write("," + closing if closing == ")" and len(value) == 1 else closing)


def _items(writer: _Writer, values: Iterable[Value], depth: int) -> None:
    for index, value in enumerate(values):
        if index:
            writer.write(", ")
        _value(writer, value, depth + 1)


def _pairs(writer: _Writer, value: Dict, depth: int) -> None:
    for index, (key, item) in enumerate(value.pairs):
        if index:
            writer.write(", ")
        _value(writer, key, depth + 1)
        writer.write(": ")
        _value(writer, item, depth + 1)


def _leaf(writer: _Writer, value: Value, depth: int) -> None:
    if isinstance(value, str):
        writer.write(repr(value[:LENGTH]))
    elif isinstance(value, Blob):
        writer.write(repr(bytes(value.view[:LENGTH])))
    elif isinstance(value, PersistentId):
        writer.write("persistent_load(")
        _value(writer, value.pid, depth + 1)
        writer.write(")")
    elif isinstance(value, int) and value.bit_length() > _BITS:
        writer.write(f"<an integer of {value.bit_length():,} bits>")
    elif value is None or isinstance(value, (bool, int, float, complex)):
        writer.write(repr(value))
    else:
        writer.write(_KINDS.get(type(value), "…"))


_KINDS: dict[type, str] = {
    Array: "<array>",
    Composite: "<tensor>",
    Nested: "<storage>",
    NumpyDType: "<dtype>",
    OutOfBand: "<buffer>",
    TensorRecord: "<tensor>",
}


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)[1:-1]
