"""What a pickle builds when nothing is executed: inert records.

Tuples, lists, text, numbers and None stand for themselves. All records compare by identity:
values out of a pickle are never hashed, compared or printed, for a few bytes of pickle can nest
them a billion-fold.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from modlint.pickles import GlobalUse, Use

Value = Any
Pairs = list[tuple[Value, Value]]

_RENAMED = {
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "numpy._core.multiarray": "numpy.core.multiarray",
    "numpy._core.numeric": "numpy.core.numeric",
    "torch.tensor": "torch._tensor",
}


class Global(Struct, eq=False):
    """A (module, name) pair: what an unpickler would import.

    Attributes:
        module: as written in the file.
        name: as written in the file.
        opcode: name of the opcode that names it.
        offset: byte offset of that opcode.
        uses: what was done with it so far.
        counts: how often it was used in each way, followed or not, by each opcode.
    """

    module: str
    name: str
    opcode: str
    offset: int
    uses: list[GlobalUse] = field(default_factory=list)
    counts: dict[tuple[Use, bool, bool, str], int] = field(default_factory=dict)

    @property
    def canonical(self) -> tuple[str, str]:
        """The pair under today's module name."""
        return _RENAMED.get(self.module, self.module), self.name


class Blob(Struct, eq=False):
    """Bytes, a view of the file where that is possible.

    Attributes:
        view: the bytes.
        offset: where they begin in the file; None where they were inflated, or decoded from text.
    """

    view: memoryview
    offset: int | None


class Dict(Struct, eq=False):
    """A mapping: its pairs in order, a repeated key repeated.

    Attributes:
        pairs: keys and values.
        state: what BUILD set on it (a state_dict's `_metadata`).
        taken: something keeps it and relies on what it held then.
    """

    pairs: Pairs = field(default_factory=list)
    state: Value = None
    taken: bool = False


class Set(Struct, eq=False):
    """A set or frozenset: its items as written."""

    items: list[Value]
    frozen: bool = False


class Object(Struct, eq=False):
    """Anything of a class or function that is not interpreted.

    Attributes:
        function: the class, or the callable: a `Global`, or another record.
        args: positional arguments, a tuple in any sane pickle.
        kwargs: keyword arguments (NEWOBJ_EX).
        called: made by a call; otherwise an instance made without running its constructor.
        state: what BUILD set on it, the last time.
        earlier: what BUILD set on it before that.
        items: what APPEND, APPENDS or ADDITEMS added.
        pairs: what SETITEM or SETITEMS set.
    """

    function: Value
    args: Value
    kwargs: Value = None
    called: bool = False
    state: Value = None
    earlier: list[Value] | None = None
    items: list[Value] | None = None
    pairs: Pairs | None = None


class PersistentId(Struct, eq=False):
    """A reference to something outside of the pickle: a storage, in PyTorch's files."""

    pid: Value


class Nested(Struct, eq=False):
    """A checkpoint within a bytes literal, which `torch.load` would have read.

    Attributes:
        blob: its bytes.
        offset: offset of the opcode that calls `torch.load`.
        function: the global that is called.
        content: what it stands for, once it was interpreted.
    """

    blob: Blob
    offset: int
    function: Global
    content: Value = None


class TensorRecord(Struct, eq=False):
    """A PyTorch tensor.

    Attributes:
        storage: a `PersistentId`, a `Nested` storage, or None for a tensor without data.
        offset: index of its first element in the storage.
        size: a tuple of sizes.
        stride: a tuple of strides, in elements.
        dtype: a `Global` where the storage does not tell the type.
        parts: what belongs to it (scales of a quantised tensor), by name.
        lazy: pending conjugation or negation, as `_rebuild_tensor_v2` states it.
    """

    storage: Value
    offset: Value
    size: Value
    stride: Value
    dtype: Value = None
    parts: Pairs = field(default_factory=list)
    lazy: Value = None


class Composite(Struct, eq=False):
    """One tensor made of several: sparse, nested.

    Attributes:
        parts: the parts by name.
        layout: PyTorch's name of the layout, "nested" for a nested one.
    """

    parts: Pairs
    layout: str = "nested"


Made = TensorRecord | Composite


class NumpyDType(Struct, eq=False):
    """A NumPy element type.

    Attributes:
        code: kind and bytes ("f8").
        order: byte order ("<", ">", "|", "=").
        structured: whether it has fields or a subarray.
        objects: whether its elements hold pointers to Python objects.
        itemsize: bytes of one element; None where the file does not say.
        known: whether its code is one that NumPy writes; of others nothing is certain.
    """

    code: str
    order: str = "="
    structured: bool = False
    objects: bool = False
    itemsize: int | None = None
    known: bool = True


class Array(Struct, eq=False):
    """A NumPy array: `data` is a `Blob`, text (written by Python 2), or a list of objects.

    Attributes:
        used: something was made of it.
    """

    shape: Value = None
    dtype: Value = None
    fortran: bool = False
    data: Value = None
    used: bool = False


class OutOfBand(Struct, eq=False):
    """A buffer that the pickle expects from elsewhere (NEXT_BUFFER)."""
