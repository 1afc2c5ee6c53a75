"""How many tokens the files beside a checkpoint know; rows past them pad a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modlint.analysis.beside import Document
from modlint.errors import Unavailable
from modlint.results.model_config import is_whole
from modlint.rule import Examination
from modlint_rules.base.tokenizer import DOCUMENTS, added_tokens, read_documents, vocabulary

_VOCABULARY = Document("vocab.json")
_CONFIG = Document("config.json")
NEEDS = (_VOCABULARY, _CONFIG, *DOCUMENTS.values())
"""What is looked at."""


def vocabulary_size(file: Examination) -> int | None:
    """One more than the largest id of a token; None where no file tells.

    The tokenizer's files tell it, else the vocabulary that the configuration states.
    """
    documents, _ = read_documents(file)
    held = _read(file, _VOCABULARY).values()
    ids = [*vocabulary(documents).values(), *(i for i in held if is_whole(i) and i >= 0)]
    if ids:
        return max(*ids, *added_tokens(documents).values(), -1) + 1
    stated = _read(file, _CONFIG).get("vocab_size")
    return stated if is_whole(stated) and stated > 0 else None


def _read(file: Examination, document: Document) -> Mapping[str, Any]:
    try:
        return file.result(document, file.checkpoint) or {}
    except Unavailable:
        return {}
