"""Lines 1 to 10 of the list: archives."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path

from threats.build import (
    DATA,
    RUN,
    STATE,
    Entry,
    Finding,
    Threat,
    Torch,
    Zip,
    alone,
    central_record,
    end_record,
    end_records_64,
    local_header,
    runs,
    zip_archive,
    zipped,
)

_HEADED = b"\x80\x02" + RUN
_CALLS = runs("model/data.pkl", _HEADED)
_STORAGE = 2
"""Index of the storage among the members of `Torch`."""


def _torch(**changes: object) -> list[Entry]:
    """A clean archive whose storage's entry has other fields."""
    entries = Torch().entries()
    entries[_STORAGE] = Entry("model/data/0", DATA, **changes)  # type: ignore[arg-type]
    return entries


def _trick(line: int, title: str, entries: list[Entry], *findings: Finding) -> Threat:
    return Threat(line, title, zipped("model.pt", zip_archive(entries), *findings))


def _sec006(member: str | None, offset: int | None, message: str = "") -> Finding:
    return Finding("SEC006", "error", member, offset, message)


def _start(entries: list[Entry], index: int) -> int:
    """Offset of a member's first byte."""
    return zip_archive(entries).headers[index] + len(local_header(entries[index]))


_BAD_CRC = _torch(crc=0x12345678)
_CRC = (
    _trick(1, "a storage's checksum is wrong", _BAD_CRC, _sec006("model/data/0", 0, "checksum")),
    _trick(
        1,
        "the checksum of a pickle that calls is wrong",
        [Entry("model/data.pkl", _HEADED, crc=1), Entry("model/version", b"3\n")],
        _CALLS,
        _sec006("model/data.pkl", 0, "checksum"),
    ),
)
_FLAGS = tuple(
    _trick(
        2,
        f"flag 0x{flag:x} in {where}",
        [
            Entry("model/data.pkl", _HEADED, flags=central, local_flags=local),
            Entry("model/version", b"3\n"),
        ],
        _CALLS,
        _sec006("model/data.pkl", 0, "flag"),
    )
    for flag in (0x1, 0x20, 0x40)
    for where, central, local in (
        ("both headers", flag, flag),
        ("the directory", flag, 0),
        ("the local header", 0, flag),
    )
)
_RENAMED = [
    Entry("model/data.pkl", _HEADED, local_name="model/notes.md"),
    Entry("model/version", b"3\n"),
]
_NAMES = (
    _trick(
        3,
        "another name in the local header",
        _RENAMED,
        _CALLS,
        _sec006("model/data.pkl", 0, "model/notes.md"),
    ),
    _trick(
        3,
        "the name in capitals, which PyTorch takes as the same",
        [
            Entry("model/DATA.PKL", RUN),
            Entry("model/data.pkl", STATE),
            Entry("model/version", b"3\n"),
        ],
        runs("model/DATA.PKL", RUN),
        _sec006("model/DATA.PKL", None, "several members"),
    ),
    _trick(
        3,
        "only in capitals",
        [Entry("model/DATA.PKL", RUN), Entry("model/version", b"3\n")],
        runs("model/DATA.PKL", RUN),
    ),
)
_DAMAGED = Entry("model/a.pkl", b"x" * 100, deflate=True, raw=b"\xff" * 20)
_EARLY = (
    _trick(
        4,
        "a damaged member before the pickle",
        [_DAMAGED, Entry("model/data.pkl", _HEADED), Entry("model/version", b"3\n")],
        _CALLS,
        Finding("FMT001", "error", "model/a.pkl", None, "damaged"),
    ),
    _trick(
        4,
        "a member of an unknown method before it",
        [Entry("model/a.pkl", b"x" * 40, deflate=True, raw=b""), Entry("model/data.pkl", _HEADED)],
        _CALLS,
        Finding("FMT001", "error", "model/a.pkl", None),
    ),
)
_TWICE = [
    Entry("model/data.pkl", STATE),
    Entry("model/data.pkl", _HEADED),
    Entry("model/version", b"3\n"),
    Entry("model/data/0", DATA),
]
_DUPLICATES = (
    _trick(
        5,
        "two members called data.pkl",
        _TWICE,
        _CALLS,
        _sec006("model/data.pkl", None, "several members"),
    ),
    _trick(
        5,
        "the same, the other way round",
        [_TWICE[1], _TWICE[0], *_TWICE[2:]],
        _CALLS,
        _sec006("model/data.pkl", None, "several members"),
    ),
)
_INNER = zip_archive(Torch(pickle=_HEADED).entries())
_SEVEN = b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(24) + b"\x01" * 64
_NESTED = (
    Threat(
        6,
        "a 7z archive with a checkpoint's name",
        alone("model.pt", _SEVEN, Finding("FMT001", "error", None, None, "7z")),
    ),
    _trick(
        6,
        "a zip archive in a zip archive",
        [*Torch().entries(), Entry("model/extra", _INNER.content)],
        runs("model/extra!model/data.pkl", _HEADED),
    ),
    _trick(
        6,
        "the same, deflated",
        [*Torch().entries(), Entry("model/extra", _INNER.content, deflate=True)],
        runs("model/extra!model/data.pkl", _HEADED),
    ),
    _trick(
        6,
        "an encrypted archive",
        [Entry("model/data.pkl", b"\x13" * 60, flags=1), Entry("model/version", b"3\n", flags=1)],
        _sec006("model/data.pkl", 0, "encrypted"),
    ),
)


