"""Embeddings and heads against `vocab_size`, and the embedding's width."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from modlint.analysis.weight_names import HEADS, TOKEN_TABLES
from modlint.checkpoint import Tensor
from modlint.results.model_config import ModelConfig, Section
from modlint.verdict import Severity
from modlint_rules.base.config_sections import section_of
from modlint_rules.format.against_config.comparison import Comparison, Mismatch, Model

EMBEDDING = re.compile(rf"(^|\.)({TOKEN_TABLES}|(backbone|model|rwkv)\.embeddings)\.weight$")
"""What architectures call the table that gives each token its vector."""
HEAD = re.compile(rf"(^|\.)({HEADS}|predictions\.decoder|lm_head\.decoder)\.weight$")
"""What they call the layer that gives each token its score."""
_ROWS = "vocab_size"
_HARMLESS = frozenset({_ROWS, "type_vocab_size", "vocab_size_per_layer_input"})
_OTHERWISE = frozenset(
    {"blip-2", "csm", "imagegpt", "instructblip", "instructblipvideo", "mllama"}
    | {"mllama_text_model"}
)
"""Model types whose tables have rows beyond `vocab_size`, or that have several."""
_HIDDEN = ("hidden_size", "d_model", "n_embd", "dim")
_NARROW = frozenset(["albert", "electra", "mobilebert", "neomme", "rembert"])
"""Model types that widen what the embedding gives."""


class StatedRows(Struct, frozen=True):
    """A table of tokens, with what the configuration says of it.

    Attributes:
        tensor: the table.
        key: what the configuration calls its number of rows ("text_config.vocab_size").
        number: how many it says there are; None where it cannot be told.
        section: where it says so.
    """

    tensor: Tensor
    key: str = ""
    number: int | None = None
    section: Section | None = None


def stated_rows(model: Model, names: re.Pattern[str]) -> Iterator[StatedRows]:
    """Each table of tokens whose name matches, with the rows that are stated."""
    for tensor in model.weights():
        if len(tensor.shape) == 2 and tensor.dtype.kind == "float" and names.search(tensor.key):
            yield _stated(model.config, tensor)


def compare_vocabulary(model: Model, comparison: Comparison) -> None:
    """A table of other sizes than are stated cannot be loaded."""
    if model.config.custom:
        return
    for stated in (*stated_rows(model, EMBEDDING), *stated_rows(model, HEAD)):
        if stated.number is not None:
            rows = stated.tensor.shape[0]
            _compare(stated, rows, stated.key, stated.number, "rows", comparison)
    for stated in stated_rows(model, EMBEDDING):
        width = _width(model.config, stated)
        if width is not None:
            columns = stated.tensor.shape[1]
            _compare(stated, columns, *width, "columns", comparison)


def _compare(
    stated: StatedRows, held: int, key: str, number: int, axis: str, comparison: Comparison
) -> None:
    if held == number:
        comparison.agree()
        return
    comparison.differ(
        Mismatch(
            f"has {held:,} {axis}, and config.json states {key} {number:,}: loading fails",
            f"set {key} to {held}, or save both again as they belong together",
            Severity.ERROR,
            stated.tensor.name,
            {axis: held, "stated": number},
        )
    )


def _width(config: ModelConfig, stated: StatedRows) -> tuple[str, int] | None:
    """The width of the model, where an embedding has none of its own."""
    section = stated.section
    if section is None or config.model_type in _NARROW:
        return None
    own = {size for _, size in section.sizes(*(key for key in section.values if "emb" in key))}
    found = next(section.sizes(*_HIDDEN), None)
    if found is None or stated.tensor.shape[1] in own:
        return None
    return section.called(found[0]), found[1]


def _stated(config: ModelConfig, tensor: Tensor) -> StatedRows:
    section = section_of(config, tensor.key.split(".")[:-1], (_ROWS,))
    if section is None or config.model_type in _OTHERWISE:
        return StatedRows(tensor)
    stated = section.size(_ROWS)
    others = (v for k, v in section.values.items() if "vocab" in k and k not in _HARMLESS)
    further = any(value not in (None, stated) for value in others)
    nested = not section.path and any(s.path == ("text_config",) for s in config.sections)
    if further or nested:
        return StatedRows(tensor)
    return StatedRows(tensor, section.called(_ROWS), stated, section)
