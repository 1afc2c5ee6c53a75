"""Element types, by the names that PyTorch gives them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["float", "int", "uint", "bool", "complex", "quantised", "opaque"]


class DType(Struct, frozen=True):
    """An element type.

    Attributes:
        name: PyTorch's name where it has one ("bfloat16"), else the format's own.
        bits: storage size of one element, in bits; sub-byte types are packed.
        kind: the family of values.
    """

    name: str
    bits: int
    kind: Kind

    @property
    def is_numeric(self) -> bool:
        """Whether each element is a number of a byte or more, to compute with."""
        return self.kind not in ("opaque", "quantised") and self.bits >= 8

    def nbytes(self, elements: int) -> int:
        """Bytes that `elements` contiguous elements occupy."""
        return (elements * self.bits + 7) // 8


_TABLE: tuple[tuple[Kind, tuple[tuple[str, int], ...]], ...] = (
    (
        "float",
        (
            ("float64", 64),
            ("float32", 32),
            ("float16", 16),
            ("bfloat16", 16),
            ("float8_e4m3fn", 8),
            ("float8_e4m3fnuz", 8),
            ("float8_e5m2", 8),
            ("float8_e5m2fnuz", 8),
            ("float8_e8m0fnu", 8),
            ("float6_e2m3fn", 6),
            ("float6_e3m2fn", 6),
            ("float4_e2m1fn", 4),
        ),
    ),
    ("int", (("int64", 64), ("int32", 32), ("int16", 16), ("int8", 8), ("int4", 4), ("int2", 2))),
    (
        "uint",
        (("uint64", 64), ("uint32", 32), ("uint16", 16), ("uint8", 8), ("uint4", 4), ("uint2", 2)),
    ),
    ("bool", (("bool", 8),)),
    ("complex", (("complex128", 128), ("complex64", 64), ("complex32", 32))),
    ("quantised", (("qint32", 32), ("qint8", 8), ("quint8", 8), ("quint4x2", 8), ("quint2x4", 8))),
)

DTYPES: dict[str, DType] = {
    name: DType(name, bits, kind) for kind, rows in _TABLE for name, bits in rows
}


def opaque(name: str, bits: int = 8) -> DType:
    """A type that modlint can carry but not compute with (strings, say)."""
    return DType(name, bits, "opaque")


_STEPS = {
    "float64": 2.0**-52,
    "float32": 2.0**-23,
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "float8_e4m3fn": 2.0**-3,
    "float8_e4m3fnuz": 2.0**-3,
    "float8_e5m2": 2.0**-2,
    "float8_e5m2fnuz": 2.0**-2,
}


def precision_of(dtype: str) -> float:
    """The step between a type's numbers near 1; of codes that of float32, which they become.

    Args:
        dtype: PyTorch's name of the type.
    """
    return _STEPS.get(dtype, 2.0**-23)
