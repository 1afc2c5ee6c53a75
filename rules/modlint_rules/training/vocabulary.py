"""How many tokens the files beside a checkpoint know; rows past them pad a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modlint.analysis.beside import Document
from modlint.errors import Unavailable
from modlint.rule import Examination

_TOKENIZER = Document("tokenizer.json")
_VOCABULARY = Document("vocab.json")
_ADDED = Document("added_tokens.json")
_CONFIG = Document("config.json")
DOCUMENTS = (_TOKENIZER, _VOCABULARY, _ADDED, _CONFIG)
"""What is looked at."""


def vocabulary_size(file: Examination) -> int | None:
    """One more than the largest id of a token; None where no file tells.

    The tokenizer's files tell it, else the vocabulary that the configuration states.
    """
    tokenizer = _read(file, _TOKENIZER)
    ids = [*_ids(_get(_get(tokenizer, "model"), "vocab")), *_ids(_read(file, _VOCABULARY))]
    if ids:
        ids += _ids(_read(file, _ADDED))
        ids += _added_ids(_get(tokenizer, "added_tokens"))
        return max(ids) + 1
    stated = _get(_read(file, _CONFIG), "vocab_size")
    return stated if _is_id(stated) and stated else None


def _read(file: Examination, document: Document) -> Any:
    try:
        return file.result(document, file.checkpoint)
    except Unavailable:
        return None


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _ids(vocabulary: Any) -> Iterator[int]:
    """Ids of a map from tokens, or of a list of [token, score]."""
    if isinstance(vocabulary, Mapping):
        yield from filter(_is_id, vocabulary.values())
    elif isinstance(vocabulary, list) and vocabulary:
        yield len(vocabulary) - 1


def _added_ids(tokens: Any) -> Iterator[int]:
    for token in tokens if isinstance(tokens, list) else ():
        number = _get(token, "id")
        if _is_id(number):
            yield number


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40
