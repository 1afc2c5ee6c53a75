"""What SEC008 could not search is not said to be clean."""

from __future__ import annotations

from pathlib import Path

from modlint.analysis.texts import MAX_CHARACTERS, MAX_TEXT, Gathered, Texts
from modlint.checkpoint import Checkpoint


def gathered(texts: int) -> Gathered:
    metadata = {f"key {n}": "a" * MAX_TEXT for n in range(texts)}
    return Texts().compute(Checkpoint(Path("model.pt"), "torch-zip", 0, metadata=metadata))


def test_texts_up_to_the_limit_are_all_searched() -> None:
    assert gathered(10).complete
    assert len(gathered(10).texts) == 10


def test_past_the_limit_it_says_so() -> None:
    most = MAX_CHARACTERS // MAX_TEXT
    assert not gathered(most + 1).complete
    assert len(gathered(most + 1).texts) == most
