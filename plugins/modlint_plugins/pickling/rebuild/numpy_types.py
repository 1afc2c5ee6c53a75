"""NumPy's element types as their pickles state them, and where a statement corrupts memory.

`dtype.__setstate__` believes the flags that a pickle states: bytes of an element that is said to
hold no objects become pointers where its fields hold some, and of a state of another length it
reads what was never set. Source: NumPy 2.x, `_core/src/multiarray/descriptor.c`,
`arraydescr_setstate`; `_core/include/numpy/ndarraytypes.h`, NPY_ITEM_REFCOUNT, NPY_LIST_PICKLE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.sizes import product
from modlint_plugins.pickling.values import Dict, Global, NumpyDType, Value

_PLAIN = re.compile(r"b1|[iu][1248]|f(2|4|8|12|16)|c(8|16|24|32)|[SUVa]\d{1,18}|[Mm]8(\[.*\])?")
"""Codes of types without objects, as NumPy writes them; whatever else is spelled may hold some."""
_OBJECTS = re.compile(r"O[48]")
_NAMES = re.compile(r"float(16|32|64)|u?int(8|16|32|64)")
_POINTER = 8
_LENGTHS = range(5, 10)
"""Lengths of a state that NumPy reads: versions −1 to 4."""
_REFCOUNT, _LIST_PICKLE = 0x01, 0x02
_FIELD_FLAGS = 0x1B
"""NPY_FROM_FIELDS: what a structure has of a field of objects."""
_ALL_FLAGS = 0x3F
"""NPY_OBJECT_DTYPE_FLAGS."""
_VERSIONED = 6
_FLAGS = 7
_CHARACTER = 4
_MADE = ("numpy.random", "numpy.polynomial", "numpy.lib")
"""Packages of classes whose instances NumPy writes as such."""
_FLEXIBLE = frozenset("SUVa")
"""Kinds of types whose size NumPy takes from the state."""


def named(code: str) -> NumpyDType:
    """The type of a code ("f8", "O8", "<U4") or of a number's class ("float32")."""
    plain = code.lstrip("<>|=")
    objects = _OBJECTS.fullmatch(plain) is not None
    known = objects or any(form.fullmatch(plain) for form in (_PLAIN, _NAMES))
    return NumpyDType(code, objects=objects or not known, itemsize=_size(plain), known=known)


def _size(code: str) -> int | None:
    """Bytes of an element; None where the code does not say."""
    if _NAMES.fullmatch(code):
        return int(re.sub(r"\D", "", code)) // 8
    if _OBJECTS.fullmatch(code):
        return _POINTER
    digits = code[1:].partition("[")[0]
    size = int(digits) if digits.isdigit() and len(digits) < 10 else None
    return _CHARACTER * size if size is not None and code[:1] == "U" else size


def check_class(machine: Interpreter, cls: Global, *, instantiated: bool) -> None:
    """Note an array or element type that is made otherwise than NumPy writes it.

    Nothing checks its state, or what it views. NumPy writes a call of `numpy.dtype`, or of the one
    type's class that has arguments of its own, and arrays by `_reconstruct` and `_frombuffer`.
    """
    direct = instantiated and cls.module.startswith("numpy") and not cls.module.startswith(_MADE)
    if cls.canonical == ("numpy", "ndarray") or (direct and cls.canonical != ("numpy", "dtype")):
        machine.hazard("raw-objects", f"{cls.name} of NumPy is made by the class itself")
    made = instantiated and cls.canonical == ("numpy", "dtype")
    if made or (cls.module == "numpy.dtypes" and cls.name != "StringDType"):
        machine.hazard("bad-dtype", f"a NumPy element type is made by {cls.name} itself")


