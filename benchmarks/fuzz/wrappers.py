"""The files that hold a pickle: PyTorch's, joblib's and NumPy's, with the right checksums."""

from __future__ import annotations

import gzip
import io
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

from benchmarks.fuzz import fragments
from benchmarks.fuzz.grammar import Grammar

_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
"""PyTorch's magic number as pickle writes it: `torch.serialization.MAGIC_NUMBER`."""


def grammar_file(rng: random.Random) -> tuple[str, bytes]:
    """A file's name and content, whose pickles the grammar makes."""
    name, wrap = rng.choice(_WRAPPERS)
    return f"grammar.{name}", wrap(rng)


def _plain(rng: random.Random) -> bytes:
    """One pickle, or several in a row."""
    return b"".join(Grammar(rng).pickle() for _ in range(rng.choice((1, 1, 1, 3))))


def _zip(rng: random.Random) -> bytes:
    folder = rng.choice(("archive", "model", "a/b"))
    members: dict[str, bytes] = {
        "data.pkl": Grammar(rng).pickle(),
        "version": b"3\n",
        "byteorder": rng.choice((b"little", b"big")),
        "data/0": bytes(16),
    }
    if rng.random() < 0.3:
        members["constants.pkl"] = Grammar(rng).pickle()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}"), content)  # without the time
    return buffer.getvalue()


def _legacy(rng: random.Random) -> bytes:
    """Magic number, protocol, machine, object, keys of the storages, storages."""
    system = pickle.dumps({"protocol_version": 1001, "little_endian": True}, 2)
    parts = [_MAGIC, pickle.dumps(1001, 2), system, Grammar(rng).pickle()]
    if rng.random() < 0.2:
        parts[rng.randrange(4)] = Grammar(rng).pickle()
    return b"".join(parts) + pickle.dumps(["0"], 2) + struct.pack("<q", 4) + bytes(16)


def _joblib(rng: random.Random) -> bytes:
    """A wrapper with its array behind it, among what else the grammar makes; then compressed."""
    keys = ("subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes")
    dtype = b"cnumpy\ndtype\n" + fragments.text(rng.choice(("f4", "O8", "V8"))) + b"\x89\x88\x87R"
    count = rng.choice((0, 1, 4, 255))
    values = (
        b"cnumpy\nndarray\n", b"K" + bytes([count]) + b"\x85", fragments.text("C"), dtype, b"\x88",
        rng.choice((b"N", b"K\x10")),
    )  # fmt: skip
    state = b"".join(fragments.text(k) + v for k, v in zip(keys, values, strict=True))
    wrapper = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + state + b"ub"
    behind = rng.choice((bytes(4 * count), bytes([12]) + bytes(12 + 4 * count), _plain(rng)))
    grammar = Grammar(rng)
    body = grammar.value(3) + wrapper + behind + grammar.value(3) + b"\x87."
    content = b"\x80\x04" + body
    return rng.choice((bytes, bytes, zlib.compress, lambda raw: gzip.compress(raw, mtime=0)))(
        content
    )


def _npy(rng: random.Random) -> bytes:
    described = "|O" if rng.random() < 0.8 else rng.choice(("<f4", "|V8", "O"))
    header = f"{{'descr': '{described}', 'fortran_order': False, 'shape': (2,), }}"
    text = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + _plain(rng)


_WRAPPERS: tuple[tuple[str, Callable[[random.Random], bytes]], ...] = (
    ("pt", _zip), ("pt", _zip), ("bin", _legacy), ("pkl", _plain), ("joblib", _joblib),
    ("npy", _npy),
)  # fmt: skip
