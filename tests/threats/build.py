"""Hostile files, byte by byte: nothing here pickles an object, and nothing loads what it writes."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SYSTEM = b"cos\nsystem\n"
CALL = SYSTEM + b"(S'id'\ntR"
"""`os.system('id')`, protocol 0, left on the stack; the call's opcode is its last byte."""

RUN = CALL + b"."

ANYWHERE = "*"
"""In place of a member: wherever the finding lies."""


@dataclass(frozen=True)
class Finding:
    """What modlint must say.

    Attributes:
        rule: the rule's code; where several may say it, all with "|" between them.
        severity: of the finding; where either will do, both with "|" between them.
        member: the archive member, None for the file itself, `ANYWHERE` is not compared.
        offset: in the member or the file; None is not compared.
        message: a part of the message.
    """

    rule: str
    severity: str
    member: str | None
    offset: int | None
    message: str = ""


Writer = Callable[[Path], tuple[Path, tuple[Finding, ...]]]


@dataclass(frozen=True)
class Threat:
    """A file, its line in the list of threats, and what must be found.

    Attributes:
        line: the number of the threat.
        title: what the file tries.
        write: writes the file, or the folder, and returns what to check and the findings; none
            where the file is healthy, and nothing above a note may be said of it.
        group: the part of the literature that tells of it, "" where it has a line alone.
    """

    line: int
    title: str
    write: Writer
    group: str = ""

    @property
    def id(self) -> str:
        """For the test's name."""
        return f"{self.group or self.line}: {self.title}"


@dataclass(frozen=True)
class Entry:
    """A member of a zip archive; what is None follows from the data."""

    name: str
    data: bytes
    deflate: bool = False
    crc: int | None = None
    flags: int = 0
    local_flags: int | None = None
    local_name: str | None = None
    size: int | None = None
    raw: bytes | None = None

    @property
    def stored(self) -> bytes:
        """The bytes in the archive."""
        if self.raw is not None:
            return self.raw
        if not self.deflate:
            return self.data
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
        return squeeze.compress(self.data) + squeeze.flush()


@dataclass(frozen=True)
class Zip:
    """A zip archive and where its parts lie.

    Attributes:
        content: its bytes.
        headers: offset of each local header, in order.
        records: offset of each entry of the central directory, in order.
        directory: offset of the central directory.
        end: offset of the end record.
    """

    content: bytes
    headers: tuple[int, ...]
    records: tuple[int, ...]
    directory: int
    end: int


def zip_archive(entries: Iterable[Entry], before: bytes = b"", gap: bytes = b"") -> Zip:
    """An archive; `before` stands before the first member, `gap` before the directory."""
    out = bytearray(before)
    headers, records = [], []
    listed = tuple(entries)
    for entry in listed:
        headers.append(len(out))
        out += local_header(entry) + entry.stored
    out += gap
    directory = len(out)
    for entry, header in zip(listed, headers, strict=True):
        records.append(len(out))
        out += central_record(entry, header)
    end = len(out)
    out += end_record(len(listed), directory, end - directory)
    return Zip(bytes(out), tuple(headers), tuple(records), directory, end)


def local_header(entry: Entry) -> bytes:
    """PKWARE APPNOTE 6.3.10, 4.3.7."""
    name = (entry.name if entry.local_name is None else entry.local_name).encode()
    flags = entry.flags if entry.local_flags is None else entry.local_flags
    fields = (20, flags, 8 * entry.deflate, 0, 0, *_sizes(entry), len(name), 0)
    return struct.pack("<4s5H3I2H", b"PK\x03\x04", *fields) + name


def central_record(entry: Entry, header: int) -> bytes:
    """PKWARE APPNOTE 6.3.10, 4.3.12."""
    name = entry.name.encode()
    fields = (20, 20, entry.flags, 8 * entry.deflate, 0, 0, *_sizes(entry), len(name))
    return struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *fields, 0, 0, 0, 0, 0, header) + name


def end_record(count: int, directory: int, nbytes: int) -> bytes:
    """PKWARE APPNOTE 6.3.10, 4.3.16."""
    return struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, nbytes, directory, 0)


def end_records_64(at: int, count: int, directory: int, nbytes: int) -> bytes:
    """The 64-bit end record, which lies at `at`, and its locator (4.3.14, 4.3.15)."""
    fields = (44, 45, 45, 0, 0, count, count, nbytes, directory)
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", *fields)
    return record + struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)


def _sizes(entry: Entry) -> tuple[int, int, int]:
    crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
    size = len(entry.data) if entry.size is None else entry.size
    return crc, len(entry.stored), size


