"""How finely an element type tells numbers apart."""

from __future__ import annotations

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
