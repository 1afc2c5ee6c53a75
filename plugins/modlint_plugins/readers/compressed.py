"""Checkpoints compressed as a whole with gzip, bzip2, xz or zlib, as joblib writes them too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.readers.contained import Contents, bare
from modlint_plugins.readers.inflating import begins, inflate
from modlint_plugins.readers.remarks import unused

_MAGICS = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x5d\x00\x00", "lzma"),
    (b"\x78", "zlib"),
)
_WEAK = frozenset({"lzma", "zlib"})
"""Their first bytes are common: they count where something can be inflated."""
_HEADER, _EXTRA, _COMMENT = 10, 0x04, 0x10
"""A gzip header's fixed size, and the flags of its further fields."""
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
"""What a bzip2 stream goes on with: a block, or its end."""


class CompressedReader:
    """A compressed file."""

    name = "compressed"
    description = "checkpoints compressed with gzip, bzip2, xz or zlib (joblib)"
    family = "compressed"

    def sniff(self, source: Source) -> bool:
        """Whether the file begins as a compressed one does."""
        return _codec(source) is not None

    def read(self, source: Source) -> Checkpoint:
        """Inflate the file into memory, and read what is inside.

        Raises:
            UnreadableError: nothing can be inflated.
        """
        codec = _codec(source) or "gzip"
        contents = Contents(source)
        if codec == "gzip":
            contents.remarks.update(_header_remarks(source.view))
        most = max(contents.allowance.most(source.nbytes), 1)
        inflated = inflate(source.view, codec, most)
        if inflated.limited:
            contents.fault(
                "limit", f"inflates to more than {most:,} bytes, of which the first were examined"
            )
        elif inflated.problem is not None:
            message = f"is compressed with {codec}, and cannot be inflated: {inflated.problem}"
            if not len(inflated.view):
                raise UnreadableError(message, help="download or save it again")
            contents.fault("damaged-member", message)
        elif inflated.end < source.nbytes:
            rest = source.nbytes - inflated.end
            message = f"{rest:,} bytes follow the compressed data"
            contents.remark("trailing-bytes", message, offset=inflated.end)
            contents.examine(source.view[inflated.end :], bare("trailing bytes"), inflated.end)
        contents.allowance.spend_inflated(len(inflated.view), source.nbytes)
        found = contents.examine(inflated.view, bare(codec), None)
        if found or contents.faults:
            return contents.checkpoint("+".join((codec, *dict.fromkeys(contents.formats))))
        contents.allowance.kept -= len(inflated.view)
        remark = Remark(
            "not-a-checkpoint",
            f"is compressed with {codec}",
            help="unpack it and check what is inside",
        )
        nothing = Checkpoint(source.path, codec, source.nbytes, Status.NOT_A_CHECKPOINT)
        return replace(nothing, remarks=(*contents.remarks, remark))


def _header_remarks(view: memoryview) -> Iterator[Remark]:
    """Fields of a gzip header that hold whatever their writer likes (RFC 1952, 2.3)."""
    flags = view[3] if len(view) > _HEADER else 0
    if flags & _EXTRA:
        nbytes = int.from_bytes(view[_HEADER : _HEADER + 2], "little")
        what = "are an extra field of the gzip header"
        yield unused(view, "extra-field", what, _HEADER + 2, _HEADER + 2 + nbytes)
    elif flags & _COMMENT:
        yield Remark("extra-field", "the gzip header holds a comment", offset=_HEADER)


def _codec(source: Source) -> str | None:
    for magic, codec in _MAGICS:
        if source.startswith(magic) and _is_meant(source, codec):
            return codec
    return None


def _is_meant(source: Source, codec: str) -> bool:
    if codec == "bzip2":
        return bytes(source.view[4:10]) in _BZIP2_BLOCKS
    return codec not in _WEAK or begins(source.view, codec)
