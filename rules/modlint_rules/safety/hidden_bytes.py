"""SEC002: bytes that no tensor refers to, and programs in those of a tensor."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.analysis.openings import Openings
from modlint.rule import Examination, Need, Options
from modlint.verdict import Severity, Target, Verdict
from modlint_rules.base.remarks import RemarkRule
from modlint_rules.safety import HIDDEN_BYTES

_UNUSED = (
    "embedded-program",
    "extra-field",
    "gap",
    "hidden-pickle",
    "hole",
    "native-library",
    "repeated-field",
    "trailing-bytes",
    "unknown-field",
    "unread-data",
    "unreferenced-member",
    "unsearched-fields",
)
_HIDDEN = ("hidden-bytes", "hidden-program")


class HiddenBytes(RemarkRule[Options], reference=HIDDEN_BYTES):
    """Bytes that loading ignores."""

    kinds = {  # noqa: RUF012
        **dict.fromkeys(_UNUSED, Severity.WARNING),
        **dict.fromkeys(_HIDDEN, Severity.ERROR),
        "newer-schema": Severity.NOTE,
    }
    sound = "every byte belongs to a tensor or to the format"
    advice = "save the tensors again with torch.save or safetensors, which drops these bytes"

    def needs(self) -> tuple[Need, ...]:
        """The first bytes of every storage."""
        return (Openings(),)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """The reader's remarks, and tensors that begin as a program does."""
        yield from super().judge(file)
        for opening in file.result(Openings(), file.checkpoint):
            yield self.failed(
                Target("tensor", opening.name, member=opening.member, offset=opening.offset),
                f"tensor {opening.name!r} begins as {opening.what} does",
                help="do not load this file; ask where its weights come from",
                values={"kind": "program-in-tensor", "what": opening.what},
            )
