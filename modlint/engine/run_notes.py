"""What a run says of itself beside its findings."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Status
from modlint.discovery.discover import Discovery
from modlint.engine.run_record import RunRecord
from modlint.report import FileReport
from modlint.text import count, printable

_NAMED = 3


def note_discovery(found: Discovery, excluder: str, record: RunRecord) -> None:
    """Record what was not found, not searched and passed over.

    Args:
        found: what the search found.
        excluder: what holds the setting `exclude`.
        record: where to say it.
    """
    for path in found.missing:
        record.errors.append(f"{path}: no such file or folder")
    for path, reason in found.unsearched:
        record.skipped.append(f"{path}: folder not searched: {reason}")
    passed = found.passed_over.sentence(excluder)
    if passed is not None:
        record.notes.append(passed)


def note_interruption(checked: int, files: int, record: RunRecord) -> None:
    """Record that the user stopped the run; what was finished is reported.

    Args:
        checked: number of files that were finished.
        files: number of files that were to be checked.
        record: where to say it.
    """
    record.interrupted = True
    record.skipped.append(f"interrupted: {checked:,} of {count(files, 'file')} checked")


def note_others(
    found: Discovery, idle: Sequence[FileReport], reported: int, record: RunRecord
) -> None:
    """Record what was looked at and has no report of its own, in a line for all of it.

    Args:
        found: what the search found.
        idle: of files that were checked and turned out to be nothing that is examined.
        reported: number of files with a report.
        record: where to say it.
    """
    unread = [file for file in idle if file.status is Status.UNREADABLE]
    if unread:
        names = [f"{printable(file.path)} ({file.format})" for file in unread[:_NAMED]]
        listed = ", ".join(names + ["…"] * (len(unread) > _NAMED))
        files = count(len(unread), "file")
        record.notes.append(f"not examined: {files} of a format that is not read: {listed}")
    others = found.others + len(idle) - len(unread)
    if others and reported:
        record.notes.append(f"{count(others, 'other file')} looked at: no checkpoint")
    if not reported and not found.missing and not record.interrupted:
        record.skipped.append("no checkpoint found in the paths given")
