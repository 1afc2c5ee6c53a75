"""How the pickles begin that PyTorch before 1.6 stacked behind one another in a file.

Source: torch 2.13, `serialization.py`, `_legacy_load`.
"""

from __future__ import annotations

from modlint_plugins.pickling.limits import Budget, Limits
from modlint_plugins.pickling.scan import interpret
from modlint_plugins.pickling.values import Object

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STACKED = 5
"""The magic number, the protocol, the system, the object and the keys of its storages."""

_FEW = 10
"""Globals of a magic number's pickle."""
_MAGIC_BYTES = 4096
"""No protocol needs more than 40 for the magic number's pickle; PyTorch reads it of any length."""


def is_legacy(view: memoryview) -> bool:
    """Whether the bytes begin with a pickle of PyTorch's magic number, or of one like it.

    A number of Python that a call makes of text may equal it as well.
    """
    found = interpret(view[:_MAGIC_BYTES], budget=Budget(Limits(globals=_FEW)))
    if isinstance(found.value, int):
        return found.value == MAGIC
    if not found.stopped or not isinstance(found.value, Object):
        return False
    second = interpret(view[: found.end + _MAGIC_BYTES], found.end, budget=Budget())
    return isinstance(second.value, int) and second.value == PROTOCOL
