"""NumPy's headers against NumPy's own reading of them."""

from __future__ import annotations

import io
import struct
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import _format_impl
from numpy.lib import format as npy

from modlint_plugins.readers.numpy.descr import layout
from modlint_plugins.readers.numpy.header import Header, header, pickle_offsets

SIMPLE = (
    "O", "|O", "O8", "<O8", "object", "object_", "T", "f4", ">f8", "<i2", "u1", "?", "b1", "c8",
    "S5", "|S0", "U3", "V7", "M8[ns]", "m8", "datetime64[s]", "bool", "float32", "str", "void",
    "e", "g", "q", "a3", "complex", "O2", "f5", "OO", "", "x", "|", "i", "N", ">datetime64",
)  # fmt: skip
TEXTS = (
    "f4,O", "(2,)O", "3O", "i4,(2,3)f4", "0O", "f4,", "f4, O", "<3i4", "( 3 , 2 )O", "(3,)2i4",
    "S5,U2", "f4;O", ",O", "M8[s],O", "object,f4", "2f4,O8", "?,?",
)  # fmt: skip
NAMES = ("a", "O", "C", "", "f4", ("O", "title"), ("title", "O"))
SHAPES = ((), (2,), (0,), (2, 3), 2, 0, True, (True,), (-1,), "O", None, ("O",))


def descriptions() -> st.SearchStrategy[Any]:
    """Element types as a header may write them: right ones and wrong ones."""
    leaves = st.sampled_from((*SIMPLE, *TEXTS, None, 1, b"O"))

    def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        names, shapes = st.sampled_from(NAMES), st.sampled_from(SHAPES)
        field = st.one_of(
            st.tuples(names, inner), st.tuples(names, inner, shapes), st.sampled_from(("aO", "af"))
        )
        return st.one_of(st.lists(field, max_size=3), st.tuples(inner, shapes))

    return st.recursive(leaves, nested, max_leaves=6)


def numpy_type(descr: Any) -> np.dtype[Any] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return npy.descr_to_dtype(descr)
        except Exception:  # NumPy raises whatever its parts raise
            return None


@given(descriptions())
def test_the_layout_is_numpys(descr: Any) -> None:
    theirs = numpy_type(descr)
    if theirs is None:
        return
    found = layout(descr)
    assert found.objects or not theirs.hasobject
    if found.nbytes is not None:
        assert found[:2] == (theirs.itemsize, theirs.hasobject)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written = npy.dtype_to_descr(theirs)
    if theirs.itemsize and numpy_type(written) == theirs:
        assert layout(written)[:2] == (theirs.itemsize, theirs.hasobject)


@pytest.mark.parametrize("text", ["O f4", "O,!", "O f4,i4"])
def test_of_types_that_cannot_be_told_apart_objects_are_known(text: str) -> None:
    found = layout(text)
    assert found.nbytes is None
    assert found.objects


OWN = [
    name for name, kind in np._core.numerictypes.sctypeDict.items() if kind.__module__ == "numpy"
]
"""Other libraries add their types to the table when they are imported."""


@pytest.mark.parametrize("descr", [*SIMPLE, *TEXTS, *OWN])
def test_each_description(descr: Any) -> None:
    theirs = numpy_type(descr) if isinstance(descr, str) else np.dtype("f4")
    if theirs is not None and isinstance(descr, str):
        assert layout(descr)[:2] == (theirs.itemsize, theirs.hasobject)


def array_file(text: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> memoryview:
    raw = text.encode("utf-8" if version == (3, 0) else "latin-1")
    length = struct.pack("<H" if version == (1, 0) else "<I", len(raw))
    return memoryview(b"\x93NUMPY" + bytes(version) + length + raw + data)


def header_of(text: str, version: tuple[int, int] = (1, 0)) -> Header:
    found = header(array_file(text, version=version))
    assert found is not None
    return found


HEADERS = (
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (4L,), }\n",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (True, False)}",
    "{'descr': [('O', '<f4'), ('C', '<i4')], 'fortran_order': False, 'shape': (1,)}",
    "{'descr': [(('t', 'größe'), '<f4')], 'fortran_order': False, 'shape': ()}",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}" + " " * 20_000,
    "  \t{'descr': '|O', 'fortran_order': False, 'shape': (1 L,)}",
)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("text", HEADERS)
def test_headers_that_numpy_reads(text: str, version: tuple[int, int]) -> None:
    stream = io.BytesIO(array_file(text, version=version))
    npy.read_magic(stream)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            shape, fortran, dtype = _format_impl._read_array_header(stream, version, 2**64)
        except ValueError:
            assert version == (3, 0)
            return

    found = header_of(text, version)

    assert found.problem is None
    assert (found.shape, found.fortran) == (shape, fortran)
    assert (found.itemsize, found.objects) == (dtype.itemsize, dtype.hasobject)
    assert found.data == stream.tell()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{'descr': '|O', 'fortran_order': False, 'shape': (-1,)}", "shape"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), 'x': 1}", "keys"),
        ("{'descr': 'what', 'fortran_order': False, 'shape': (1,)}", "element type"),
        ("{'descr': '|O', 'fortran_order': 0, 'shape': (1,)}", "describe"),
        ("{'descr': '|O'", "literal"),
        ("(" * 10_000, "literal"),
        ("-" * 60_000 + "1", "literal"),
        ("1+" * 30_000 + "1", "literal"),
    ],
)
def test_headers_that_numpy_refuses(text: str, problem: str) -> None:
    found = header_of(text)
    assert found.problem is not None
    assert problem in found.problem
    assert found.data == 10 + len(text)


def test_a_header_beyond_the_limit() -> None:
    text = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}".ljust((1 << 20) + 1)
    found = header_of(text, (2, 0))
    assert found.problem == "its header of 1,048,577 bytes is longer than 1,048,576, the limit"


def test_where_a_pickle_may_begin() -> None:
    plain = array_file(HEADERS[0], bytes(24) + b"more")
    unknown = memoryview(b"\x93NUMPY\x09\x00" + struct.pack("<I", 3) + b"abcdefgh")

    assert pickle_offsets(plain) == (len(plain) - 28, len(plain) - 4)
    assert pickle_offsets(unknown) == (13, 15)
    assert pickle_offsets(memoryview(b"\x80\x02N.")) == ()
