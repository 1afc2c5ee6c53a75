"""Lines 31, 48, 49 and 57: trial readings, what is kept when one raises, and how long they take."""

from __future__ import annotations

import gzip
import struct

from threats.boxes import torch_archive
from threats.build import ANYWHERE, CALL, RUN, Entry, Finding, Threat, alone, runs, zip_archive
from threats.literature.paths import hides
from threats.pickled import (
    PAYLOAD,
    called,
    dict_of,
    dtype,
    ended,
    number,
    pushed,
    raw,
    rebuilt,
    text,
    tuple_of,
)

_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_CALLS = Finding("SEC001", "error", ANYWHERE, None, "os.system('id')")
_TOLD = Finding("SEC001", "error", ANYWHERE, None)


def _array(content: bytes, kind: bytes | None = None, itemsize: int = 1) -> bytes:
    """An array as joblib writes it: its description, then the bytes, which pickle runs."""
    state = dict_of(
        subclass=pushed(("numpy", "ndarray")),
        shape=tuple_of(number(len(content) // itemsize)),
        order=text("C"),
        dtype=kind or dtype("u1"),
        allow_mmap=b"\x89",
    )
    return rebuilt(_WRAPPER, state) + content


def _structured(names: str) -> bytes:
    """A dtype of one byte for each name, without objects."""
    fields = dict_of(**{name: tuple_of(dtype("u1"), number(at)) for at, name in enumerate(names)})
    size = number(len(names))
    labels = tuple_of(*map(text, names))
    return dtype(
        f"V{len(names)}", number(3), text("|"), b"N", labels, fields, size, number(1), number(16)
    )


_LONG = b"\x8b" + struct.pack("<i", 5000) + b"\x01" * 5000 + b"0"
_DROPPED = CALL + b"0"
_HIDING = {
    "at once": _DROPPED,
    "behind 5,100 pairs of harmless opcodes": b"N0" * 5_100 + _DROPPED,
    "behind 100,000 pairs of harmless opcodes": b"N0" * 100_000 + _DROPPED,
    "behind an integer of 5,000 bytes": _LONG + _DROPPED,
    "behind 2,000 open MARKs": b"(" * 2_000 + b"1" * 2_000 + _DROPPED,
    "behind bytes that are no opcode": _DROPPED + b"\xff" * 8,
}
_JOBLIB = tuple(
    Threat(
        31,
        f"opcodes in an array of joblib, {title}",
        alone("m.joblib", ended(_array(content), proto=2), finding),
    )
    for title, content in _HIDING.items()
    for finding in (_TOLD,)
)
_ELSEWHERE = (
    Threat(
        31,
        "opcodes in an array of joblib, within an archive of PyTorch",
        alone("m.pt", torch_archive(ended(_array(b"N0" * 5_100 + _DROPPED), proto=2)), _CALLS),
    ),
    Threat(
        31,
        "opcodes in an array of joblib, in an archive in a pickle",
        alone(
            "m.pkl",
            ended(
                called(
                    ("torch.storage", "_load_from_bytes"),
                    raw(torch_archive(ended(_array(b"N0" * 5_100 + _DROPPED), proto=2))),
                )
            ),
            _CALLS,
        ),
    ),
    Threat(
        31,
        "opcodes in an array of a structured dtype without objects",
        alone("m.joblib", ended(_array(_DROPPED + b"N0", _structured("ab"), 2), proto=2), _TOLD),
    ),
    Threat(
        31,
        "opcodes in an array, and the call behind the array",
        alone("m.joblib", ended(_array(b"N0" * 6_000), CALL, proto=2), _CALLS),
    ),
)


def _crowd(count: int) -> bytes:
    """Arrays of one byte, as short as they get, before a call."""
    state = dict_of(
        subclass=pushed(("numpy", "ndarray")),
        shape=tuple_of(number(1)),
        order=text("C"),
        dtype=dtype("u1"),
        allow_mmap=b"\x89",
    )
    first = pushed(_WRAPPER) + b"q\x000" + state + b"q\x010"
    return b"\x80\x02" + first + b"h\x00)\x81h\x01bN00" * count + RUN


_TRIALS = tuple(
    Threat(49, f"{count} arrays of joblib before a call", alone("m.joblib", _crowd(count), _CALLS))
    for count in (64, 600, 5_000)
)

_BROKEN_PARTS = {
    "a storage that is missing": Entry("model/version", b"3\n"),
    "a table of tensors that is none": Entry("model/data/weights/model_weights_config.json", b"["),
    "a member that does not inflate": Entry("model/x", b"x" * 100, deflate=True, raw=b"\xff" * 20),
    "a pickle that ends early": Entry("model/x.pkl", b"\x80\x02X\xff\xff\xff\x7f"),
    "a pickle of an extension code": Entry("model/x.pkl", b"\x80\x02\x82\x07."),
    "an archive that is damaged": Entry("model/x.zip", b"PK\x03\x04" + bytes(40)),
    "an array that is damaged": Entry("model/x.npy", b"\x93NUMPY\x01\x00\xff\xff{"),
    "code that is not UTF-8": Entry("model/code/__torch__.py", b"\xff\xfe\x00"),
}
_KEPT = tuple(
    Threat(
        48,
        f"{title}, before the call",
        hides(
            "m.pt", zip_archive([entry, Entry("model/data.pkl", PAYLOAD)]).content, "model/data.pkl"
        ),
    )
    for title, entry in _BROKEN_PARTS.items()
)


def _hashed(depth: int, times: int) -> bytes:
    """Keys that each hold the same tuples in tuples, which are hashed again and again; a call."""
    key = b")" + b"\x85" * depth + b"q\x000"
    return b"\x80\x02" + key + b"}" + b"h\x00\x85Ns" * times + b"0" + RUN


HASHED = _hashed(900, 3_600)
"""Nineteen kilobytes."""

MEMBERS = b"".join(gzip.compress(bytes(16 << 20), mtime=0) for _ in range(12))
"""Twelve streams of zeros, 197 kilobytes."""

_SLOW = (
    Threat(57, "3,600 deep keys", alone("m.pkl", HASHED, runs(None, HASHED))),
    Threat(
        57,
        "a pickle behind twelve gzip streams of zeros",
        alone(
            "m.pkl.gz",
            MEMBERS + gzip.compress(PAYLOAD, mtime=0),
            Finding("SEC001|FMT001", "error", ANYWHERE, None),
        ),
    ),
)

THREATS = (*_JOBLIB, *_ELSEWHERE, *_TRIALS, *_KEPT, *_SLOW)
