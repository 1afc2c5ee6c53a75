"""The element type that a NumPy header describes: its size, and whether it holds objects.

Everything that NumPy takes: fields, nested, titled and with shapes; text with several fields.
Sources: NumPy 2.4, `lib/_format_impl.py`, `descr_to_dtype`; `_core/_internal.py`, `_commastring`.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

_ORDERS = "<>|="
_MAX_SIZE = 1 << 62
_MAX_RANK = 64

_BY_LETTER = {
    "?": 1, "b": 1, "B": 1, "c": 1, "h": 2, "H": 2, "e": 2, "i": 4, "I": 4, "f": 4, "l": 8, "L": 8,
    "q": 8, "Q": 8, "p": 8, "P": 8, "n": 8, "N": 8, "d": 8, "M": 8, "m": 8, "O": 8, "F": 8,
    "D": 16, "g": 16, "T": 16, "G": 32, "S": 0, "a": 0, "U": 0, "V": 0,
}  # fmt: skip
_BY_NAME = {
    "bool": 1, "bool_": 1, "byte": 1, "ubyte": 1, "int8": 1, "uint8": 1, "half": 2, "float16": 2,
    "short": 2, "ushort": 2, "int16": 2, "uint16": 2, "intc": 4, "uintc": 4, "int32": 4,
    "uint32": 4, "single": 4, "float32": 4, "int": 8, "int_": 8, "uint": 8, "int64": 8,
    "uint64": 8, "intp": 8, "uintp": 8, "long": 8, "ulong": 8, "longlong": 8, "ulonglong": 8,
    "float": 8, "float64": 8, "double": 8, "csingle": 8, "complex64": 8, "complex": 16,
    "complex128": 16, "cdouble": 16, "longdouble": 16, "float128": 16, "clongdouble": 32,
    "complex256": 32, "datetime64": 8, "timedelta64": 8, "str": 0, "str_": 0, "unicode": 0,
    "bytes": 0, "bytes_": 0, "void": 0, "object": 8, "object_": 8,
}  # fmt: skip
_SIZES = {
    "b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8, 16), "c": (8, 16, 32),
    "M": (8,), "m": (8,),
}  # fmt: skip
_SIZED = re.compile(r"([a-zA-Z])(\d{1,18})")
_TIME = re.compile(r"(M8?|m8?|datetime64|timedelta64)\[[^\]]*\]")
_FIELD = re.compile(
    r"([<>|=]?)( *[(]?[ ,0-9]*[)]? *)([<>|=]?)([A-Za-z0-9.?]*(?:\[[a-zA-Z0-9,.]+\])?)"
)
_SEPARATOR = re.compile(r"\s*,\s*")


class Layout(NamedTuple):
    """What an element takes.

    Attributes:
        nbytes: its size, None where NumPy would not take the description.
        objects: whether there are Python objects in it, so that the array is a pickle.
        void: whether NumPy takes a field of no name for padding: bytes, or several elements.
    """

    nbytes: int | None
    objects: bool
    void: bool = False


_UNKNOWN = Layout(None, False)


def layout(descr: Any) -> Layout:
    """The layout of a `descr`, as it stands in a header."""
    if isinstance(descr, str):
        return _text(descr)
    if isinstance(descr, tuple):
        if len(descr) < 2:
            return _UNKNOWN
        return _repeated(layout(descr[0]), descr[1])
    # NumPy walks over whatever it can: the keys of a dict, the elements of a set.
    return _fields(descr) if isinstance(descr, (list, dict, set)) else _UNKNOWN


def _fields(fields: Iterable[Any]) -> Layout:
    return _joined([_field(field) for field in fields])


def _joined(layouts: list[Layout]) -> Layout:
    objects = any(part.objects for part in layouts)
    sizes = [part.nbytes for part in layouts if part.nbytes is not None]
    return Layout(sum(sizes) if len(sizes) == len(layouts) else None, objects)


def _field(field: Any) -> Layout:
    """A name, a type and perhaps a shape; two or three letters of text are taken apart likewise."""
    match tuple(field) if isinstance(field, (tuple, list, str)) else ():
        case (name, inner):
            found = layout(inner)
        case (name, inner, shape):
            found = _repeated(layout(inner), shape)
        case _:
            return _UNKNOWN
    return Layout(found.nbytes, False) if name == "" and found.void else found


def _repeated(base: Layout, shape: Any) -> Layout:
    """The layout of a shape's elements; NumPy also takes a second type, in the first one's room."""
    if isinstance(shape, (str, list)):
        return Layout(None, base.objects or layout(shape).objects)
    sizes = shape if isinstance(shape, tuple) else (shape,)
    plain = len(sizes) <= _MAX_RANK and all(
        type(size) is int and 0 <= size < _MAX_SIZE for size in sizes
    )
    # A number gives text that has no size one.
    sizeless = base.nbytes == 0 and not isinstance(shape, tuple)
    if base.nbytes is None or sizeless or not plain:
        return Layout(None, base.objects)
    if not sizes:
        return base
    return Layout(base.nbytes * math.prod(sizes), base.objects, void=True)


def _text(text: str) -> Layout:
    core = text.lstrip(_ORDERS) if text[:1] and text[0] in _ORDERS else text
    if "," in re.sub(r"\[[^\]]*\]", "", text) or core[:1].isdigit() or core[:1] == "(":
        return _several(text)
    return _single(text)


def _several(text: str) -> Layout:
    """Types separated by commas, each perhaps after a number or a shape."""
    at = 0
    parts: list[Layout] = []
    while at < len(text):
        match = _FIELD.match(text, at)
        if match is None or match.end() == at:
            return Layout(None, any(part.objects for part in parts))
        _, repeats, _, name = match.groups()
        base = _text(name)
        at = match.end()
        parts.append(_repeated(base, _literal(repeats)) if repeats.strip() else base)
        separator = _SEPARATOR.match(text, at)
        if separator is None and text[at:].strip():
            return Layout(None, any(part.objects for part in parts))
        if separator is None and len(parts) == 1:
            return parts[0]
        at = separator.end() if separator else len(text)
    return _joined(parts)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _single(text: str) -> Layout:
    name = text[1:] if text[:1] and text[0] in _ORDERS else text
    if _TIME.fullmatch(name):
        return Layout(8, False)
    if name in _BY_LETTER:
        return Layout(_BY_LETTER[name], name in "OT")
    if name in _BY_NAME and (name == text or name in ("datetime64", "timedelta64")):
        return Layout(_BY_NAME[name], name.startswith("object"))
    match = _SIZED.fullmatch(name)
    if match is None:
        return Layout(None, name[:1] in ("O", "T") or name.lower().startswith("object"))
    letter, nbytes = match[1], int(match[2])
    if letter in "SaVU":
        return Layout(nbytes * (4 if letter == "U" else 1), False, letter == "V")
    if letter in "OT":
        return Layout(8 if letter == "O" and nbytes in (4, 8) else None, True)
    return Layout(nbytes if nbytes in _SIZES.get(letter, ()) else None, False)
