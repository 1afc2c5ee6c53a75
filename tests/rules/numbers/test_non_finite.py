"""NUM001 on tensors whose bytes cannot be read."""

from __future__ import annotations

import struct
from pathlib import Path

from modlint.analysis.statistics import TensorStatistics
from modlint.builder import Built
from modlint.checkpoint import Checkpoint, Storage, Tensor
from modlint.dtypes import DTYPES
from modlint.engine.examine import FileExamination
from modlint.errors import UnreadableError
from modlint.rule import Options
from modlint.verdict import Outcome
from modlint_rules.numbers.non_finite import NonFinite


def _lost() -> memoryview:
    raise UnreadableError("its bytes are gone")


def _readable() -> memoryview:
    return memoryview(struct.pack("2f", 1, 2))


def test_what_could_not_be_read_is_never_called_finite() -> None:
    storages = {"a": Storage("a", 8, _readable), "b": Storage("b", 8, _lost)}
    tensors = {
        name: Tensor(name, DTYPES["float32"], (2,), (1,), storage)
        for name, storage in storages.items()
    }
    checkpoint = Checkpoint(Path("m.pt"), "torch-zip", 16, tensors=tensors)
    file = FileExamination(checkpoint, Built(()), "cpu", lambda what, done, total: None, [])
    file.visit_tensors([TensorStatistics()])
    (verdict,) = NonFinite(Options()).check(file)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "1 of 2 tensors could not be examined (b: its bytes are gone)"
