"""Opcodes that push a constant: numbers, text, bytes."""

from __future__ import annotations

import re

from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.limits import LimitReached, Malformed
from modlint_plugins.pickling.opcodes.numbers import integer, real
from modlint_plugins.pickling.opcodes.table import Span
from modlint_plugins.pickling.operations.registry import operation
from modlint_plugins.pickling.values import Blob, OutOfBand

_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)

_ESCAPED = {
    b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v",
    b"\n": b"", b"\\": b"\\", b"'": b"'", b'"': b'"',
}  # fmt: skip


@operation("NONE")
def none(machine: Interpreter, _: None) -> None:
    """None."""
    machine.stack.append(None)


@operation("NEWTRUE")
def true(machine: Interpreter, _: None) -> None:
    """True."""
    machine.stack.append(True)


@operation("NEWFALSE")
def false(machine: Interpreter, _: None) -> None:
    """False."""
    machine.stack.append(False)


@operation("BININT", "BININT1", "BININT2", "BINFLOAT")
def number(machine: Interpreter, value: float) -> None:
    """A binary number."""
    machine.stack.append(value)


@operation("LONG1", "LONG4")
def long(machine: Interpreter, span: Span) -> None:
    """A little-endian two's complement integer."""
    raw = _copy(machine, span)
    _check_integer(machine, len(raw))
    machine.stack.append(int.from_bytes(raw, "little", signed=True))


@operation("INT")
def int_line(machine: Interpreter, line: bytes) -> None:
    """A decimal integer, or a truth value as protocol 0 writes it."""
    booleans = {b"00": False, b"01": True}
    machine.stack.append(booleans[line] if line in booleans else _decimal(machine, line))


@operation("LONG")
def long_line(machine: Interpreter, line: bytes) -> None:
    """A decimal integer, perhaps with Python 2's L behind it."""
    machine.stack.append(_decimal(machine, line.removesuffix(b"L")))


@operation("FLOAT")
def float_line(machine: Interpreter, line: bytes) -> None:
    """A decimal float."""
    machine.budget.spend_copy(len(line))
    value = real(line)
    if value is None:
        raise Malformed("text that is no number")
    machine.stack.append(value)


@operation("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
def text(machine: Interpreter, span: Span) -> None:
    """UTF-8 text, lone surrogates allowed."""
    try:
        decoded = _copy(machine, span).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise Malformed("text that is not UTF-8") from None
    machine.push_text(decoded)


@operation("UNICODE")
def text_line(machine: Interpreter, line: bytes) -> None:
    """Text with Unicode escapes."""
    machine.budget.spend_copy(len(line))
    try:
        decoded = line.decode("raw-unicode-escape")
    except UnicodeDecodeError:
        raise Malformed("text with a bad escape") from None
    machine.push_text(decoded)


@operation("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
def blob(machine: Interpreter, span: Span) -> None:
    """Bytes, which stay where they are."""
    _push_span(machine, span)


@operation("BINSTRING", "SHORT_BINSTRING")
def string(machine: Interpreter, span: Span) -> None:
    """A string of Python 2: text where it is UTF-8, else bytes."""
    start, stop = span
    try:
        machine.budget.spend_copy(stop - start)
        decoded = str(machine.view[start:stop], "utf-8")
    except UnicodeDecodeError:
        _push_span(machine, span)
    else:
        machine.push_text(decoded)


@operation("STRING")
def string_line(machine: Interpreter, line: bytes) -> None:
    """A string of Python 2 in quotes, with escapes."""
    machine.budget.spend_copy(2 * len(line))
    line = line.rstrip(b" \t\r")
    if len(line) < 2 or line[:1] not in (b"'", b'"') or line[:1] != line[-1:]:
        raise Malformed("a string that is not in quotes")
    raw = _ESCAPE.sub(_unescape, line[1:-1])
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError:
        machine.push_blob(Blob(memoryview(raw), None))
    else:
        machine.push_text(decoded)


@operation("NEXT_BUFFER")
def next_buffer(machine: Interpreter, _: None) -> None:
    """A buffer that came beside the pickle."""
    machine.stack.append(OutOfBand())


@operation("READONLY_BUFFER")
def readonly_buffer(machine: Interpreter, _: None) -> None:
    """Make the top of the stack read-only: it is already."""
    machine.stack[-1]


def _copy(machine: Interpreter, span: Span) -> bytes:
    start, stop = span
    machine.budget.spend_copy(stop - start)
    return bytes(machine.view[start:stop])


def _push_span(machine: Interpreter, span: Span) -> None:
    start, stop = span
    offset = None if machine.origin is None else machine.origin + start
    machine.push_blob(Blob(machine.view[start:stop], offset))


def _unescape(escape: re.Match[bytes]) -> bytes:
    hexadecimal, octal, letter = escape.groups()
    if hexadecimal is not None:
        return bytes([int(hexadecimal, 16)])
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    return _ESCAPED.get(letter, escape.group())


def _decimal(machine: Interpreter, line: bytes) -> int:
    machine.budget.spend_copy(len(line))
    if len(line) > machine.budget.limits.integer_bytes and not line[:64].strip(b"+-0_ ").isalnum():
        raise Malformed("text that is no integer")
    _check_integer(machine, len(line))
    try:
        value = integer(line)
    except ValueError:
        raise LimitReached(f"an integer of {len(line):,} digits") from None
    if value is None:
        raise Malformed("text that is no integer")
    return value


def _check_integer(machine: Interpreter, nbytes: int) -> None:
    if nbytes > machine.budget.limits.integer_bytes:
        raise LimitReached(f"an integer of {nbytes:,} bytes")
