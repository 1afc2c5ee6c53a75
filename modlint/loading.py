"""From a path to what is in the file: every reader that claims it examines it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from modlint.bounds import excess
from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.errors import UnreadableError
from modlint.network import Network, NetworkBuilder
from modlint.reader import FORMAT_NOT_READ, Found, Reader, Sweep
from modlint.source import Source, open_source

_SPECIAL_FILES = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)
_REPORT_BUG = "please report this as a bug, with the file if you can share it"
_NO_CHECKPOINT = {
    Status.NOT_A_CHECKPOINT: "is no checkpoint",
    Status.LFS_POINTER: "is a Git LFS pointer, not the file itself: it was not downloaded",
}


def load(
    path: Path, readers: Iterable[Reader], sweeps: Iterable[Sweep] = ()
) -> tuple[Checkpoint, ...]:
    """Read a file with each reader that recognises it; one checkpoint for each claim.

    Never raises for what is in the file: what cannot be read has status `UNREADABLE`. What sweeps
    find stands in the first checkpoint.
    """
    try:
        _refuse_special(path)
        source = open_source(path)
    except UnreadableError as error:
        return (_unreadable(path, "unknown", 0, error),)
    checkpoints = tuple(_bounded(checkpoint) for checkpoint in read_source(source, readers))
    for sweep in sweeps:
        first, *others = checkpoints
        checkpoints = (_with(first, _swept(sweep, source, checkpoints)), *others)
    return checkpoints


def load_whole(path: Path, readers: Iterable[Reader]) -> Checkpoint:
    """Read a file that must be one checkpoint with nothing amiss.

    Raises:
        UnreadableError: it does not exist, is none, cannot wholly be read, or is several at once.
    """
    if not os.path.lexists(path):
        raise UnreadableError("no such file")
    first, *others = load(path, readers)
    if others:
        formats = " and ".join(checkpoint.format for checkpoint in (first, *others))
        raise UnreadableError(f"is {formats} at once; which is meant nothing tells")
    if first.faults:
        raise UnreadableError(f"cannot wholly be read: {first.faults[0].message}")
    if first.status is not Status.CHECKED:
        raise UnreadableError(_NO_CHECKPOINT.get(first.status, "cannot be read"))
    return first


def read_source(source: Source, readers: Iterable[Reader]) -> tuple[Checkpoint, ...]:
    """Read bytes with each reader that recognises them; one checkpoint for each claim.

    Never raises for what is in them: what cannot be read has status `UNREADABLE`.
    """
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


def build_networks(
    checkpoint: Checkpoint, builders: Iterable[NetworkBuilder], errors: list[str]
) -> tuple[Network, ...]:
    """The networks of the first builder, in order of rank, whose kind the file is.

    Args:
        checkpoint: what was read.
        builders: in order of rank.
        errors: where an internal error of a builder is noted.
    """
    if checkpoint.status is not Status.CHECKED:
        return ()
    for builder in builders:
        try:
            networks: Sequence[Network] | None = builder.build(checkpoint)
        except Exception as error:  # a plugin's builder may raise anything
            reason = f"internal error in the graph builder {builder.name}: {_explain(error)}"
            errors.append(reason)
            return (Network("0", reason=reason),)
        if networks is not None:
            return tuple(networks)
    return (Network("0", reason=f"no graph builder knows the format {checkpoint.format}"),)


def _bounded(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint, with a fault where its tensors view more than is examined."""
    problem = excess(checkpoint.tensors.values())
    if problem is None:
        return checkpoint
    return replace(checkpoint, faults=(*checkpoint.faults, Remark("limit", problem)))


def _with(checkpoint: Checkpoint, found: Found) -> Checkpoint:
    return replace(
        checkpoint,
        pickles=(*checkpoint.pickles, *found.pickles),
        remarks=tuple(dict.fromkeys((*checkpoint.remarks, *found.remarks))),
        faults=tuple(dict.fromkeys((*checkpoint.faults, *found.faults))),
    )


def _swept(sweep: Sweep, source: Source, checkpoints: Sequence[Checkpoint]) -> Found:
    try:
        return sweep.sweep(source, checkpoints)
    except Exception as error:  # one bad file must never hide the others
        message = f"internal error in the sweep {sweep.name}: {_explain(error)}"
        return Found(faults=(Remark("unswept", message, help=_REPORT_BUG),))


def _refuse_special(path: Path) -> None:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (follows links; Path.stat does no more)
    except OSError as error:
        reason = "is a broken symbolic link" if path.is_symlink() else f"cannot be opened: {error}"
        raise UnreadableError(reason, help="check where it points to") from error
    for test, kind in _SPECIAL_FILES:
        if test(mode):
            raise UnreadableError(f"is {kind}, not a file", help="name a regular file")


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
        return _unreadable(source.path, reader.name, source.nbytes, error)
    except Exception as error:  # one bad file must never hide the others
        fault = UnreadableError(
            f"internal error in the reader {reader.name}: {_explain(error)}",
            help=_REPORT_BUG,
        )
        return _unreadable(source.path, reader.name, source.nbytes, fault)


def _unreadable(path: Path, format: str, nbytes: int, error: UnreadableError) -> Checkpoint:
    fault = Remark("unreadable", str(error), error.member, error.offset, error.help)
    return Checkpoint(path, format, nbytes, Status.UNREADABLE, faults=(fault,))


def _explain(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
