"""FMT002: a Git LFS pointer instead of the file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from modlint.checkpoint import Status
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.format import LFS_POINTER


class LfsPointer(FileRule[Options], reference=LFS_POINTER):
    """A Git LFS pointer where the checkpoint should be."""

    statuses = frozenset({Status.CHECKED, Status.LFS_POINTER})

    sound = "holds its content, not a Git LFS pointer"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """A finding where the file is a pointer."""
        checkpoint = file.checkpoint
        if checkpoint.status is not Status.LFS_POINTER:
            return
        size = checkpoint.metadata.get("size")
        stands_for = f" ({count(size, 'byte')})" if isinstance(size, int) else ""
        yield self.failed(
            whole_file(checkpoint),
            f"is a Git LFS pointer, not the file{stands_for}: not downloaded",
            help=f"git lfs pull --include={shlex.quote('**/' + checkpoint.path.name)}",
            values={"oid": checkpoint.metadata.get("oid"), "size": size},
        )
