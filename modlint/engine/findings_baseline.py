"""Findings that the user has accepted: a file of them, and what it makes of a report."""

from __future__ import annotations

import datetime
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from modlint.errors import UsageError
from modlint.report import FileReport
from modlint.verdict import Outcome, TargetKind, Verdict

SCHEMA = "modlint-baseline/1"
DEFAULT = "modlint-baseline.json"
MOST_BYTES = 64 << 20


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One accepted finding.

    Attributes:
        rule: its code.
        path: of the file, by `/`, from the baseline's folder.
        kind: of its target.
        name: of its target; "" where that is the file itself, which may be renamed.
        member: archive member, if any.
        what: what tells it from others on the same target: the fault, or the message of what
            stands at a byte.
        reason: why it is accepted.
        expires: the last day on which it is.
    """

    rule: str
    path: str
    kind: TargetKind = "file"
    name: str = ""
    member: str | None = None
    what: str = ""
    reason: str = ""
    expires: datetime.date | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What it is matched by within its file."""
        return self.rule, self.kind, self.name, self.member or "", self.what

    @property
    def shifted(self) -> tuple[str, ...]:
        """The same with every number in names left out: layers may be numbered anew."""
        return tuple(re.sub(r"\d+", "#", part) for part in self.key)

    @classmethod
    def of(cls, verdict: Verdict, path: str) -> Entry:
        """The entry that accepts a finding."""
        target = verdict.target
        fault = str(verdict.values.get("fault", ""))
        return cls(
            rule=verdict.rule,
            path=path,
            kind=target.kind,
            name="" if target.kind == "file" else target.name,
            member=target.member,
            what=fault if target.offset is None else verdict.message,
        )


class Baseline(msgspec.Struct, frozen=True):
    """A file of accepted findings."""

    schema: str = SCHEMA
    findings: tuple[Entry, ...] = ()


class Accepted(msgspec.Struct, frozen=True):
    """What a baseline made of a run.

    Attributes:
        files: the reports, accepted findings marked.
        stale: entries that match no finding, of files that were checked by their rule.
        expired: entries that match one and are past their day: it counts again.
    """

    files: tuple[FileReport, ...]
    stale: tuple[Entry, ...]
    expired: tuple[Entry, ...]


def load_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"baseline {path}: more than {MOST_BYTES:,} bytes")
        baseline = msgspec.json.decode(path.read_bytes(), type=Baseline)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"baseline {path}: {reason}; `modlint baseline` writes one") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"baseline {path}: {error}") from error
    if baseline.schema != SCHEMA:
        raise UsageError(f"baseline {path}: schema {baseline.schema!r}, not {SCHEMA!r}")
    return baseline


def save_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline, its entries in order, in the place of the one that is there.

    Raises:
        UsageError: it cannot be written.
    """
    ordered = sorted(baseline.findings, key=lambda entry: (entry.path, entry.key))
    text = msgspec.json.format(msgspec.json.encode(Baseline(findings=tuple(ordered))), indent=2)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(text + b"\n")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"baseline {path}: {error.strerror or error}") from error


def accepted(
    files: Sequence[FileReport], baseline: Baseline, folder: Path, today: datetime.date
) -> Accepted:
    """Mark the findings that a baseline accepts.

    An entry accepts one finding: its own, or, where that is gone, one of the same rule and file
    whose names differ in numbers alone.

    Args:
        files: the reports of a run.
        baseline: what is accepted.
        folder: the baseline's, from which its paths go.
        today: entries past their day accept nothing.
    """
    entries: dict[str, list[Entry]] = defaultdict(list)
    for entry in baseline.findings:
        entries[entry.path].append(entry)
    reports, stale, expired = [], list[Entry](), list[Entry]()
    for file in files:
        path = path_from(folder, file.path)
        matched = _matched(file, entries.get(path, ()), path)
        past = {i for i, e in matched.items() if e.expires is not None and e.expires < today}
        expired += [matched[index] for index in sorted(past)]
        used = {id(entry) for entry in matched.values()}
        rules = {verdict.rule for verdict in file.verdicts}
        unused = (entry for entry in entries.get(path, ()) if id(entry) not in used)
        stale += [entry for entry in unused if entry.rule in rules]
        verdicts = tuple(
            msgspec.structs.replace(v, baselined=True) if i in matched.keys() - past else v
            for i, v in enumerate(file.verdicts)
        )
        reports.append(msgspec.structs.replace(file, verdicts=verdicts))
    return Accepted(tuple(reports), tuple(stale), tuple(expired))


def updated(
    baseline: Baseline, found: Accepted, folder: Path, least: int, new: Entry, *, prune: bool
) -> Baseline:
    """A baseline that accepts what was found too, with the reasons that it held before.

    Args:
        baseline: the one that is there.
        found: what it makes of the run.
        folder: its own.
        least: rank of the least severity that is accepted.
        new: an entry with the reason and the last day of new ones.
        prune: whether entries that match nothing are dropped.
    """
    kept = [e for e in baseline.findings if not (prune and e in found.stale)]
    kept = [e for e in kept if e not in found.expired]
    for file in found.files:
        path = path_from(folder, file.path)
        for verdict in file.verdicts:
            if _is_finding(verdict) and not verdict.baselined and verdict.severity.rank >= least:
                entry = Entry.of(verdict, path)
                replaced = {"reason": new.reason, "expires": new.expires}
                kept.append(msgspec.structs.replace(entry, **replaced))
    return Baseline(findings=tuple(kept))


def renamed(baseline: Baseline, names: Mapping[str, str]) -> Baseline:
    """The baseline for files that have got other names."""
    moved = (
        msgspec.structs.replace(entry, path=names.get(entry.path, entry.path))
        for entry in baseline.findings
    )
    return Baseline(findings=tuple(moved))


def path_from(folder: Path, path: str) -> str:
    """A file's path as a baseline has it."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


def _matched(file: FileReport, entries: Sequence[Entry], path: str) -> dict[int, Entry]:
    """By index of a finding among the verdicts, the entry that accepts it."""
    findings = {i: Entry.of(v, path) for i, v in enumerate(file.verdicts) if _is_finding(v)}
    matched: dict[int, Entry] = {}
    left = list(entries)
    for key in ("key", "shifted"):
        waiting: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
        for entry in left:
            waiting[getattr(entry, key)].append(entry)
        for index, finding in findings.items():
            same = waiting[getattr(finding, key)]
            if index not in matched and same:
                matched[index] = same.pop(0)
        left = [entry for entries in waiting.values() for entry in entries]
    return matched


def _is_finding(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.FAIL


def notes(found: Accepted, file: Path) -> Iterator[str]:
    """What is to be said of a baseline's entries beside the findings."""
    if found.stale:
        entry = found.stale[0]
        more = f", and {len(found.stale) - 1:,} more" if len(found.stale) > 1 else ""
        what = f"{entry.rule} {entry.name or 'the file'} in {entry.path}"
        yield f"{file}: accepts what is no longer found ({what}{more}): `modlint baseline --prune`"
    if found.expired:
        entry = found.expired[0]
        more = f", and {len(found.expired) - 1:,} more" if len(found.expired) > 1 else ""
        yield f"{file}: expired on {entry.expires}: {entry.rule} in {entry.path}{more}"
