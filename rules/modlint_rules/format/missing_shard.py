"""FMT003: an index and its shards that disagree, or a cache that lacks what it links to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modlint.analysis.hub_cache import HubCache
from modlint.checkpoint import Remark
from modlint.file_names import is_companion, is_listed
from modlint.results.hub_cache import HubSnapshot, LostFile
from modlint.rule import Examination, Need, Options
from modlint.targets import whole_file
from modlint.text import count, file_size
from modlint.verdict import Outcome, Severity, Target, Verdict
from modlint_rules.base.remarks import RemarkRule
from modlint_rules.format import MISSING_SHARD

_HUB = HubCache()
_KINDS = ("extra-tensor", "missing-shard", "missing-tensor")
_AGAIN = "download the revision again: huggingface-cli download, or snapshot_download"


class MissingShard(RemarkRule[Options], reference=MISSING_SHARD):
    """A sharded checkpoint that is not whole."""

    kinds = {  # noqa: RUF012
        **dict.fromkeys(_KINDS, Severity.ERROR),
        "missing-storage": Severity.WARNING,
        "wrong-total-size": Severity.WARNING,
    }
    sound = "no shard is missing"
    formats = frozenset({"shard-index", "torch-distributed"})
    absent = "the file is no index of shards, and in no hub's cache"
    advice = "fetch all shards again, and the index that belongs to them"

    def needs(self) -> tuple[Need, ...]:
        """The hub's cache around the file."""
        return (_HUB,)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """The reader's remarks, and what the cache lacks."""
        yield from super().judge(file)
        snapshot = file.result(_HUB, file.checkpoint)
        if snapshot is not None:
            yield from self._in_cache(snapshot, file)

    def healthy(self, file: Examination) -> Verdict:
        """How many files of the snapshot there are, where it is one."""
        verdict = super().healthy(file)
        snapshot = file.result(_HUB, file.checkpoint)
        if snapshot is None or verdict.outcome is not Outcome.NOT_APPLICABLE:
            return verdict
        message = "its blob is in the cache"
        if snapshot.speaks:
            message = f"all blobs of {count(snapshot.files, 'file')} of the snapshot are there"
        return self.passed(whole_file(file.checkpoint), message, values={"files": snapshot.files})

    def _in_cache(self, snapshot: HubSnapshot, file: Examination) -> Iterator[Verdict]:
        for lost in (*snapshot.gone, *snapshot.misplaced):
            if lost.file == snapshot.file or not _is_checked(Path(lost.file)):
                yield self._misplaced(lost) if lost.wanted else self._gone(lost)
        if not snapshot.speaks:
            return
        target = whole_file(file.checkpoint)
        lacks = any(_is_missing(remark) for remark in file.checkpoint.remarks)
        for name in snapshot.unfinished:
            weighs = Severity.WARNING if lacks or not snapshot.weights else Severity.NOTE
            message = f"the download of the blob {name[:12]}… was not finished: blobs/{name}"
            values = {"fault": name, "kind": "unfinished-download"}
            yield self.failed(target, message, help=_AGAIN, values=values, severity=weighs)
        for ref, commit in snapshot.lost_refs:
            message = (
                f"refs/{ref} names the commit {commit[:12]}…, of which there is no snapshot: "
                "loaders that go by it find nothing while offline"
            )
            values = {"fault": ref, "kind": "lost-revision", "commit": commit}
            weighs = Severity.WARNING
            yield self.failed(target, message, help=_AGAIN, values=values, severity=weighs)

    def _gone(self, lost: LostFile) -> Verdict:
        part = ""
        if lost.unfinished is not None:
            part = f", of which an unfinished download has {file_size(lost.unfinished)}"
        return self.failed(
            Target("file", lost.file),
            f"links to the blob {lost.blob!r}, which is gone from the cache{part}",
            help=_AGAIN,
            values={"kind": "missing-blob", "blob": lost.blob},
        )

    def _misplaced(self, lost: LostFile) -> Verdict:
        return self.failed(
            Target("file", lost.file),
            f"links to the blob {lost.blob!r}, while the repository lists {lost.wanted[0]!r}",
            help=_AGAIN,
            values={"kind": "wrong-blob", "blob": lost.blob},
        )


def _is_checked(path: Path) -> bool:
    """Whether the search finds the file by its name, so that it has a report of its own."""
    return is_listed(path) or is_companion(path)


def _is_missing(remark: Remark) -> bool:
    return remark.kind in ("missing-shard", "missing-tensor")
