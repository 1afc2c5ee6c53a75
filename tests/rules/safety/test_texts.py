"""What SEC008 could not search is not said to be clean."""

from __future__ import annotations

from pathlib import Path

from support import file_result

from modlint.analysis.texts import MAX_CHARACTERS, MAX_TEXT, Gathered, Texts
from modlint.checkpoint import Checkpoint, Remark


def gathered(metadata: dict[str, object], *remarks: Remark) -> Gathered:
    checkpoint = Checkpoint(Path("model.pt"), "torch-zip", 0, metadata=metadata, remarks=remarks)
    return file_result(Texts(), checkpoint)


def long_texts(count: int) -> dict[str, object]:
    return {f"key {n}": "a" * MAX_TEXT for n in range(count)}


def test_texts_up_to_the_limit_are_all_searched() -> None:
    found = gathered(long_texts(10))

    assert found.missing is None
    assert [text.where for text in found.texts[1:]] == [f"metadata 'key {n}'" for n in range(10)]


def test_past_the_limit_it_says_so() -> None:
    most = MAX_CHARACTERS // MAX_TEXT
    found = gathered(long_texts(most + 1))

    assert found.missing is not None
    assert len(found.texts) == most  # the keys are a text too, and the last one does not fit


def test_what_a_reader_cut_is_missing() -> None:
    found = gathered({"a": "b"}, Remark("metadata-cut", "the first 2 of 3 strings were read"))

    assert found.missing == "the first 2 of 3 strings were read"


def test_a_long_text_is_searched_to_its_end_and_across_its_pieces() -> None:
    secret = "hf_" + "aB3" * 12
    for place in (0, MAX_TEXT - 10, 3 * MAX_TEXT - 20_000, 199_900):
        text = "-" * place + secret + "-" * (200_000 - place)
        assert any(secret in piece.text for piece in gathered({"a": text}).texts), place


def test_texts_within_lists_and_mappings_are_searched() -> None:
    found = gathered({"a": [{"b": ("c", 1)}, "d"]})

    assert sorted(text.text for text in found.texts[1:]) == ["b", "c", "d"]
