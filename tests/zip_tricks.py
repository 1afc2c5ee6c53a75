"""Zip archives bent in the ways that hostile ones are, from files that torch really wrote."""

from __future__ import annotations

import struct
import warnings
import zipfile
from pathlib import Path

import torch

CENTRAL, LOCAL, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"


def model(folder: Path) -> Path:
    """A small state_dict as torch.save writes it."""
    folder.mkdir(exist_ok=True)
    path = folder / "model.pt"
    torch.save({"w": torch.arange(16, dtype=torch.float32)}, path)
    return path


def torchscript(path: Path, module: torch.nn.Module, **extra: str) -> Path:
    """A module as torch.jit.save writes it; `extra` are files of its own, by stem."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        files = {f"{stem}.txt": text for stem, text in extra.items()}
        torch.jit.save(torch.jit.script(module), str(path), _extra_files=files)
    return path


def entry(path: Path, member: str) -> zipfile.ZipInfo:
    """A member's entry in the directory."""
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo(member)


def record(data: bytes, member: str) -> int:
    """Offset of a member's record in the central directory."""
    at = data.index(CENTRAL)
    while data[at + 46 : at + 46 + len(member)] != member.encode():
        at = data.index(CENTRAL, at + 4)
    return at


def patched(path: Path, at: int, new: bytes) -> Path:
    """The file with bytes replaced in place."""
    data = bytearray(path.read_bytes())
    data[at : at + len(new)] = new
    path.write_bytes(data)
    return path


def with_flag(path: Path, member: str, bit: int) -> Path:
    """Set a flag of a member in the directory."""
    at = record(path.read_bytes(), member) + 8
    (flags,) = struct.unpack_from("<H", path.read_bytes(), at)
    return patched(path, at, struct.pack("<H", flags | bit))


def with_crc(path: Path, member: str, crc: int) -> Path:
    """State another checksum of a member in the directory, and in what follows its data."""
    info = entry(path, member)
    data = path.read_bytes()
    after = data.index(b"PK\x07\x08", info.header_offset)
    patched(path, after + 4, struct.pack("<I", crc))
    return patched(path, record(data, member) + 16, struct.pack("<I", crc))


def with_member(path: Path, name: str, content: bytes) -> Path:
    """Append a member."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content)
    return path


def with_gap(path: Path, content: bytes) -> Path:
    """Put bytes between the last member and the directory."""
    data = path.read_bytes()
    end = data.rindex(END)
    size, start = struct.unpack_from("<II", data, end + 12)
    moved = struct.pack("<II", size, start + len(content))
    records = bytearray(data[start:])
    at = end - start
    records[at + 12 : at + 20] = moved
    wide = records.find(b"PK\x06\x06")
    if wide >= 0:
        struct.pack_into("<Q", records, wide + 48, start + len(content))
        struct.pack_into(
            "<Q", records, records.find(b"PK\x06\x07") + 8, wide + start + len(content)
        )
    path.write_bytes(data[:start] + content + records)
    return path


def with_tail(path: Path, content: bytes) -> Path:
    """Append bytes to the file."""
    path.write_bytes(path.read_bytes() + content)
    return path