def text(value: str) -> bytes:
    """BINUNICODE."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def tensor(key: str = "0", elements: int = 4, kind: str = "FloatStorage") -> bytes:
    """Opcodes of a vector of `elements` numbers in storage `key`."""
    storage = text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu")
    count = b"J" + struct.pack("<i", elements)
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n((" + storage + count + b"tQK\x00" + count
        + b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


STATE = b"\x80\x02}" + text("w") + tensor() + b"s."
"""A state_dict of one tensor of four floats."""

DATA = struct.pack("<4f", 1, 2, 3, 4)


@dataclass(frozen=True)
class Torch:
    """The members of a PyTorch archive."""

    pickle: bytes = STATE
    storage: bytes = DATA
    more: tuple[Entry, ...] = field(default_factory=tuple)

    def entries(self) -> list[Entry]:
        """In the order in which PyTorch writes them."""
        return [
            Entry("model/data.pkl", self.pickle),
            Entry("model/version", b"3\n"),
            Entry("model/data/0", self.storage),
            *self.more,
        ]


MAGIC = b"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
"""PyTorch's magic number, 0x1950a86a20f9469cfc6c, as pickle writes it."""


def legacy(pickle: bytes = b"\x80\x02}.", magic: bytes = MAGIC, tail: bytes = b"") -> bytes:
    """A file of the format before PyTorch 1.6, without storages."""
    system = b"\x80\x02}" + text("little_endian") + b"\x88s."
    return magic + b"\x80\x02M\xe9\x03." + system + pickle + b"\x80\x02]." + tail


def safetensors(header: bytes, data: bytes = b"") -> bytes:
    """A header of the length that is stated, and the data."""
    return struct.pack("<Q", len(header)) + header + data


def header(tensors: Mapping[str, tuple[int, int]]) -> bytes:
    """A header of float vectors by name, each with its range of bytes."""
    return json.dumps(
        {
            name: {"dtype": "F32", "shape": [(end - begin) // 4], "data_offsets": [begin, end]}
            for name, (begin, end) in tensors.items()
        }
    ).encode()


def tar_entry(
    name: bytes, data: bytes, *, magic: bytes = b"ustar\x0000", kind: bytes = b"0"
) -> bytes:
    """A tar member; without `magic`, of the oldest kind, which only its checksum tells."""
    head = bytearray(512)
    head[: len(name)] = name
    head[100:108], head[108:116], head[116:124] = (b"0000644\0", b"0000000\0", b"0000000\0")
    head[124:136] = f"{len(data):011o}\0".encode()
    head[136:148] = b"00000000000\0"
    head[156:157] = kind
    head[257 : 257 + len(magic)] = magic
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    return bytes(head) + data + bytes(-len(data) % 512)


def field_bytes(number: int, content: bytes | str) -> bytes:
    """A protobuf field of bytes, text or a message."""
    raw = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def field_number(number: int, value: int) -> bytes:
    """A protobuf field of a number."""
    return varint(number << 3) + varint(value)


def varint(value: int) -> bytes:
    """A protobuf varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def onnx_external(location: str, elements: int = 4, **entries: str) -> bytes:
    """An ONNX model: y = x + w, with w a float vector in another file."""
    pairs = {"location": location, **entries}
    external = b"".join(
        field_bytes(13, field_bytes(1, key) + field_bytes(2, value)) for key, value in pairs.items()
    )
    weight = field_number(1, elements) + field_number(2, 1) + field_bytes(8, "w") + external
    weight += field_number(14, 1)
    add = field_bytes(1, "x") + field_bytes(1, "w") + field_bytes(2, "y") + field_bytes(4, "Add")
    graph = field_bytes(1, add) + field_bytes(2, "g") + field_bytes(5, weight)
    graph += field_bytes(11, _value("x", elements)) + field_bytes(12, _value("y", elements))
    return field_number(1, 8) + field_bytes(7, graph) + field_bytes(8, field_number(2, 17))


def _value(name: str, elements: int) -> bytes:
    shape = field_bytes(2, field_bytes(1, field_number(1, elements)))
    kind = field_bytes(1, field_number(1, 1) + shape)
    return field_bytes(1, name) + field_bytes(2, kind)


def alone(name: str, content: bytes, *findings: Finding) -> Writer:
    """Writes one file."""

    def write(folder: Path) -> tuple[Path, tuple[Finding, ...]]:
        path = folder / name
        path.write_bytes(content)
        return path, findings

    return write


def zipped(name: str, archive: Zip, *findings: Finding) -> Writer:
    """Writes one archive."""
    return alone(name, archive.content, *findings)


def runs(member: str | None, content: bytes, call: bytes = CALL) -> Finding:
    """`os.system` is called in a pickle that holds `call` once, at its REDUCE."""
    place = content.index(call)
    assert content.find(call, place + 1) < 0
    return Finding("SEC001", "error", member, place + len(call) - 1, "os.system('id')")