def _far(folder: Path) -> tuple[Path, tuple[Finding, ...]]:
    """Half a gigabyte of zeros, none of it on disk, before the pickle and the directory."""
    zeros = 512 << 20
    first = Entry("model/data/0", b"")
    crc = 0
    for _ in range(zeros >> 20):
        crc = zlib.crc32(bytes(1 << 20), crc)
    local = bytearray(local_header(first))
    struct.pack_into("<3I", local, 14, crc, zeros, zeros)
    record = bytearray(central_record(first, 0))
    struct.pack_into("<3I", record, 16, crc, zeros, zeros)
    pickle = Entry("model/data.pkl", _HEADED)
    place = len(local) + zeros
    tail = local_header(pickle) + _HEADED
    directory = place + len(tail)
    records = bytes(record) + central_record(pickle, place)
    path = folder / "model.pt"
    with path.open("wb") as file:
        file.write(local)
        file.seek(place)
        file.write(tail + records + end_record(2, directory, len(records)))
    return path, (_CALLS,)


_HIDDEN = (
    _trick(
        9,
        "another pickle in the archive",
        [*Torch().entries(), Entry("model/extra.pkl", _HEADED)],
        runs("model/extra.pkl", _HEADED),
    ),
    _trick(
        9,
        "another pickle without a name that tells",
        [*Torch().entries(), Entry("model/notes.txt", _HEADED)],
        runs("model/notes.txt", _HEADED),
    ),
    _trick(
        9,
        "a pickle within a storage",
        Torch(pickle=STATE.replace(b"J\x04", b"J\x09"), storage=_HEADED.ljust(36, b"\0")).entries(),
        runs("model/data/0", _HEADED),
    ),
    _trick(
        9,
        "a second pickle behind the first, in data.pkl",
        Torch(pickle=STATE + _HEADED).entries(),
        runs("model/data.pkl", STATE + _HEADED),
    ),
)


def _two_directories() -> Zip:
    """The 32-bit end record names one directory, the 64-bit record, which counts, another."""
    clean, hostile = (
        Torch().entries(),
        [Entry("model/data.pkl", _HEADED), Entry("model/version", b"3\n")],
    )
    out = bytearray()
    places = []
    for entry in (*clean, *hostile):
        places.append(len(out))
        out += local_header(entry) + entry.stored
    first = len(out)
    out += b"".join(map(central_record, clean, places))
    second = len(out)
    out += b"".join(map(central_record, hostile, places[len(clean) :]))
    out += end_records_64(len(out), len(hostile), second, len(out) - second)
    end = len(out)
    out += end_record(len(clean), first, second - first)
    return Zip(bytes(out), tuple(places), (), second, end)


def _million(folder: Path) -> tuple[Path, tuple[Finding, ...]]:
    """A million entries of the directory that share one member."""
    member = Entry("model/data.pkl", STATE)
    local = local_header(member) + STATE
    records = central_record(member, 0) * 1_000_000
    path = folder / "model.pt"
    path.write_bytes(local + records + end_record(0xFFFF, len(local), len(records)))
    return path, (Finding("FMT001", "error", None, None, "100,000 members"),)


def _shared(count: int, entry: Entry) -> Zip:
    """A clean archive whose directory lists one further member many times over."""
    return _listing([entry] * count)


