"""Files on which a scanner raises where the loader goes on, or has run the payload by then."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

from threats.boxes import base_256, npy, npy_header, pax, stacked, torch_archive, with_size
from threats.build import (
    ANYWHERE,
    CALL,
    MAGIC,
    RUN,
    STATE,
    Entry,
    Finding,
    Threat,
    Writer,
    alone,
    central_record,
    end_record,
    end_records_64,
    legacy,
    local_header,
    runs,
    tar_entry,
    zip_archive,
)
from threats.literature.paths import hides
from threats.pickled import AT, PAYLOAD

KINDS = (
    "members of a zip",
    "directories of a zip",
    "archives of other formats",
    "a broken tail",
    "numbers as C reads them",
    "headers of NumPy",
    "numbers of a tar",
    "recursion",
    "the legacy magic number",
)
"""The nine kinds of exception."""


def raises(kind: str, title: str, write: Writer, line: int = 48) -> Threat:
    """A file of one of the kinds."""
    assert kind in KINDS
    return Threat(line, title, write, f"exception, {kind}")


_PICKLE = Entry("model/data.pkl", PAYLOAD)
_VERSION = Entry("model/version", b"3\n")
_IN_ZIP = Finding("SEC001", "error", "model/data.pkl", AT, "os.system('id')")
_TRICK = Finding("SEC006", "error", ANYWHERE, None)


def _member(title: str, entry: Entry, *, trick: bool = True) -> Threat:
    content = zip_archive([entry, _VERSION]).content
    findings = (_IN_ZIP, _TRICK) if trick else (_IN_ZIP,)
    return raises("members of a zip", title, alone("m.pt", content, *findings), 1)


def _method(number: int) -> bytes:
    """The local header states another method than the directory, which counts."""
    whole = bytearray(zip_archive([_PICKLE, _VERSION]).content)
    struct.pack_into("<H", whole, 8, number)
    return bytes(whole)


def _local_size(size: int) -> bytes:
    whole = bytearray(zip_archive([_PICKLE, _VERSION]).content)
    struct.pack_into("<2I", whole, 18, size, size)
    return bytes(whole)


_MEMBERS = (
    _member("a wrong checksum", replace(_PICKLE, crc=0x12345678)),
    _member("the flag of encryption", replace(_PICKLE, flags=1)),
    _member("the flag of strong encryption", replace(_PICKLE, flags=0x41)),
    _member("the flag of a patch", replace(_PICKLE, flags=0x20)),
    _member("another local name", replace(_PICKLE, local_name="model/data.pkx")),
    raises(
        "members of a zip", "another local method", alone("m.pt", _method(99), _IN_ZIP, _TRICK), 3
    ),
    raises(
        "members of a zip", "another local size", alone("m.pt", _local_size(7), _IN_ZIP, _TRICK), 3
    ),
)


def _zip64_extra(extra: bytes) -> bytes:
    """A pickle whose directory record has this extra field."""
    whole = zip_archive([_PICKLE, _VERSION])
    record = bytearray(central_record(_PICKLE, whole.headers[0]))
    struct.pack_into("<H", record, 30, len(extra))
    records = bytes(record) + extra + central_record(_VERSION, whole.headers[1])
    return whole.content[: whole.directory] + records + end_record(2, whole.directory, len(records))


def _relative() -> bytes:
    """The directory lies before the end record, where zipfile looks; another's offset is stated.

    Python's zipfile and pandas take the directory that ends at the end record, and shift every
    offset by how far that is from the stated one; the reader of PyTorch takes the stated one.
    """
    first = zip_archive([Entry("model/data.pkl", STATE), _VERSION])
    front = first.content[: first.end]
    hostile = (_PICKLE, _VERSION)
    bodies = [local_header(entry) + entry.stored for entry in hostile]
    shift = len(front) + sum(map(len, bodies)) - first.directory
    places = (len(front) - shift, len(front) + len(bodies[0]) - shift)
    records = b"".join(map(central_record, hostile, places))
    return front + b"".join(bodies) + records + end_record(2, first.directory, len(records))


def _locator() -> bytes:
    """Only the record before its locator leads to the pickle; the locator points to another."""
    empty = end_records_64(0, 0, 0, 0)[:56]
    whole = zip_archive([_PICKLE, _VERSION], gap=empty)
    front, size = whole.content[: whole.end], whole.end - whole.directory
    true = end_records_64(0, 2, whole.directory, size)[:56]
    locator = end_records_64(whole.directory - len(empty), 0, 0, 0)[56:]
    return front + true + locator + end_record(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def _shifted(before: bytes) -> bytes:
    """Bytes before an archive whose offsets do not count them."""
    return before + zip_archive([_PICKLE, _VERSION]).content


_DIRECTORIES = (
    raises(
        "directories of a zip",
        "a zip64 field too short",
        hides("m.pt", _zip64_extra(b"\x01\0\x04\0abcd")),
        46,
    ),
    raises(
        "directories of a zip",
        "an extra field past its end",
        hides("m.pt", _zip64_extra(b"\x01\0\xff\xff")),
        46,
    ),
    raises(
        "directories of a zip",
        "a Unicode path with another name",
        hides(
            "m.pt",
            _zip64_extra(
                b"up" + struct.pack("<HBI", 5 + 9, 1, zlib.crc32(b"model/data.pkl")) + b"notes.txt"
            ),
        ),
        46,
    ),
    raises("directories of a zip", "relative to the end record", hides("m.pt", _relative()), 46),
    raises(
        "directories of a zip",
        "a zip64 record that its locator misses",
        hides("m.pt", _locator()),
        46,
    ),
    raises(
        "directories of a zip",
        "bytes before the archive",
        hides("m.pt", _shifted(b"GIF89a" + bytes(34))),
        46,
    ),
    raises(
        "directories of a zip",
        "a script before the archive",
        hides("m.pt", _shifted(b"#!/bin/sh\nexit\n")),
        46,
    ),
)


def _other(name: str, magic: bytes, message: str) -> Threat:
    content = magic + bytes(64) + PAYLOAD
    return raises(
        "archives of other formats",
        name,
        alone("m.pt", content, Finding("FMT001|SEC001", "error", ANYWHERE, None, message)),
        6,
    )


_OTHERS = (
    _other("7z", b"7z\xbc\xaf\x27\x1c\x00\x04", ""),
    _other("RAR 4", b"Rar!\x1a\x07\x00", ""),
    _other("RAR 5", b"Rar!\x1a\x07\x01\x00", ""),
    _other("LZ4", b"\x04\x22\x4d\x18", ""),
    _other("Zstandard", b"\x28\xb5\x2f\xfd", ""),
)

_TAILS = {
    "nothing": b"",
    "an opcode that is none": b"\xff",
    "a text past the end": b"X\xff\xff\xff\x7f",
    "no name in the memo": b"h\xff",
    "a protocol from the future": b"\x80\xff",
    "bytes that are no UTF-8": b"X\x02\0\0\0\xc3\x28",
    "a number of no digits": b"Ix\n",
    "a global of no text": b"NN\x93",
    "a buffer that is missing": b"\x97",
}
_BROKEN = tuple(
    raises(
        "a broken tail",
        f"behind the call, {name}",
        alone("m.pkl", CALL + tail, runs(None, CALL)),
        18,
    )
    for name, tail in _TAILS.items()
)

_LINES = {
    "INT of an octal digit": b"I010\n0",
    "INT that ends at a NUL": b"I1\0x\n0",
    "INT of hexadecimal digits": b"I0x10\n0",
    "INT with a blank before it": b"I 1\n0",
    "LONG that ends at a NUL": b"L1\0x\n0",
    "LONG of an octal digit": b"L0o17L\n0",
    "LONG with its letter twice": b"L12L\n0",
    "FLOAT that ends at a NUL": b"F1.0\0x\n0",
    "FLOAT with an underscore": b"F1_0\n0",
    "FLOAT that is no number": b"Fnan\n0",
    "PUT with thirty zeros": b"Np" + b"0" * 30 + b"1\n0",
    "PUT that ends at a NUL": b"Np1\0x\n0",
    "PUT with an underscore": b"Np1_0\n0",
    "GET with zeros": b"Np1\n0g0001\n0",
    "a text with a quote in it": b"S'a'b'\n0",
    "lines that end in CR": b"I1\r\n0",
}
_NUMBERS = (
    *(
        raises(
            "numbers as C reads them",
            f"{name}{title}",
            alone("m.bin", head + line + RUN, Finding("SEC001", "error", None, None)),
            42,
        )
        for name, line in _LINES.items()
        for title, head in (("", b""), (", behind a header", b"\x80\x02"))
    ),
    raises(
        "numbers as C reads them",
        "INST whose last line has no end",
        alone("m.bin", b"(S'id'\nios\nsystemX", Finding("SEC001", "error", None, None)),
        42,
    ),
    raises(
        "numbers as C reads them",
        "GLOBAL whose last line has no end",
        alone("m.bin", b"(S'id'\ncos\nsystemX", Finding("SEC001", "error", None, None)),
        42,
    ),
)

_HEADERS = {
    "a shape of True": npy_header(shape="(True,)"),
    "a shape of Python 2's numbers": npy_header(shape="(1L,)"),
    "a shape that counts in hexadecimal": npy_header(shape="(0x1,)"),
    "a header of 11,000 bytes": npy_header() + " " * 11_000,
    "an object field with a title": npy_header(descr="[(('title', 'a'), '|O')]"),
    "an object field in a field": npy_header(descr="[('a', [('b', '|O')])]"),
    "an object field with a shape": npy_header(descr="[('a', '|O', (1,))]"),
    "an object field by its long name": npy_header(descr="[('a', 'object')]"),
    "objects by their long name": npy_header(descr="'object'"),
    "objects of eight bytes": npy_header(descr="'|O8'"),
    "keys in another order": "{'shape': (1,), 'fortran_order': False, 'descr': '|O'}",
    "a key given twice": npy_header(descr="'<f8', 'descr': '|O'"),
    "a comment in the header": "{'descr': '|O', # x\n'fortran_order': False, 'shape': (1,)}",
}
_KIND = "headers of NumPy"


def _array(title: str, header: str | bytes, version: int = 1, pickle: bytes = PAYLOAD) -> Threat:
    """An array of objects; the call is found at its place in the file."""
    content = npy(header, pickle, version)
    return raises(_KIND, title, alone("a.npy", content, runs(None, content)), 50)


_IN_NPZ = npy(npy_header(shape="(True,)"), PAYLOAD)
_NUMPY = (
    *(_array(name, header) for name, header in _HEADERS.items()),
    _array("version 2", npy_header(), 2),
    _array("version 3 and a name in UTF-8", npy_header(descr="[('ä', '|O')]").encode(), 3),
    _array("objects without the pickle's header", npy_header(), pickle=RUN),
    raises(
        _KIND,
        "a shape of True, in an archive",
        alone("a.npz", zip_archive([Entry("a.npy", _IN_NPZ)]).content, runs("a.npy", _IN_NPZ)),
        50,
    ),
)


def _legacy_tar(head: bytes, entry: bytes) -> bytes:
    parts = tar_entry(b"storages", b"\x80\x02K\x00.") + tar_entry(b"tensors", b"\x80\x02K\x00.")
    return parts + head + entry + bytes(1024)


_ENTRY = tar_entry(b"pickle", PAYLOAD)
_SIZE = len(PAYLOAD)
_TARS = {
    "a pax size with underscores": (
        pax({"size": f"{_SIZE // 10}_{_SIZE % 10}"}),
        with_size(_ENTRY, b"0"),
    ),
    "a pax size with blanks": (pax({"size": f"  {_SIZE} "}), with_size(_ENTRY, b"0")),
    "a pax size in other digits": (
        pax({"size": "".join(chr(0x660 + int(d)) for d in str(_SIZE))}),
        with_size(_ENTRY, b"0"),
    ),
    "a pax size with zeros and a sign": (pax({"size": f"+00{_SIZE}"}), with_size(_ENTRY, b"0")),
    "a size to the base 256": (b"", with_size(_ENTRY, base_256(_SIZE))),
    "a size with a leading blank": (b"", with_size(_ENTRY, f" {_SIZE:o} ".encode())),
    "a size that ends at a NUL": (b"", with_size(_ENTRY, f"{_SIZE:o}\0x".encode())),
}
_TAR_NUMBERS = tuple(
    raises("numbers of a tar", name, hides("m.pt", _legacy_tar(*parts), "pickle"), 47)
    for name, parts in _TARS.items()
)

_DEEP = b"\x80\x02" + b"]" * 5_000 + b"a" * 4_999 + b"0"
_NESTED_TUPLES = b"\x80\x02)" + b"\x85" * 50_000 + b"0"


def _russian(levels: int) -> bytes:
    """Archives in archives."""
    content = torch_archive(PAYLOAD)
    for level in range(levels):
        content = zip_archive([Entry(f"{level}.zip", content)]).content
    return content


_RECURSION = (
    raises(
        "recursion",
        "lists in lists before the call",
        alone("m.pkl", _DEEP + RUN, runs(None, _DEEP + RUN)),
        48,
    ),
    raises(
        "recursion",
        "tuples in tuples before the call",
        alone("m.pkl", _NESTED_TUPLES + RUN, runs(None, _NESTED_TUPLES + RUN)),
        48,
    ),
    raises(
        "recursion",
        "archives in archives, twenty deep",
        alone("m.zip", _russian(20), Finding("FMT001|SEC001", "error", ANYWHERE, None)),
        48,
    ),
    raises(
        "recursion",
        "brackets of JSON beside the pickle",
        hides(
            "m.pt2",
            zip_archive(
                [
                    Entry("m/archive_format", b"pt2"),
                    Entry("m/data/weights/model_weights_config.json", b"[" * 200_000),
                    Entry("m/data/sample_inputs/model.pt", PAYLOAD),
                ]
            ).content,
        ),
        48,
    ),
    raises(
        "recursion",
        "brackets in a NumPy header",
        alone(
            "a.npy",
            npy(npy_header(descr="[('a', " * 400 + "'|O'" + ")]" * 400), PAYLOAD, 2),
            Finding("FMT001|SEC001", "error", ANYWHERE, None),
        ),
        50,
    ),
)

_LEGACY = (
    raises(
        "the legacy magic number",
        "a call before it, in its pickle",
        alone("m.pt", stacked({0: CALL + b"0"}), runs(None, stacked({0: CALL + b"0"}))),
        13,
    ),
    raises(
        "the legacy magic number",
        "another number",
        alone(
            "m.pt",
            legacy(PAYLOAD, b"\x80\x02\x8a\x02\x01\x02."),
            runs(None, legacy(PAYLOAD, b"\x80\x02\x8a\x02\x01\x02.")),
        ),
        13,
    ),
    raises(
        "the legacy magic number",
        "as text",
        alone(
            "m.pt",
            legacy(PAYLOAD, b"L119547037146038801333356L\n."),
            runs(None, legacy(PAYLOAD, b"L119547037146038801333356L\n.")),
        ),
        13,
    ),
    raises(
        "the legacy magic number",
        "of protocol 4, in a FRAME",
        alone(
            "m.pt",
            legacy(PAYLOAD, b"\x80\x04\x95" + struct.pack("<Q", 13) + MAGIC[2:]),
            runs(None, legacy(PAYLOAD, b"\x80\x04\x95" + struct.pack("<Q", 13) + MAGIC[2:])),
        ),
        13,
    ),
)

THREATS = (
    *_MEMBERS,
    *_DIRECTORIES,
    *_OTHERS,
    *_BROKEN,
    *_NUMBERS,
    *_NUMPY,
    *_TAR_NUMBERS,
    *_RECURSION,
    *_LEGACY,
)
