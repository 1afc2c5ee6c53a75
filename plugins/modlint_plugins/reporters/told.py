"""What of a report people are told: for whom it is, and shards within their index."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

import msgspec

from modlint.report import FileReport, Report, Summary
from modlint.reporter import Shown
from modlint.verdict import Verdict


def told(report: Report, shown: Shown) -> Report:
    """The report for its reader: without what is for others, and nothing said twice.

    What an index of shards says is not said again of a shard; one of which nothing else is to be
    said is folded into the index.
    """
    files = [_for_reader(file, shown) for file in report.files]
    indexes = {shard: file for file in files for shard in _shards(file)}
    folded = [_unsaid(file, indexes.get(posixpath.normpath(file.path))) for file in files]
    left = tuple(file for file in folded if file is not None)
    return msgspec.structs.replace(report, files=left, summary=Summary.of(left))


def _for_reader(file: FileReport, shown: Shown) -> FileReport:
    verdicts = tuple(v for v in file.verdicts if v.persona.rank <= shown.persona.rank)
    return msgspec.structs.replace(file, verdicts=verdicts)


def _shards(file: FileReport) -> Iterator[str]:
    folder = posixpath.dirname(file.path)
    return (posixpath.normpath(posixpath.join(folder, shard)) for shard in file.shards or ())


def _unsaid(file: FileReport, index: FileReport | None) -> FileReport | None:
    """The file without what its index says; None where nothing is left."""
    if index is None:
        return file
    said = {_saying(verdict) for verdict in index.verdicts}
    new = [verdict for verdict in file.findings if _saying(verdict) not in said]
    return msgspec.structs.replace(file, verdicts=tuple(new)) if new else None


def _saying(verdict: Verdict) -> tuple[object, ...]:
    """Equal for verdicts on one thing, seen from the index and from the shard."""
    target = verdict.target
    name = target.name if target.kind in ("tensor", "layer", "units", "network") else ""
    return verdict.rule, verdict.outcome, name, target.offset, verdict.message