def _claimed(count: int, entry: Entry) -> Zip:
    """The same, each time with another checksum, so that none can be taken for checked."""
    return _listing([replace(entry, crc=number) for number in range(1, count + 1)])


def _listing(entries: list[Entry]) -> Zip:
    """A clean archive with one further member, which the directory lists by all these entries."""
    clean, count = Torch().entries(), len(entries)
    whole = zip_archive([*clean, entries[0]])
    records = b"".join(map(central_record, clean, whole.headers))
    records += b"".join(central_record(entry, whole.headers[-1]) for entry in entries)
    end = end_record(len(clean) + count, whole.directory, len(records))
    content = whole.content[: whole.directory] + records + end
    return Zip(content, whole.headers, whole.records, whole.directory, len(content) - len(end))


def _overlap() -> Zip:
    """Two entries of the directory that share bytes of a member."""
    whole = zip_archive(Torch().entries())
    out = bytearray(whole.content)
    struct.pack_into("<I", out, whole.records[1] + 42, whole.headers[0])
    return Zip(bytes(out), whole.headers, whole.records, whole.directory, whole.end)


def _wide() -> Zip:
    """A storage whose size is 2^62 in the zip64 extra field."""
    whole = zip_archive(Torch().entries())
    out = bytearray(whole.content[: whole.directory])
    records = b""
    for index, entry in enumerate(Torch().entries()):
        record = bytearray(central_record(entry, whole.headers[index]))
        if index == _STORAGE:
            extra = struct.pack("<HHQQ", 1, 16, 1 << 62, 1 << 62)
            struct.pack_into("<2I", record, 20, 0xFFFFFFFF, 0xFFFFFFFF)
            struct.pack_into("<H", record, 30, len(extra))
            record += extra
        records += record
    out += records + end_record(3, whole.directory, len(records))
    return Zip(bytes(out), whole.headers, (), whole.directory, len(out) - 22)


_BOUNDS = (
    _trick(
        10,
        "a pickle that inflates to 300 MB",
        [
            Entry("model/data.pkl", b"\x80\x02" + b"N0" * (150 << 20), deflate=True),
            Entry("model/version", b"3\n"),
        ],
        Finding("FMT001", "error", "model/data.pkl", None, "inflate"),
    ),
    _trick(
        10,
        "a member that inflates to more than it says",
        [
            Entry("model/data.pkl", b"\x80\x02" + b"N0" * (1 << 20), deflate=True, size=100),
            Entry("model/version", b"3\n"),
        ],
        Finding("FMT001", "error", "model/data.pkl", None, "inflate"),
    ),
    _trick(
        10,
        "a member that says 4 GB",
        [
            Entry("model/data.pkl", bytes(100), deflate=True, size=0xFFFFFFF0),
            Entry("model/version", b"3\n"),
        ],
        Finding("FMT001", "error", "model/data.pkl", None, "4,294,967,280 bytes"),
    ),
    Threat(10, "a million members", _million),
    Threat(
        10,
        "pickles that share their deflated bytes, more than 2 GiB of them",
        zipped(
            "model.pt",
            _shared(34, Entry("model/x.pkl", bytes(64 << 20), deflate=True)),
            Finding("FMT001", "error", "model/x.pkl", None, "the limit"),
        ),
    ),
    Threat(
        10,
        "storages that share their bytes twenty times over",
        zipped(
            "model.pt",
            _claimed(20, Entry("model/x", bytes(1 << 20))),
            _sec006("model/x", None, "the limit"),
        ),
    ),
    Threat(
        10,
        "members that share bytes",
        zipped("model.pt", _overlap(), _sec006("model/data.pkl", 0, "share bytes")),
    ),
    Threat(
        10,
        "a storage of 2^62 bytes",
        zipped("model.pt", _wide(), Finding("FMT001", "error", "model/data/0", None)),
    ),
    Threat(
        10,
        "two directories",
        zipped(
            "model.pt",
            _two_directories(),
            _CALLS,
            _sec006(None, _two_directories().end, "two end records"),
        ),
    ),
)

THREATS = (
    *_CRC,
    *_FLAGS,
    *_NAMES,
    *_EARLY,
    *_DUPLICATES,
    *_NESTED,
    Threat(8, "the directory lies behind half a gigabyte", _far),
    *_HIDDEN,
    *_BOUNDS,
)
