"""From a path to what is in the file: every reader that claims it examines it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec.structs import replace

from modlint.analysis.beside import Document
from modlint.builder import NOTHING_STATED, Built, NetworkBuilder, Stated
from modlint.checkpoint import NOT_WHOLLY_READ, Checkpoint, Remark, Status
from modlint.claims import read_source, unreadable
from modlint.engine.bounds import excess
from modlint.errors import Unavailable, UnreadableError, explained
from modlint.looks import Look, look_at
from modlint.network import Network
from modlint.reader import Found, Reader, Sweep
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
    look_at(Look.CONTENT, path)
    try:
        _refuse_special(path)
        source = open_source(path)
    except UnreadableError as error:
        return (unreadable(path, "unknown", 0, error),)
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
    look_at(Look.CONTENT, path)
    if not os.path.lexists(path):
        raise UnreadableError("no such file")
    first, *others = load(path, readers)
    if others:
        formats = " and ".join(checkpoint.format for checkpoint in (first, *others))
        raise UnreadableError(f"is {formats} at once; it is unclear which is meant")
    if first.faults:
        raise UnreadableError(f"cannot wholly be read: {first.faults[0].message}")
    if first.status is not Status.CHECKED:
        raise UnreadableError(_NO_CHECKPOINT.get(first.status, "cannot be read"))
    return first


def build_networks(
    checkpoint: Checkpoint,
    builders: Iterable[NetworkBuilder],
    errors: list[str],
    known: Stated = NOTHING_STATED,
) -> Built:
    """What the first builder makes, in order of rank, whose kind the file is.

    Args:
        checkpoint: what was read.
        builders: in order of rank.
        errors: where an internal error of a builder is noted.
        known: what the user says of the networks; config.json beside the file is added.
    """
    if checkpoint.status is not Status.CHECKED:
        return Built(())
    if checkpoint.faults:
        return _none(NOT_WHOLLY_READ)
    known = _with_config(checkpoint, known)
    for builder in builders:
        try:
            built = builder.build(checkpoint, known)
        except Exception as error:  # a plugin's builder may raise anything
            reason = f"internal error in the graph builder {builder.name}: {explained(error)}"
            errors.append(reason)
            return _none(reason, failed=True)
        if built is not None:
            return built
    return _none(f"no graph builder knows the format {checkpoint.format}")


def _with_config(checkpoint: Checkpoint, known: Stated) -> Stated:
    """What is stated, with config.json beside the file; one that is damaged says nothing."""
    try:
        config = Document("config.json").beside(checkpoint)
    except Unavailable:
        config = None
    return replace(known, config=config or {})


def _none(reason: str, *, failed: bool = False) -> Built:
    """No network, and why."""
    return Built((Network("0", reason=reason, failed=failed),))


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
        message = f"internal error in the sweep {sweep.name}: {explained(error)}"
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
