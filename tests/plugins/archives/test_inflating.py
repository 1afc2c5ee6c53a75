"""Compressed streams against the modules that loaders read them with."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import numpy_pickle_compat

from modlint_plugins.archives.inflating import inflate, inflated
from modlint_plugins.archives.streams import codec_of
from modlint_plugins.readers.contained import Allowance

MAX_BYTES = 1 << 20
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}
OPEN: dict[str, Callable[[IO[bytes]], Any]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "lzma": lzma.LZMAFile,
}
TEXT = b"some text that shrinks " * 40


def read_by_python(codec: str, data: bytes) -> bytes:
    """What a loader is given before its reader raises, if it does."""
    given = bytearray()
    try:
        file = OPEN[codec](io.BytesIO(data))
        while piece := file.read1(64):
            given += piece
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        pass
    return bytes(given)


def found(data: bytes) -> bytes:
    result = inflated(memoryview(data), Allowance())
    return b"" if result is None else bytes(result.view)


@given(
    st.sampled_from(list(COMPRESS)),
    st.lists(st.binary(max_size=80), min_size=1, max_size=4),
    st.binary(max_size=8),
    st.randoms(use_true_random=False),
    st.integers(0, 2),
)
def test_whatever_python_inflates_is_inflated(
    codec: str, parts: list[bytes], between: bytes, chance: random.Random, changes: int
) -> None:
    data = bytearray(between.join(COMPRESS[codec](part + TEXT) for part in parts))
    for _ in range(changes):
        data[chance.randrange(len(data))] = chance.randrange(256)
    theirs = read_by_python(codec, bytes(data))
    assert found(bytes(data)).startswith(theirs)


@pytest.mark.parametrize("codec", COMPRESS)
def test_streams_that_follow_one_another(codec: str) -> None:
    data = COMPRESS[codec](b"one") + COMPRESS[codec](b"two")
    assert found(data) == b"onetwo" == read_by_python(codec, data)


def test_zeros_between_gzip_streams() -> None:
    data = gzip.compress(b"one") + bytes(100_000) + gzip.compress(b"two") + bytes(10)
    result = inflate(memoryview(data), "gzip", MAX_BYTES)
    assert bytes(result.view) == b"onetwo" == gzip.decompress(data)
    assert result.problem is None


def test_every_field_of_a_gzip_header() -> None:
    """Python's reader looks at neither the header's checksum nor at flags it does not know."""
    whole = gzip.compress(b"content", mtime=0)
    fields = b"\x03\0abc" + b"name\0" + b"comment\0" + b"??"
    data = whole[:3] + b"\xfe" + whole[4:10] + fields + whole[10:]
    assert gzip.decompress(data) == b"content"
    assert found(data) == b"content"


def test_a_wrong_checksum_is_told() -> None:
    data = bytearray(gzip.compress(b"content"))
    data[-5] ^= 1
    result = inflate(memoryview(bytes(data)), "gzip", MAX_BYTES)
    assert bytes(result.view) == b"content"
    assert result.problem == "its checksum is wrong"


def test_an_lzma_stream_that_asks_for_four_gibibytes() -> None:
    data = bytearray(lzma.compress(TEXT, lzma.FORMAT_ALONE))
    data[1:5] = (3 << 30).to_bytes(4, "little")
    assert lzma.decompress(bytes(data)) == TEXT
    assert found(bytes(data)) == TEXT


def test_an_lzma_stream_of_other_properties() -> None:
    filters = [{"id": lzma.FILTER_LZMA1, "lc": 0, "lp": 2, "pb": 0, "dict_size": 1 << 16}]
    data = lzma.compress(TEXT, lzma.FORMAT_ALONE, filters=filters)
    assert data[0] != 0x5D
    assert found(data) == TEXT


def test_joblibs_old_container(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    with path.open("wb") as file:
        numpy_pickle_compat.write_zfile(file, TEXT)
    data = path.read_bytes()
    assert codec_of(memoryview(data)) == "joblib-zfile"
    assert found(data) == TEXT
    assert found(data[:21] + b" " + data[21:]) == TEXT, "joblib before 0.8.4 wrote a space more"


@pytest.mark.parametrize("data", [b"ZF is text, twenty letters and more", b"x", b"", b"]\0\0\0\0"])
def test_what_is_not_compressed(data: bytes) -> None:
    assert codec_of(memoryview(data)) is None


def test_ten_thousand_streams_take_no_time() -> None:
    data = gzip.compress(b"x") * 10_000
    started = time.process_time()
    result = inflate(memoryview(data), "gzip", MAX_BYTES)
    assert bytes(result.view) == b"x" * 10_000
    assert time.process_time() - started < 5


def test_inflating_is_accounted_for() -> None:
    allowance = Allowance()
    result = inflated(memoryview(gzip.compress(bytes(5000))), allowance)
    assert result is not None
    assert allowance.kept == 5000
