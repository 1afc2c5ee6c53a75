"""What the files of a tokenizer beside a checkpoint say; every value in them may be of any type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from modlint.analysis.beside import Document
from modlint.errors import Unavailable
from modlint.results.model_config import is_whole
from modlint.rule import Examination

DOCUMENTS = {
    "generation": Document("generation_config.json"),
    "tokenizer": Document("tokenizer.json"),
    "settings": Document("tokenizer_config.json"),
    "special": Document("special_tokens_map.json"),
    "added": Document("added_tokens.json"),
}
"""The analyses that read them, by attribute of `Documents`."""
ROLES = (
    "bos",
    "eos",
    "pad",
    "unk",
    "sep",
    "cls",
    "mask",
    "decoder_start",
    "forced_bos",
    "forced_eos",
)
"""What special tokens are for."""
_LISTS = ("additional_special_tokens",)


class Documents(Struct, frozen=True):
    """What stands beside the weights; each empty where it is absent.

    Attributes:
        generation: generation_config.json.
        tokenizer: tokenizer.json.
        settings: tokenizer_config.json.
        special: special_tokens_map.json.
        added: added_tokens.json.
    """

    generation: Mapping[str, Any] = {}
    tokenizer: Mapping[str, Any] = {}
    settings: Mapping[str, Any] = {}
    special: Mapping[str, Any] = {}
    added: Mapping[str, Any] = {}

    @property
    def has_tokenizer(self) -> bool:
        """Whether a tokenizer stands there."""
        return bool(self.tokenizer or self.settings or self.added)


def read_documents(file: Examination) -> tuple[Documents, list[str]]:
    """The files, and what is wrong with those that cannot be read; `DOCUMENTS` are needed."""
    read: dict[str, Mapping[str, Any]] = {}
    damaged: list[str] = []
    for name, document in DOCUMENTS.items():
        try:
            found = file.result(document, file.checkpoint)
        except Unavailable as unavailable:
            damaged.append(str(unavailable))
        else:
            read[name] = found or {}
    return Documents(**read), damaged


def special_tokens(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The special tokens that a document names, by what they are for."""
    for role in ROLES:
        yield from ((f"{role}_token", text) for text in _texts(values.get(f"{role}_token")))
    for key in _LISTS:
        listed = values.get(key)
        for token in listed[:1000] if isinstance(listed, list) else ():
            yield from ((key, text) for text in _texts(token))


def _texts(token: object) -> Iterator[str]:
    content = token.get("content") if isinstance(token, dict) else token
    if isinstance(content, str):
        yield content


def known_tokens(documents: Documents) -> dict[str, int]:
    """Ids by token: added tokens come before those of the vocabulary."""
    return {**vocabulary(documents), **added_tokens(documents)}


def vocabulary(documents: Documents) -> dict[str, int]:
    """Ids of the tokens that texts are cut into, by token."""
    model = documents.tokenizer.get("model")
    held = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(held, dict):
        return {token: i for token, i in held.items() if is_whole(i) and i >= 0}
    pairs = held if isinstance(held, list) else ()
    return {pair[0]: i for i, pair in enumerate(pairs) if _is_scored(pair)}


def _is_scored(pair: object) -> bool:
    return isinstance(pair, list) and bool(pair) and isinstance(pair[0], str)


def added_tokens(documents: Documents) -> dict[str, int]:
    """Added tokens of all documents that list them."""
    found = {token: i for token, i in documents.added.items() if is_whole(i) and i >= 0}
    decoder = documents.settings.get("added_tokens_decoder")
    for key, token in decoder.items() if isinstance(decoder, dict) else ():
        if key.isascii() and key.isdigit() and len(key) < 12:
            found |= dict.fromkeys(_texts(token), int(key))
    listed = documents.tokenizer.get("added_tokens")
    for token in listed if isinstance(listed, list) else ():
        number = token.get("id") if isinstance(token, dict) else None
        if is_whole(number) and number >= 0:
            found |= dict.fromkeys(_texts(token), number)
    return found
