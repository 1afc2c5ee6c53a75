"""The ids of tokens against the rows of the embedding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from modlint.results.model_config import Section, is_whole
from modlint.text import count
from modlint.verdict import Severity
from modlint_rules.format.against_config.comparison import Comparison, Mismatch, Model
from modlint_rules.format.against_config.vocabulary import EMBEDDING, stated_rows

_ROLES = (
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
_IDS = tuple(f"{role}_token_id" for role in _ROLES)
_LISTS = ("additional_special_tokens",)
_DEFAULTS: Mapping[int, str] = {
    101: "git",
    102: "blip_text_model git",
    30522: "blip_text_model",
    31996: "gpt_neox_japanese",
    31999: "gpt_neox_japanese",
    32000: "phi3",
    49406: "clip_text_model siglip_text_model siglip2_text_model owlvit_text_model",
    49407: "clip_text_model siglip_text_model siglip2_text_model owlvit_text_model",
    50256: "codegen decision_transformer gpt-sw3 gpt2 gpt_bigcode gpt_neo gptj starcoder2 whisper",
    50257: "whisper",
    50279: "olmo olmo2 olmo3 olmoe",
    50281: "modernbert modernbert-decoder",
    50282: "modernbert modernbert-decoder",
    50283: "modernbert modernbert-decoder",
    57344: "canine",
    57345: "canine",
    58100: "marian",
    100256: "granite_docling",
    100257: "flex_olmo olmo_hybrid",
    100277: "flex_olmo olmo_hybrid",
    128000: "arcee bitnet cwm eurobert mllama_text_model smollm3",
    128001: "arcee bitnet cwm eurobert mllama_text_model smollm3",
    128002: "eurobert",
    128004: "mllama_text_model smollm3",
    151329: "glm glm4",
    151336: "glm glm4",
    151338: "glm glm4",
    151643: "qwen2_vl_text qwen2_5_vl_text",
    151645: "qwen2_vl_text qwen2_5_vl_text",
    199999: "phi4_multimodal",
    200020: "minimax_m2 phi4_multimodal",
    200034: "minimax_m2",
    255001: "cohere cohere2",
}
"""Ids that configurations of these model types have where nobody sets others.

A model without a tokenizer that is smaller than the published one keeps them and never uses them.
Source: transformers 5.24, `models/*/configuration_*.py`.
"""
_HELP = "call model.resize_token_embeddings(len(tokenizer)) and save, or take the tokenizer back"


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


def compare_tokens(model: Model, documents: Documents, comparison: Comparison) -> None:
    """A token whose id has no row ends in an index error as soon as it is used."""
    tables = list(stated_rows(model, EMBEDDING))
    if not tables or any(stated.number is None for stated in tables):
        return
    table = max(tables, key=lambda stated: stated.tensor.shape[0]).tensor
    rows = table.shape[0]
    used = dict(_used(model, documents, rows))
    for who, token in sorted(used.items()):
        if token < rows:
            comparison.agree()
        else:
            comparison.differ(_past(who, token, table.name, rows))
    _compare_vocabulary(documents, table.name, rows, comparison)
    _compare_added(documents, set(used.values()), table.name, rows, comparison)


def _used(model: Model, documents: Documents, rows: int) -> Iterator[tuple[str, int]]:
    """Ids that the configuration, generation or a special token uses, by who uses them."""
    sections = [s for s in model.config.sections if s.path in ((), ("text_config",))]
    generation = Section((), documents.generation)
    places = [(s, s.text("model_type"), "config.json") for s in sections]
    places.append((generation, model.config.model_type, "generation_config.json"))
    for section, kind, file in places:
        for key in _IDS:
            for token in _ids(section.values.get(key)):
                left = token >= rows and kind in _DEFAULTS.get(token, "").split()
                if documents.has_tokenizer or not left:
                    yield f"{section.called(key)} in {file}", token
    known = _known(documents)
    for values, file in (
        (documents.settings, "tokenizer_config.json"),
        (documents.special, "special_tokens_map.json"),
    ):
        for key, content in _special(values):
            if content in known:
                yield f"{key} {content!r} in {file}", known[content]


def _compare_vocabulary(
    documents: Documents, table: str, rows: int, comparison: Comparison
) -> None:
    """The tokens that the tokenizer makes of any text."""
    ids = list(_vocabulary(documents).values())
    past = [token for token in ids if token >= rows]
    if ids and not past:
        comparison.agree()
    elif past:
        message = (
            f"{len(past):,} of {count(len(ids), 'token')} in tokenizer.json have no row in {table}"
            f" ({rows:,} rows, id {max(past):,}): texts that hold them fail"
        )
        values = {"rows": rows, "id": max(past), "past": len(past)}
        help_ = "use the tokenizer that belongs to these weights"
        comparison.differ(Mismatch(message, help_, Severity.ERROR, table, values))


def _compare_added(
    documents: Documents, used: set[int], table: str, rows: int, comparison: Comparison
) -> None:
    """Tokens added later that nothing else names: one past the rows is common and harmless."""
    ids = set(_added(documents).values())
    past = {token for token in ids if token >= rows} - used
    if ids and len(past) < 2:
        comparison.agree()
    elif past:
        message = (
            f"{count(len(past), 'added token')} past the {rows:,} rows of {table}: id {max(past):,}"
            " has none, so texts that hold them fail"
        )
        values = {"rows": rows, "id": max(past), "past": len(past)}
        comparison.differ(Mismatch(message, _HELP, Severity.WARNING, table, values))


def _past(who: str, token: int, table: str, rows: int) -> Mismatch:
    return Mismatch(
        f"{who} is {token:,}, and {table} has {rows:,} rows: its first use fails",
        _HELP,
        Severity.ERROR,
        table,
        {"rows": rows, "id": token},
    )


def _ids(value: object) -> Iterator[int]:
    """The ids that a setting states: one, several, none or -1."""
    for token in value[:1000] if isinstance(value, list) else [value]:
        if isinstance(token, int) and is_whole(token) and token >= 0:
            yield token


def _special(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The special tokens that a document names, by what they are for."""
    for role in _ROLES:
        yield from ((f"{role}_token", text) for text in _texts(values.get(f"{role}_token")))
    for key in _LISTS:
        listed = values.get(key)
        for token in listed[:1000] if isinstance(listed, list) else ():
            yield from ((key, text) for text in _texts(token))


def _texts(token: object) -> Iterator[str]:
    content = token.get("content") if isinstance(token, dict) else token
    if isinstance(content, str):
        yield content


def _known(documents: Documents) -> dict[str, int]:
    """Ids by token: added tokens come before those of the vocabulary."""
    return {**_vocabulary(documents), **_added(documents)}


def _vocabulary(documents: Documents) -> dict[str, int]:
    model = documents.tokenizer.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict):
        return {token: i for token, i in vocabulary.items() if is_whole(i) and i >= 0}
    pairs = vocabulary if isinstance(vocabulary, list) else ()
    return {pair[0]: i for i, pair in enumerate(pairs) if _is_scored(pair)}


def _is_scored(pair: object) -> bool:
    return isinstance(pair, list) and bool(pair) and isinstance(pair[0], str)


def _added(documents: Documents) -> dict[str, int]:
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
