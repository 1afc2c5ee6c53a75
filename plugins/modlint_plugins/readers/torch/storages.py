"""PyTorch's storages: how a pickle refers to them, and how they become `Storage`s."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from modlint.checkpoint import Storage
from modlint.dtypes import DTYPES, DType, opaque
from modlint.errors import UnreadableError
from modlint_plugins.pickling.values import Blob, Global, PersistentId, Value

_MODULES = frozenset({"torch", "torch.cuda", "torch.storage"})
_STORAGE_TYPES = {
    "BFloat16": "bfloat16",
    "Bool": "bool",
    "Byte": "uint8",
    "Char": "int8",
    "ComplexDouble": "complex128",
    "ComplexFloat": "complex64",
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "Int": "int32",
    "Long": "int64",
    "QInt32": "qint32",
    "QInt8": "qint8",
    "QUInt2x4": "quint2x4",
    "QUInt4x2": "quint4x2",
    "QUInt8": "quint8",
    "Short": "int16",
    "Untyped": "uint8",
    "_Untyped": "uint8",
}
_BYTE_SHELLS = frozenset(
    {"float4_e2m1fn_x2", "bits8", "bits1x8", "bits2x4", "bits4x2"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in range(1, 8)}
)
"""Types that PyTorch stores in whole bytes without computing with them."""


class Reference(PersistentId, eq=False):
    """A pickle's reference to a storage.

    Attributes:
        table: where the storage is to be found.
        dtype: the element type that the reference states.
        key: the storage's name.
        location: the device it was saved from.
        elements: its number of elements.
        view: first element and number of elements of a part of it; None for the whole.
    """

    table: StorageTable
    dtype: DType
    key: str
    location: str
    elements: int
    view: tuple[int, int] | None = None


class StorageTable(Struct, eq=False):
    """The storages of one container; each is made once, however often it is referred to.

    Attributes:
        find: makes the storage that is referred to; raises UnreadableError where it cannot.
        references: the first reference to each storage, by key.
        conflicts: keys of storages that are referred to in several ways; PyTorch keeps the first.
        kinds: by key, what it is written as.
        unnamed: whether there is a reference whose key cannot be told.
        views: by their keys, the storage, first element and number of elements of views.
    """

    find: Callable[[Reference], Storage]
    references: dict[str, Reference] = field(default_factory=dict)
    found: dict[str, Storage | UnreadableError] = field(default_factory=dict)
    conflicts: set[str] = field(default_factory=set)
    views: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    kinds: dict[str, type] = field(default_factory=dict)
    unnamed: bool = False

    def resolve(self, pid: Value) -> Value:
        """What stands for a persistent id: a class that carries its source, or a storage."""
        if not isinstance(pid, tuple) or not pid:
            return PersistentId(pid)
        kind = _text(pid[0])
        if kind == "module" and len(pid) == 4:
            return pid[1]
        reference = self._parse(pid) if kind == "storage" and len(pid) in (5, 6) else None
        if reference is None:
            self._distrust(pid)
            return PersistentId(pid)
        first = self.references.setdefault(reference.key, reference)
        if (first.dtype, first.elements) != (reference.dtype, reference.elements):
            self.conflicts.add(reference.key)
        return reference

    def _distrust(self, pid: tuple[Value, ...]) -> None:
        """Note a reference that PyTorch may take for a storage of that key, or of any."""
        key = _text(pid[2]) if len(pid) > 2 else None
        if key is None:
            self.unnamed = True
        else:
            self.conflicts.add(key)

    def _parse(self, pid: tuple[Value, ...]) -> Reference | None:
        """Read ("storage", type, key, location, elements[, view])."""
        dtype = storage_dtype(pid[1])
        key, location, elements = _text(pid[2]), _text(pid[3]), pid[4]
        if key is not None and self.kinds.setdefault(key, type(pid[2])) is not type(pid[2]):
            self.conflicts.add(key)  # to PyTorch the number 1 and the text "1" are two keys
        if dtype is None or key is None or not is_count(elements):
            return None
        view = pid[5] if len(pid) == 6 else None
        if view is None:
            return Reference(pid, self, dtype, key, location or "cpu", elements)
        if not isinstance(view, tuple) or len(view) != 3 or not all(map(is_count, view[1:])):
            return None
        self._keep_view(key, view)
        return Reference(pid, self, dtype, key, location or "cpu", elements, (view[1], view[2]))

    def _keep_view(self, key: str, view: tuple[Value, ...]) -> None:
        """Keep what a view's key stands for: PyTorch keeps the first, storages' keys among them."""
        name = _text(view[0])
        stated = (key, view[1], view[2])
        if name is None or self.views.setdefault(name, stated) != stated:
            self.conflicts.add(key)

    def storage(self, reference: Reference) -> Storage:
        """The storage that is referred to.

        Raises:
            UnreadableError: it is missing, or its size is not what the reference states.
        """
        if self.unnamed or reference.key in self.conflicts or reference.key in self.views:
            raise UnreadableError(f"storage {reference.key!r} is referred to in several ways")
        if reference.key not in self.found:
            try:
                self.found[reference.key] = self.find(reference)
            except UnreadableError as error:
                self.found[reference.key] = error
        found = self.found[reference.key]
        if isinstance(found, UnreadableError):
            raise found
        stated = reference.dtype.nbytes(reference.elements)
        if found.nbytes != stated:
            raise UnreadableError(
                f"storage {reference.key!r} holds {found.nbytes:,} bytes where the pickle states"
                f" {stated:,}",
                member=found.member,
            )
        return found


def storage_dtype(cls: Value) -> DType | None:
    """The element type of a storage class; None for any other value."""
    if not isinstance(cls, Global) or cls.module not in _MODULES:
        return None
    name = _STORAGE_TYPES.get(cls.name.removesuffix("Storage"))
    return DTYPES[name] if name is not None and cls.name.endswith("Storage") else None


def element_type(value: Value) -> DType | None:
    """The type that a global such as `torch.float8_e5m2` stands for; None for any other value."""
    if not isinstance(value, Global) or value.module != "torch":
        return None
    if value.name in _BYTE_SHELLS:
        return opaque(value.name)
    return opaque("bits16", 16) if value.name == "bits16" else DTYPES.get(value.name)


def is_count(value: Value) -> bool:
    """Whether a value is a natural number of at most 63 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def swapped(view: memoryview, dtype: DType) -> memoryview:
    """A copy of big-endian elements in little-endian order."""
    width = dtype.bits // (16 if dtype.kind == "complex" else 8)
    if width < 2:
        return view
    swapped = bytearray(len(view))
    for byte in range(width):
        swapped[byte::width] = view[width - 1 - byte :: width]
    return memoryview(swapped).toreadonly()


def _text(value: Value) -> str | None:
    if isinstance(value, Blob) and len(value.view) <= 1000:
        return bytes(value.view).decode("utf-8", "backslashreplace")
    if isinstance(value, int):
        return str(value) if is_count(value) else None
    return value if isinstance(value, str) else None
