"""Checkpoints compressed as a whole with gzip, bzip2, xz or zlib, as joblib writes them too."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.source import Source
from modlint_plugins.archives.inflating import inflate
from modlint_plugins.archives.streams import codec_of
from modlint_plugins.readers.contained import Contents, bare
from modlint_plugins.remarks import unused

_PIECE = 1 << 16
_HEADER, _EXTRA, _COMMENT = 10, 0x04, 0x10
"""A gzip header's fixed size, and the flags of its further fields."""


class CompressedReader:
    """A compressed file."""

    name = "compressed"
    description = "checkpoints compressed with gzip, bzip2, xz or zlib (joblib)"
    family = "compressed"

    def sniff(self, source: Source) -> bool:
        """Whether the file begins as a compressed one does."""
        return codec_of(source.view) is not None

    def read(self, source: Source) -> Checkpoint:
        """Inflate the file into memory, and read what is inside and what follows."""
        codec = codec_of(source.view) or "gzip"
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
            contents.fault("damaged-member", message, help="download or save it again")
        contents.allowance.spend_inflated(len(inflated.view), source.nbytes)
        found = contents.examine(inflated.view, bare(codec), None)
        if not inflated.limited and inflated.end < source.nbytes:
            _examine_rest(contents, inflated.end)
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


def _examine_rest(contents: Contents, at: int) -> None:
    """Look at what follows the last stream; zeros fill files up."""
    view = contents.source.view
    while at < len(view):
        data = bytes(view[at : at + _PIECE]).lstrip(b"\0")
        at = min(at + _PIECE, len(view)) - len(data)
        if data:
            message = f"{len(view) - at:,} bytes follow the compressed data"
            contents.remark("trailing-bytes", message, offset=at)
            contents.examine(view[at:], bare("trailing bytes"), at)
            return


def _header_remarks(view: memoryview) -> Iterator[Remark]:
    """Fields of a gzip header that hold whatever their writer likes (RFC 1952, 2.3)."""
    flags = view[3] if len(view) > _HEADER else 0
    if flags & _EXTRA:
        nbytes = int.from_bytes(view[_HEADER : _HEADER + 2], "little")
        what = "are an extra field of the gzip header"
        yield unused(view, "extra-field", what, _HEADER + 2, _HEADER + 2 + nbytes)
    elif flags & _COMMENT:
        yield Remark("extra-field", "the gzip header holds a comment", offset=_HEADER)
