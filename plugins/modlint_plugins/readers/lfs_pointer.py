"""Git LFS pointers: the small text file that stands where a checkpoint was not downloaded.

Specification: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import re

from modlint.checkpoint import Checkpoint, Status
from modlint.errors import UnreadableError
from modlint.source import Source

_VERSIONS = (b"version https://git-lfs", b"version https://hawser.github.com")
_MAX_BYTES = 1024  # "pointer files must be less than 1024 bytes"
_KEY = re.compile(r"[a-z0-9.-]+")
_OID = re.compile(r"sha256:[0-9a-f]{64}")
_DOWNLOAD = "run `git lfs pull` to download the file itself"


class LfsPointerReader:
    """Reads the object id and size of the file that the pointer stands for."""

    name = "lfs-pointer"
    description = "Git LFS pointer: the checkpoint itself was not downloaded"
    family = "lfs-pointer"
    sought = False

    def sniff(self, source: Source) -> bool:
        """Whether the file begins as a pointer does and is as small."""
        return source.nbytes < _MAX_BYTES and any(source.startswith(v) for v in _VERSIONS)

    def read(self, source: Source) -> Checkpoint:
        """Read the pointer; `metadata` holds its `oid` and its `size` in bytes.

        Raises:
            UnreadableError: it is damaged: a line, the oid or the size is not as specified.
        """
        lines = _lines(source)
        oid, size = lines.get("oid", ""), lines.get("size", "")
        if not _OID.fullmatch(oid):
            raise _refusal(f"its oid is {_quoted(oid)}, not sha256 and 64 hexadecimal digits")
        if not re.fullmatch(r"[0-9]{1,19}", size):
            raise _refusal(f"its size is {_quoted(size)}, not a number of bytes")
        return Checkpoint(
            path=source.path,
            format=self.name,
            nbytes=source.nbytes,
            status=Status.LFS_POINTER,
            metadata={"oid": oid, "size": int(size)},
        )


def _lines(source: Source) -> dict[str, str]:
    try:
        text = bytes(source.view).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refusal("it is not UTF-8 text") from error
    lines: dict[str, str] = {}
    for line in text.splitlines():
        key, space, value = line.partition(" ")
        if not (space and _KEY.fullmatch(key)):
            raise _refusal(f"it holds the line {_quoted(line)}")
        if key in lines:
            raise _refusal(f"it holds {key} twice")
        lines[key] = value
    return lines


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…") if text else "missing"


def _refusal(what: str) -> UnreadableError:
    return UnreadableError(f"is a damaged Git LFS pointer: {what}", help=_DOWNLOAD)
