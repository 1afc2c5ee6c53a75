"""SEC007: a name that leads out of the folder."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Member
from modlint.rule import Examination, Options
from modlint.targets import place_in_file
from modlint.verdict import Severity, Verdict
from modlint_rules.base.remarks import RemarkRule
from modlint_rules.safety import PATH_ESCAPE

_DRIVE = re.compile(r"[A-Za-z]:")


class PathEscape(RemarkRule[Options], reference=PATH_ESCAPE):
    """A member, a shard or external data that lies outside of the checkpoint's folder."""

    kinds = dict.fromkeys(("hard-link", "path-escape", "symlink-member"), Severity.ERROR)
    sound = "names nothing outside of its own folder"
    advice = "do not unpack or load this file; ask its author for one without such names"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """The reader's remarks, and members whose names lead elsewhere."""
        yield from super().judge(file)
        for member in file.checkpoint.members:
            how = _escape(member)
            if how is not None:
                yield self.failed(
                    place_in_file(file.checkpoint, member.name, None),
                    f"member {member.name!r} {how}: unpacking writes outside of the folder",
                    help=self.advice,
                    values={"kind": "member-name"},
                )


def _escape(member: Member) -> str | None:
    """How a member's name leads out of the folder it is unpacked in, None where it does not."""
    # A name may hold the mark that parts the names of containers, so that each part is one.
    for name in member.name.replace("\\", "/").split("!"):
        if name.startswith("/") or _DRIVE.match(name):
            return "has an absolute name"
        if ".." in name.split("/"):
            return "climbs out with '..'"
    return None
