"""ONNX's element types, and the field of a TensorProto that holds each."""

from __future__ import annotations

from modlint.dtypes import DTYPES, DType, opaque

STRING = opaque("string")

ELEMENT_TYPES: dict[int, tuple[DType, str]] = {
    1: (DTYPES["float32"], "float_data"),
    2: (DTYPES["uint8"], "int32_data"),
    3: (DTYPES["int8"], "int32_data"),
    4: (DTYPES["uint16"], "int32_data"),
    5: (DTYPES["int16"], "int32_data"),
    6: (DTYPES["int32"], "int32_data"),
    7: (DTYPES["int64"], "int64_data"),
    8: (STRING, "string_data"),
    9: (DTYPES["bool"], "int32_data"),
    10: (DTYPES["float16"], "int32_data"),
    11: (DTYPES["float64"], "double_data"),
    12: (DTYPES["uint32"], "uint64_data"),
    13: (DTYPES["uint64"], "uint64_data"),
    14: (DTYPES["complex64"], "float_data"),
    15: (DTYPES["complex128"], "double_data"),
    16: (DTYPES["bfloat16"], "int32_data"),
    17: (DTYPES["float8_e4m3fn"], "int32_data"),
    18: (DTYPES["float8_e4m3fnuz"], "int32_data"),
    19: (DTYPES["float8_e5m2"], "int32_data"),
    20: (DTYPES["float8_e5m2fnuz"], "int32_data"),
    21: (DTYPES["uint4"], "int32_data"),
    22: (DTYPES["int4"], "int32_data"),
    23: (DTYPES["float4_e2m1fn"], "int32_data"),
    24: (DTYPES["float8_e8m0fnu"], "int32_data"),
    25: (DTYPES["uint2"], "int32_data"),
    26: (DTYPES["int2"], "int32_data"),
    27: (DTYPES["float6_e2m3fn"], "int32_data"),
    28: (DTYPES["float6_e3m2fn"], "int32_data"),
}
"""By TensorProto.DataType: the element type and the field for typed data (onnx.proto)."""


def text(value: str | bytes) -> str:
    """A protobuf string; one that is no UTF-8 arrives as bytes and is escaped."""
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
