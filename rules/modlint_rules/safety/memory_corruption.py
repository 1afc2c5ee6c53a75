"""SEC004: values that corrupt or exhaust the memory of whatever loads them."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.analysis.sparse import SparseIndices
from modlint.rule import Examination, Need, Options
from modlint.verdict import Severity, Target, Verdict
from modlint_rules.base.remarks import RemarkRule
from modlint_rules.safety import MEMORY_CORRUPTION

_KINDS = ("allocation", "bad-dtype", "bad-state", "outside-storage", "raw-objects")


class MemoryCorruption(RemarkRule[Options], reference=MEMORY_CORRUPTION):
    """A statement on memory that the file's own bytes do not bear out."""

    kinds = {  # noqa: RUF012
        **dict.fromkeys(_KINDS, Severity.ERROR),
        "absurd-size": Severity.WARNING,
    }
    sound = "types, views and indices fit the bytes that the file holds"
    advice = "do not load this file; ask for its weights as safetensors"

    def needs(self) -> tuple[Need, ...]:
        """The indices of sparse tensors."""
        return (SparseIndices(),)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """The reader's remarks, and sparse tensors that lead outside of themselves."""
        yield from super().judge(file)
        for problem in file.result(SparseIndices(), file.checkpoint):
            bomb = problem.dense is not None
            yield self.failed(
                Target("tensor", problem.name),
                f"sparse tensor {problem.name!r} {problem.message}",
                help="do not make it dense" if bomb else self.advice,
                values={"kind": "sparse-size" if bomb else "sparse-index"},
                severity=Severity.WARNING if bomb else Severity.ERROR,
            )
