"""The ids of tokens against the rows of the embedding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modlint.results.model_config import Section, is_whole
from modlint.text import count
from modlint.verdict import Severity
from modlint_rules.base.tokenizer import (
    ROLES,
    Documents,
    added_tokens,
    known_tokens,
    special_tokens,
    vocabulary,
)
from modlint_rules.format.against_config.comparison import Comparison, Mismatch, Model
from modlint_rules.format.against_config.vocabulary import EMBEDDING, stated_rows

_IDS = tuple(f"{role}_token_id" for role in ROLES)
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
    known = known_tokens(documents)
    for values, file in (
        (documents.settings, "tokenizer_config.json"),
        (documents.special, "special_tokens_map.json"),
    ):
        for key, content in special_tokens(values):
            if content in known:
                yield f"{key} {content!r} in {file}", known[content]


def _compare_vocabulary(
    documents: Documents, table: str, rows: int, comparison: Comparison
) -> None:
    """The tokens that the tokenizer makes of any text."""
    ids = list(vocabulary(documents).values())
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
    ids = set(added_tokens(documents).values())
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
