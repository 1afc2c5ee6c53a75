"""Numbers in lines of text, as C reads them and as Python does: whichever takes them counts.

C ends a text at its first NUL, takes `010` for octal and any number of leading zeros; Python's
own unpickler takes blanks and underscores. Source: CPython, Modules/_pickle.c, `load_int`,
`load_long`, `load_float`, `load_put`; Lib/pickle.py.
"""

from __future__ import annotations

import re

_OCTAL = re.compile(rb"[+-]?0[0-7]+")


def integer(line: bytes) -> int | None:
    """The integer that a line stands for, None where no unpickler takes it for one.

    Raises:
        ValueError: it has more digits than Python converts.
    """
    text = _as_c(line).strip()
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    try:
        return int(text, 0)
    except ValueError:
        return natural(line)


def natural(line: bytes) -> int | None:
    """The decimal number that a line stands for, leading zeros allowed; None where it is none.

    Raises:
        ValueError: it has more digits than Python converts.
    """
    digits = _as_c(line).strip().removeprefix(b"+").replace(b"_", b"")
    return int(digits.lstrip(b"0") or b"0") if digits.isdigit() else None


def real(line: bytes) -> float | None:
    """The float that a line stands for, None where no unpickler takes it for one."""
    try:
        return float(_as_c(line))
    except ValueError:
        return None


def _as_c(line: bytes) -> bytes:
    """The line up to its first NUL, where C's text ends."""
    return line.partition(b"\0")[0]
