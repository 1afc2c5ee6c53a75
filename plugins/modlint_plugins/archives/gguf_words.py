"""What the header of a GGUF file says of words and heads, where loaders follow it unchecked.

llama.cpp takes the tables of words, scores and kinds for arrays of one length and of the kinds that
it writes itself, and looks words up by their numbers; it divides by the number of heads.
Source: llama.cpp, `llama.cpp`, `llm_load_vocab` and `llm_load_hparams`, as of 2023 and since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

STRING = 8
"""Number of the kind of texts."""

_WORDS = "tokenizer.ggml.tokens"
_PREFIX = "tokenizer.ggml."
_MERGES = "tokenizer.ggml.merges"
_BESIDE = {"tokenizer.ggml.scores": frozenset({6}), "tokenizer.ggml.token_type": frozenset({4, 5})}
"""Arrays that hold one number for each word, and the kinds of number that writers use."""
_TEXTS = (_WORDS, _MERGES)
_NUMBER = "_token_id"
_NO_WORD = frozenset({-1, 0xFFFFFFFF})
"""What stands for none."""
_PADDED = 1024
"""How far beyond the table a number may lie: some converters name words that they then left out."""
_DIVISORS = ("falcon.attention.head_count", "llama.attention.head_count")
"""Networks without attention state no heads."""


class Stated(Protocol):
    """A header, as far as it is looked at here."""

    @property
    def metadata(self) -> Mapping[str, object]:
        """Values by key."""

    @property
    def arrays(self) -> Mapping[str, tuple[int, int]]:
        """By key, the kind of an array's elements and how many there are."""


def misstated(header: Stated) -> Iterator[str]:
    """What is wrong with the words and the heads that a header states."""
    for key in _TEXTS:
        kind, _ = header.arrays.get(key, (STRING, 0))
        if kind != STRING or (key in header.metadata and key not in header.arrays):
            yield f"{key} is no array of texts"
    words = header.arrays.get(_WORDS)
    for key, kinds in _BESIDE.items():
        if key not in header.metadata:
            continue
        kind, length = header.arrays.get(key, (-1, -1))
        if kind not in kinds or words is None or length != words[1]:
            yield f"{key} does not hold one number for each word"
    for key, value in header.metadata.items():
        if key.startswith(_PREFIX) and key.endswith(_NUMBER) and words is not None:
            last = words[1] + _PADDED
            known = type(value) is int and (0 <= value < last or value in _NO_WORD)
            if not known:
                yield f"{key} names word {str(value)[:40]} of {words[1]:,}"
        if key in _DIVISORS and value == 0:
            yield f"{key} is 0"
