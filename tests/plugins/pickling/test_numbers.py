"""Numbers in lines: whatever C's unpickler or Python's takes is taken, and with the same value."""

from __future__ import annotations

import io
import pickle
from typing import Any

import pytest

from modlint_plugins.pickling.opcodes.numbers import integer, natural, real
from modlint_plugins.pickling.scan import interpret

LINES = (
    b"0", b"7", b"-7", b"+7", b"010", b"-010", b"0x1f", b"0b101", b"0o17", b" 7", b"7 ", b"1_000",
    b"1\0x", b"010\0", b"00", b"01", b"000", b"99999999999999999999", b"0" * 40, b"", b"x", b"7x",
    b"0_1", b"1.5", b"1e3", b"-.5", b"inf", b"nan", b" 1.5", b"1_0.5", b"1.5\0x", b"0x10",
)  # fmt: skip


def loaded(data: bytes) -> list[Any]:
    """What each of Python's unpicklers makes of a pickle; those that refuse it are left out."""
    found = []
    for kind in (pickle.Unpickler, pickle._Unpickler):  # type: ignore[attr-defined]
        try:
            found.append(kind(io.BytesIO(data)).load())
        except (ValueError, pickle.UnpicklingError, OverflowError):
            continue
    return found


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("opcode", [b"I", b"L", b"F"])
def test_a_number_that_an_unpickler_takes_is_taken(opcode: bytes, line: bytes) -> None:
    data = opcode + line + b"\n."
    found = interpret(memoryview(data))
    values = loaded(data)
    if values:
        assert found.trace.incomplete is None
        assert any(repr(found.value) == repr(value) for value in values)


@pytest.mark.parametrize("line", [b"0", b"010", b"0" * 40 + b"7", b"7\0x", b" 7", b"+7"])
def test_an_index_of_the_memo_that_an_unpickler_takes_is_taken(line: bytes) -> None:
    data = b"K\x05p" + line + b"\n0g" + line + b"\n."
    assert loaded(data)
    assert interpret(memoryview(data)).value == 5


def test_what_is_no_number_is_none() -> None:
    assert integer(b"x") is None
    assert natural(b"-1") is None
    assert real(b"x") is None


@pytest.mark.parametrize("tail", [b"(S'id'\nios\nsystemX", b"(cos\nsystem\nS'id'\nios\nsystem!"])
def test_the_last_line_loses_its_last_byte_without_a_newline(tail: bytes) -> None:
    """Unpicklers cut a line's last byte off without a look at it: INST runs at the very end."""
    uses = interpret(memoryview(tail)).trace.uses
    assert any(use.rendered.startswith("os.system(") and use.use == "called" for use in uses)
