"""NumPy's types: those that NumPy writes are sound, and each lie about them is told."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from modlint_plugins.pickling.scan import interpret
from modlint_plugins.pickling.values import NumpyDType

DTYPES: tuple[Any, ...] = (
    "f8", ">i4", "?", "c16", "S5", "U7", "V16", "O", "M8[ns]", "m8[s]", "f2",
    [("a", "f4"), ("b", "i8")],
    np.dtype([("a", "u1"), ("b", "f8")], align=True),
    [("a", "O"), ("b", "f8")],
    [("x", "f4", (2, 3))],
    [("outer", [("inner", "O"), ("n", "i2")]), ("s", "S3")],
    ("f4", (3,)),
    [(("title", "a"), "f8"), ("b", "O", (2,))],
    {"names": ["a"], "formats": ["f8"], "offsets": [8], "itemsize": 32},
)  # fmt: skip


def found(data: bytes) -> Any:
    return interpret(memoryview(data))


@pytest.mark.parametrize("spec", DTYPES, ids=str)
@pytest.mark.parametrize("protocol", [2, 5])
def test_what_numpy_writes_is_sound(spec: Any, protocol: int) -> None:
    dtype = np.dtype(spec)
    array = np.zeros(3, dtype=dtype)
    for value in (dtype, array, array[0] if array.ndim == 1 else array):
        result = found(pickle.dumps(value, protocol))
        assert result.hazards == ()
    record = found(pickle.dumps(dtype, protocol)).value
    assert isinstance(record, NumpyDType)
    assert record.objects == dtype.hasobject
    assert record.itemsize in (dtype.itemsize, None)


def state(*parts: Any, code: str = "V16") -> bytes:
    """A dtype whose state is chosen freely."""
    head = b"cnumpy\ndtype\n(S'" + code.encode() + b"'\nI00\nI01\ntR"
    return b"\x80\x02" + head + pickle.dumps(tuple(parts), 2)[2:-1] + b"b."


FIELD = np.dtype("O")
PLAIN = np.dtype("f8")


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ((3, "|"), "a state of 2 parts"),
        ((3, "|", None, ("a",), {"a": (FIELD, 0)}, 16, 1, 0), "flags say otherwise"),
        ((3, "|", None, ("a",), {"a": (PLAIN, 0)}, 16, 1, 27), "flags say otherwise"),
        ((3, "|", None, ("a",), {"a": (PLAIN, 12)}, 16, 1, 0), "ends at 20"),
        ((3, "|", None, ("a",), {"a": (PLAIN, -8)}, 16, 1, 0), "ends at -1"),
        ((3, "|", (PLAIN, (3,)), None, None, 16, 1, 0), "subarray ends at 24"),
        ((3, "|", None, None, None, -16, 1, 0), "type of -16 bytes"),
        ((3, "|", None, ("a", "b"), {"a": (PLAIN, 0)}, 16, 1, 0), "not as NumPy writes them"),
        ((3, "|", None, ("a",), {"a": [PLAIN, 0]}, 16, 1, 0), "not as NumPy writes them"),
        ((3, "|", None, ("a",), {"a": (PLAIN, "0")}, 16, 1, 0), "not as NumPy writes them"),
        ((3, "|", None, ("a",), [], 16, 1, 0), "not as NumPy writes them"),
        ((3, "|", [PLAIN], None, None, 16, 1, 0), "not as NumPy writes them"),
    ],
)
def test_a_state_that_does_not_fit_is_a_hazard(parts: tuple[Any, ...], what: str) -> None:
    hazards = found(state(*parts)).hazards
    assert any(what in message for _, kind, message in hazards if kind == "bad-dtype"), hazards


@pytest.mark.parametrize(("size", "kinds"), [(-1, []), (-2, ["bad-dtype"])])
def test_a_plain_type_has_no_size_but_its_own(size: int, kinds: list[str]) -> None:
    result = found(state(3, "<", None, None, None, size, -1, 0, code="f8"))
    assert [kind for _, kind, _ in result.hazards] == kinds


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04cnumpy\ndtype\nS'V8'\n\x85}\x92.",
        b"\x80\x04cnumpy.dtypes\nObjectDType\n)\x81.",
        b"\x80\x04cnumpy.dtypes\nObjectDType\n)R.",
    ],
)
def test_a_type_that_is_made_otherwise_is_a_hazard(data: bytes) -> None:
    assert "bad-dtype" in [kind for _, kind, _ in found(data).hazards]


def test_a_computed_state_is_a_hazard() -> None:
    head = b"\x80\x04cnumpy\ndtype\n(S'V8'\nI00\nI01\ntR"
    hazards = found(head + b"cthirdparty\nstate\n)Rb.").hazards
    assert [message for _, _, message in hazards] == [
        "a NumPy element type with a state of computed parts"
    ]


def test_objects_from_raw_bytes_are_a_hazard() -> None:
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    dtype = b"(I1\n(I1\ntcnumpy\ndtype\n(S'O8'\nI00\nI01\ntRI00\nS'aaaaaaaa'\ntb."
    kinds = [kind for _, kind, _ in found(array + dtype).hazards]
    assert kinds == ["raw-objects"]
    scalar = b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'O8'\nI00\nI01\ntRS'aaaaaaaa'\ntR."
    assert [kind for _, kind, _ in found(scalar).hazards] == ["raw-objects"]


@pytest.mark.parametrize(
    "call",
    [
        b"cbuiltins\nlist\n(cbuiltins\nrange\n(L100000000000L\ntRtR",
        b"ccollections\ndeque\n(cbuiltins\nrange\n(I0\nL100000000000L\ntRtR",
        b"cbuiltins\nbytearray\n(L70368744177664L\ntR",
        b"cbuiltins\nbytes\n(L70368744177664L\ntR",
        b"ctorch\nTensor\n(I1048576\nI1048576\ntR",
        b"ctorch\nFloatStorage\n(L1099511627776L\ntR",
        b"cnumpy\nndarray\n((L1099511627776L\ntS'f8'\ntR",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(L1099511627776L\ntS'b'\ntR",
        b"cnumpy\nndarray\n(](L1099511627776L\neS'f8'\ntR",
        b"\x80\x04cnumpy\nndarray\n)}S'shape'\n(L1099511627776L\nts\x92",
        b"cbuiltins\nlist\n(cbuiltins\nbytearray\n(L500000000L\ntRtR",
        b"\x80\x02cbuiltins\nbytes\n(L70368744177664L\nt\x81",
        b"(" + b"cbuiltins\nbytearray\n(L500000000L\ntR" * 3 + b"t",
    ],
)
def test_memory_that_the_file_does_not_hold_is_a_hazard(call: bytes) -> None:
    assert "allocation" in [kind for _, kind, _ in found(call + b".").hazards]


def test_what_the_file_holds_is_no_hazard() -> None:
    value = [list(range(1000)), bytearray(b"x" * 1000), np.ones((30, 30)), range(10**11)]
    assert found(pickle.dumps(value)).hazards == ()
