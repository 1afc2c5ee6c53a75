"""SEC006: an archive built so that two readers see two different things."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.analysis.checksums import Checksums
from modlint.rule import Examination, Need, Options
from modlint.targets import place_in_file
from modlint.verdict import Severity, Verdict
from modlint_rules.base.remarks import RemarkRule
from modlint_rules.safety import ARCHIVE_TRICK

_TRICKS = (
    "ambiguous-archive",
    "duplicate-member",
    "encrypted-member",
    "folder-member",
    "header-mismatch",
    "leading-bytes",
    "name-mismatch",
    "nested-archive",
    "odd-flags",
    "overlapping-members",
    "polyglot",
    "second-directory",
    "unlisted-member",
    "wrong-count",
)


class ArchiveTrick(RemarkRule[Options], reference=ARCHIVE_TRICK):
    """A container that is read in different ways by different programs, or that resists reading."""

    kinds = {  # noqa: RUF012
        **dict.fromkeys(_TRICKS, Severity.ERROR),
        "shadowed-operator": Severity.WARNING,
    }
    sound = "its containers are read in one way only"
    advice = "do not load this file; ask for its weights as safetensors"

    def needs(self) -> tuple[Need, ...]:
        """The checksum of every member."""
        return (Checksums(),)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """The reader's remarks, archives that were not opened, and wrong checksums."""
        yield from super().judge(file)
        checkpoint = file.checkpoint
        opened = {member.name.rpartition("!")[0] for member in checkpoint.members}
        for remark in checkpoint.remarks:
            if remark.kind == "nested-zip" and remark.member not in opened:
                yield self.failed(
                    place_in_file(checkpoint, remark.member, None),
                    f"{remark.message}, which was not examined",
                    help="unpack it and check what is inside",
                    values={"kind": remark.kind},
                    severity=Severity.WARNING,
                )
        for mismatch in file.result(Checksums(), file.checkpoint).mismatches:
            yield self.failed(
                place_in_file(checkpoint, mismatch.member, 0),
                f"member {mismatch.member!r} {mismatch.problem}",
                help="get the file again; PyTorch loads such a member without complaint",
                values={"kind": "bad-checksum", "file_offset": mismatch.offset},
            )
