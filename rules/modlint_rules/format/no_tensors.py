"""FMT014: a file for weights that holds none."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Checkpoint
from modlint.file_names import promises_weights
from modlint.rule import Examination, Options
from modlint.scopes import FileRule, unread
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.format import NO_TENSORS

_ONLY_TENSORS = frozenset({"safetensors", "shard-index"})
"""Formats that hold tensors and nothing else."""
_UNSHAPED = "UninitializedParameter"
"""Of a lazy module that has seen no input: it rightly holds no element yet."""
_BY_NAME = frozenset({"torch-zip", "torch-legacy", "pickle", *_ONLY_TENSORS})


class NoTensors(FileRule[Options], reference=NO_TENSORS):
    """A checkpoint or adapter that was saved empty."""

    advice = (
        "save it again from the state_dict of the trained model; PEFT's is empty where state_dict "
        "was replaced by a function before saving"
    )

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding, or why the file is not judged."""
        checkpoint = file.checkpoint
        if checkpoint.tensors:
            return
        target, reason = whole_file(checkpoint), unread(checkpoint)
        weighs = _weight(checkpoint)
        if reason is not None:
            yield self.inconclusive(target, reason)
        elif any(remark.kind == "meta-tensor" for remark in checkpoint.remarks):
            yield self.not_applicable(target, "its tensors were saved without data: FMT009")
        elif weighs is not None:
            size = count(checkpoint.nbytes, "byte")
            yield self.failed(
                target,
                f"holds no tensor in its {size}: whoever loads it keeps the weights that it has",
                help=self.advice,
                values={"tensors": 0, "bytes": checkpoint.nbytes},
                limit={"tensors": {"min": 1}},
                severity=weighs,
            )
        else:
            yield self.not_applicable(target, "neither its name nor its format is for weights only")

    def healthy(self, file: Examination) -> Verdict:
        """How many tensors there are."""
        held = len(file.checkpoint.tensors)
        message = f"holds {count(held, 'tensor')}"
        return self.passed(whole_file(file.checkpoint), message, values={"tensors": held})


def _weight(checkpoint: Checkpoint) -> Severity | None:
    """How much it weighs that there is none; None where a file rightly holds none."""
    if any(use.name == _UNSHAPED for pickle in checkpoint.pickles for use in pickle.uses):
        return None
    if checkpoint.format in _BY_NAME and promises_weights(checkpoint.path):
        return Severity.ERROR
    return Severity.WARNING if checkpoint.format in _ONLY_TENSORS else None