def complete(machine: Interpreter, dtype: NumpyDType, state: Value) -> None:
    """What `dtype.__setstate__` does: (version, byte order, subarray, names, fields, size, …)."""
    _mark_used(machine, dtype)
    if not isinstance(state, tuple) or len(state) not in _LENGTHS:
        length = len(state) if isinstance(state, tuple) else "computed"
        machine.hazard("bad-dtype", f"a NumPy element type with a state of {length} parts")
        dtype.objects = True
        return
    if len(state) < _VERSIONED:
        state = (0, *state)
    dtype.order = state[1] if isinstance(state[1], str) else dtype.order
    subarray = state[2]
    names, fields = (state[3], state[4]) if len(state) > _VERSIONED else (None, state[3])
    size = state[5] if len(state) > _VERSIONED else state[4]
    if not _is_written(subarray, names, fields) or not isinstance(size, int):
        machine.hazard("bad-dtype", "a NumPy element type whose parts are not as NumPy writes them")
        dtype.objects = True
    dtype.structured = any(part is not None for part in (subarray, names, fields))
    if isinstance(fields, Dict):
        fields.taken = True
    code = dtype.code.lstrip("<>|=")
    flexible = code[:1] in _FLEXIBLE or code == "c"
    if isinstance(size, int) and size < (0 if flexible else -1):
        machine.hazard("bad-dtype", f"a NumPy element type of {size:,} bytes")
    if isinstance(size, int) and size >= 0 and flexible:
        dtype.itemsize = size
    parts = [*_subarray(subarray), *_fields(fields)]
    for what, part, end in parts:
        dtype.objects = dtype.objects or part.objects
        if dtype.itemsize is not None and not 0 <= end <= dtype.itemsize:
            message = (
                f"a NumPy element type of {dtype.itemsize:,} bytes whose {what} ends at {end:,}"
            )
            machine.hazard("bad-dtype", message)
    if len(state) > _FLAGS:
        _check_flags(machine, dtype, state[_FLAGS])


def _mark_used(machine: Interpreter, dtype: NumpyDType) -> None:
    if dtype.used:
        machine.hazard("bad-dtype", "a NumPy element type that is changed after it was used")
    dtype.used = True


def _is_written(subarray: Value, names: Value, fields: Value) -> bool:
    """Whether a subarray, names and fields are what NumPy makes of them, and belong together."""
    if fields is not None and not isinstance(fields, Dict):
        return False
    stated = [] if fields is None else [value for _, value in fields.pairs]
    keys = [] if fields is None else [key for key, _ in fields.pairs]
    if not all(isinstance(key, str) for key in keys):
        return False
    if names is not None and not _are_names(names, frozenset(keys)):
        return False
    placed = all(
        isinstance(value, tuple) and len(value) > 1 and isinstance(value[1], int)
        for value in stated
    )
    if subarray is not None:
        stated.append(subarray)
    return placed and all(
        isinstance(value, tuple) and value and isinstance(value[0], NumpyDType) for value in stated
    )


def _are_names(names: Value, keys: frozenset[str]) -> bool:
    return isinstance(names, tuple) and all(isinstance(n, str) and n in keys for n in names)


def _check_flags(machine: Interpreter, dtype: NumpyDType, flags: Value) -> None:
    plain = not dtype.structured and _OBJECTS.fullmatch(dtype.code.lstrip("<>|=")) is not None
    due = (_ALL_FLAGS if plain else _FIELD_FLAGS) if dtype.objects else 0
    looked_at = due or _REFCOUNT | _LIST_PICKLE
    if not isinstance(flags, int) or flags & looked_at != due:
        holds = "objects" if dtype.objects else "no objects"
        machine.hazard("bad-dtype", f"a NumPy element type of {holds} whose flags say otherwise")
        dtype.objects = True


def _subarray(subarray: Value) -> Iterator[tuple[str, NumpyDType, int]]:
    """The element of a subarray, (type, shape), and where its last one ends."""
    match subarray:
        case (NumpyDType() as part, int() as count):
            yield "subarray", part, product((count,)) * (part.itemsize or 0)
        case (NumpyDType() as part, tuple(shape)) if all(isinstance(n, int) for n in shape):
            yield "subarray", part, product(shape) * (part.itemsize or 0)


def _fields(fields: Value) -> Iterator[tuple[str, NumpyDType, int]]:
    """The types of a structure's fields, each with the offset where it ends."""
    for key, value in fields.pairs if isinstance(fields, Dict) else ():
        match value:
            case (NumpyDType() as part, int() as offset, *_):
                end = offset + (part.itemsize or 0)
                name = key[:40] if isinstance(key, str) else ""
                yield f"field {name!r}", part, end if offset >= 0 else -1
