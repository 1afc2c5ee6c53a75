"""From bytes to what is in them: every reader that claims them reads them.

For whatever opens files, and for readers of containers, whose members anybody may claim.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.errors import UnreadableError, explained
from modlint.reader import FORMAT_NOT_READ, Reader
from modlint.source import Source

_REPORT_BUG = "please report this as a bug, with the file if you can share it"


def read_source(source: Source, readers: Iterable[Reader]) -> tuple[Checkpoint, ...]:
    """Read bytes with each reader that recognises them; one checkpoint for each claim.

    Never raises for what is in them: what cannot be read has status `UNREADABLE`. Where the source
    has no opener, these readers read what lies within it too.
    """
    readers = tuple(readers)
    if source.opener is None:
        source = replace(source, opener=lambda inner: read_source(inner, readers))
    path = source.path
    claims = [(r.family, _read(r, source)) for r in readers if _claims(r, source)]
    if not claims:
        return (Checkpoint(path, "unknown", source.nbytes, Status.NOT_A_CHECKPOINT),)
    checkpoints = _without_mere_names(claims)
    families = sorted({family for family, _ in claims})
    if len(families) > 1:
        remark = Remark("polyglot", f"is a polyglot: {' and '.join(families)} in one file")
        first, *others = checkpoints
        checkpoints = (replace(first, remarks=(*first.remarks, remark)), *others)
    return checkpoints


def _claims(reader: Reader, source: Source) -> bool:
    try:
        return reader.sniff(source)
    except Exception:  # a reader that fails to sniff gets to say so when it reads
        return True


def _without_mere_names(claims: Iterable[tuple[str, Checkpoint]]) -> tuple[Checkpoint, ...]:
    """The checkpoints, less those only named in a family that another reader does read."""
    claims = tuple(claims)
    read = {family for family, checkpoint in claims if not _named_only(checkpoint)}
    return tuple(c for family, c in claims if family not in read or not _named_only(c))


def _named_only(checkpoint: Checkpoint) -> bool:
    """Whether its reader knows the format's name and no more."""
    kinds = {fault.kind for fault in checkpoint.faults}
    return checkpoint.status is Status.NOT_A_CHECKPOINT or kinds == {FORMAT_NOT_READ}


def _read(reader: Reader, source: Source) -> Checkpoint:
    try:
        return reader.read(source)
    except UnreadableError as error:
        return unreadable(source.path, reader.name, source.nbytes, error)
    except Exception as error:  # one bad file must never hide the others
        fault = UnreadableError(
            f"internal error in the reader {reader.name}: {explained(error)}",
            help=_REPORT_BUG,
        )
        return unreadable(source.path, reader.name, source.nbytes, fault)


def unreadable(path: Path, format: str, nbytes: int, error: UnreadableError) -> Checkpoint:
    """The checkpoint that stands for a file of which nothing could be read."""
    fault = Remark("unreadable", str(error), error.member, error.offset, error.help)
    return Checkpoint(path, format, nbytes, Status.UNREADABLE, faults=(fault,))
