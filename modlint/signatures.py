"""First bytes that tell a program, an archive or a document: none of them begins a tensor."""

from __future__ import annotations

LONGEST = 512
"""Bytes that `signature` may look at."""

_PROGRAMS = (
    (b"\x7fELF", "an ELF program"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O program"),
    (b"\xce\xfa\xed\xfe", "a Mach-O program"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O program"),
    (b"\xca\xfe\xba\xbe\0\0\0", "a Mach-O program"),
    (b"#!/", "a script"),
)
_FILES = (
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"%PDF-", "a PDF document"),
)
_DOS, _PE = b"MZ", b"PE\0\0"
_PE_POINTER = 0x3C


def signature(data: bytes | memoryview) -> str | None:
    """What bytes that begin so are ("an ELF program"), None for anything else."""
    start = bytes(data[:LONGEST])
    other = (what for magic, what in _FILES if start.startswith(magic))
    return program(start) or next(other, None)


def program(data: bytes | memoryview) -> str | None:
    """What program bytes that begin so are, None for anything else.

    Two bytes prove nothing: a Windows program is told by the header that its first one points to.
    """
    start = bytes(data[:LONGEST])
    for magic, what in _PROGRAMS:
        if start.startswith(magic):
            return what
    if start.startswith(_DOS) and len(start) >= _PE_POINTER + 4:
        at = int.from_bytes(start[_PE_POINTER : _PE_POINTER + 4], "little")
        if start[at : at + 4] == _PE:
            return "a Windows program"
    return None
