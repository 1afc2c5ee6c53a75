"""FMT020: the content is not what something that names it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.analysis.digests import Digests
from modlint.checkpoint import Status
from modlint.errors import Unavailable
from modlint.results.digests import Kind, StatedDigest
from modlint.rule import Examination, Need, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.verdict import Confidence, Severity, Verdict
from modlint_rules.format import DIGEST_MISMATCH

_DIGESTS = Digests()
_ADVICE: dict[Kind, str] = {
    "cache": "delete it and download it again: loaders take what the cache holds unchecked",
    "torch-hub": "delete it and download it again: torch.hub takes what is there unchecked",
    "file-name": "compare it with the publisher's; where the digits are no checksum, set "
    "rules.digest-mismatch.file-names to false",
    "checksum-file": "get the file again; where it was changed on purpose, write its checksum anew",
    "signature": "get the file again; where it was changed on purpose, have it signed anew",
    "download": "download it again; where it was changed on purpose, keep it in another folder",
}
_NAMES = {"sha256": "SHA-256", "git-sha1": "Git's SHA-1", "md5": "MD5", "bytes": "size"}
_SHOWN = 16


class DigestMismatchOptions(Options, frozen=True):
    """Options of FMT020."""

    file_names: Annotated[
        bool,
        msgspec.Meta(description="whether digits in the names of files are taken for checksums"),
    ] = True


class DigestMismatch(FileRule[DigestMismatchOptions], reference=DIGEST_MISMATCH):
    """Damage that leaves every number finite, and files that were exchanged."""

    options_type = DigestMismatchOptions
    statuses = frozenset({Status.CHECKED, Status.UNREADABLE, Status.NOT_A_CHECKPOINT})

    def needs(self) -> tuple[Need, ...]:
        """The digests that are stated."""
        return (_DIGESTS,)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each digest that differs, or one verdict on all that agree."""
        target = whole_file(file.checkpoint)
        try:
            stated = file.result(_DIGESTS, file.checkpoint)
        except Unavailable as unavailable:
            yield self.inconclusive(target, str(unavailable))
            return
        stated = tuple(digest for digest in stated if self._counts(digest, file))
        wrong = [digest for digest in stated if not digest.agrees]
        for digest in wrong:
            yield self._mismatch(digest, file)
        if not stated:
            yield self.not_applicable(target, "nothing states a digest of the file")
        elif not wrong:
            first = stated[0]
            sources = ", ".join(dict.fromkeys(digest.source for digest in stated))
            message = f"{_name(first)} is as stated ({sources})"
            values = {"compared": len(stated), "algorithm": first.algorithm, "found": first.found}
            yield self.passed(target, message, values=values)

    def _counts(self, digest: StatedDigest, file: Examination) -> bool:
        """Whether a digest is judged: of a configuration, none that may be out of date."""
        if digest.kind == "file-name" and not self.options.file_names:
            return False
        return not _is_weak(digest) or file.checkpoint.status is not Status.NOT_A_CHECKPOINT

    def _mismatch(self, digest: StatedDigest, file: Examination) -> Verdict:
        weak = _is_weak(digest)
        found, stated = (text[:_SHOWN] for text in (digest.found, digest.stated))
        return self.failed(
            whole_file(file.checkpoint),
            f"{_name(digest)} is {found}, not {stated} as {_said(digest)}: its content is not "
            "what was published",
            help=_ADVICE[digest.kind],
            values={
                "fault": f"{digest.source} {digest.algorithm}",
                "algorithm": digest.algorithm,
                "stated": digest.stated,
                "found": digest.found,
            },
            severity=Severity.WARNING if weak else None,
            confidence=Confidence.LOW if digest.kind == "file-name" else None,
        )


def _is_weak(digest: StatedDigest) -> bool:
    """Whether it may be no checksum, or one of what the user has changed since."""
    return digest.kind == "file-name" or digest.changed_since


def _name(digest: StatedDigest) -> str:
    return _NAMES.get(digest.algorithm, digest.algorithm.upper())


def _said(digest: StatedDigest) -> str:
    if digest.kind in ("torch-hub", "file-name"):
        return "its name says"
    return f"{digest.source[:120]} says"
