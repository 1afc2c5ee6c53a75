"""The decode table, against CPython's own description of the opcodes."""

from __future__ import annotations

import pickle
import pickletools
import random

import pytest

from modlint_plugins.pickling.opcodes.table import OPCODES
from modlint_plugins.pickling.operations.registry import OPERATIONS
from modlint_plugins.pickling.scan import interpret

VALUE = [
    None, True, False, 0, 255, 65_535, -1, 2**31 - 1, -(2**31), 2**70, -(2**2000), 1.5, -0.0,
    "text", "ü\n\\x", "\ud800", b"bytes", b"\x80\xff" * 200, bytearray(b"array"), (), (1,), (1, 2),
    (1, 2, 3), (1, 2, 3, 4), [], {}, {"a": {"b": [1]}}, {1, 2}, frozenset({3}), 1 + 2j, "x" * 300,
]  # fmt: skip


def test_the_table_names_every_opcode_of_cpython() -> None:
    theirs = {opcode.name: opcode.code.encode("latin1")[0] for opcode in pickletools.opcodes}
    assert {name: opcode.code for name, opcode in OPCODES.items()} == theirs
    assert theirs.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("protocol", range(6))
def test_arguments_end_where_cpython_says(protocol: int) -> None:
    data = pickle.dumps(VALUE, protocol)
    starts = [position for _, _, position in pickletools.genops(data)]
    limits = interpret(memoryview(data)).trace
    assert limits.opcodes == len(starts)
    assert limits.nbytes == len(data)
    assert limits.protocol == (protocol if protocol >= 2 else 0)


@pytest.mark.parametrize("protocol", range(6))
def test_every_prefix_is_said_to_be_incomplete(protocol: int) -> None:
    data = pickle.dumps(VALUE, protocol)
    for length in random.Random(protocol).sample(range(len(data)), 100):
        trace = interpret(memoryview(data[:length])).trace
        assert trace.incomplete is not None
        assert trace.nbytes <= length
