"""A part of a distributed checkpoint (.distcp): PyTorch archives, one behind the other.

Which tensor is which stands in the file `.metadata` beside it; alone, they are numbered.
Source: torch 2.13, `distributed/checkpoint/filesystem.py`, `_write_item`.
"""

from __future__ import annotations

from modlint.checkpoint import Checkpoint
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.zip.archive import Archive
from modlint_plugins.archives.zip.chain import Span, chain
from modlint_plugins.readers.contained import Contents, Naming, prefixed
from modlint_plugins.readers.containers.zip.bundle import read_bundle
from modlint_plugins.readers.torch.zip import TorchZipReader, has_pickle


def read_part(source: Source) -> Checkpoint:
    """Read each archive; tensors are numbered, for the part does not name them."""
    contents = Contents(source)
    spans, rest = chain(source.view)
    if rest:
        message = f"{rest:,} bytes before the first archive belong to none"
        contents.remark("leading-bytes", message, offset=0)
    _examine_whole(contents, spans)
    for index, span in enumerate(spans):
        try:
            contents.allowance.spend_member()
        except UnreadableError as error:
            contents.fault("limit", str(error))
            break
        contents.examine(source.view[span.start : span.end], _numbered(index), span.start)
    contents.metadata["distcp.items"] = len(spans)
    return contents.checkpoint("distcp")


def _examine_whole(contents: Contents, spans: tuple[Span, ...]) -> None:
    """Read the file as PyTorch would as one archive, where its directory is not of the chain."""
    try:
        archive = Archive(contents.source.view)
    except UnreadableError:
        return
    if archive.directory.start in {span.directory for span in spans}:
        return
    message = "the file reads as one archive and as several, with different contents"
    contents.remark("ambiguous-archive", message)
    source = contents.source
    is_torch = has_pickle(archive)
    whole = TorchZipReader().read(source) if is_torch else read_bundle(source, (archive,))
    contents.merge(whole, prefixed("as one archive"), 0)


def _numbered(index: int) -> Naming:
    def tensor(name: str, _section: str) -> tuple[str, str]:
        return (str(index) if name == "tensor" else f"{index}.{name}"), ""

    return Naming(f"archive {index}", tensor)
