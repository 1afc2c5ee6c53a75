"""The output head against `tie_word_embeddings`."""

from __future__ import annotations

import re

from modlint.checkpoint import Tensor
from modlint.verdict import Severity
from modlint_rules.format.against_config.comparison import Comparison, Mismatch, Model
from modlint_rules.format.against_config.vocabulary import EMBEDDING, HEAD, stated_rows

_TIE = "tie_word_embeddings"
_WITH_HEAD = re.compile(r"(ForCausalLM|LMHeadModel|ForConditionalGeneration|ForMaskedLM)$")
_ANY_HEAD = re.compile(
    r"(^|[._])(\w*head\w*|embed_out|\w*unembed\w*|output\w*|proj_out|predictions|vocab_\w+|lm_loss"
    r"|scores?|logits\w*|classifier|generator\w*|cls|out_embed\w*|to_logits)\."
)
"""What may be a head: one such tensor outside the layers is enough."""


def is_tied(model: Model) -> bool | None:
    """Whether the configuration says that embedding and head share their weights.

    None where it does not say so, or says both of different parts.
    """
    flags = {section.flag(_TIE) for section in model.config.sections} - {None}
    return flags.pop() if len(flags) == 1 else None


def compare_missing_head(model: Model, comparison: Comparison) -> None:
    """A model with a head of its own needs its weights."""
    with_head = any(_WITH_HEAD.search(name) for name in model.config.architectures)
    tables = [s.tensor for s in stated_rows(model, EMBEDDING) if s.number is not None]
    if model.config.root.flag(_TIE) is not False or is_tied(model) is None:
        return
    if not with_head or not tables or model.config.custom:
        return
    if any(_is_head(tensor, tables[0].shape[0]) for tensor in model.weights()):
        comparison.agree()
        return
    name = model.config.architectures[0]
    comparison.differ(
        Mismatch(
            f"{name} with {_TIE} false has an output head of its own, and the file holds none:"
            " it is initialised at random",
            f"save the head, or set {_TIE} to true if it is the embedding",
            Severity.ERROR,
            values={_TIE: False, "architecture": name[:200]},
        )
    )


def stored_twice(model: Model) -> tuple[Tensor, list[Tensor]] | None:
    """A head that is stored although it is tied, with the embeddings that it may be tied to."""
    if not is_tied(model) or model.config.quantised:
        return None
    heads = [stated.tensor for stated in stated_rows(model, HEAD)]
    if len(heads) != 1:
        return None
    (head,) = heads
    tables = [stated.tensor for stated in stated_rows(model, EMBEDDING)]
    alike = [t for t in tables if t.shape == head.shape and t.dtype == head.dtype]
    return (head, alike) if alike else None


def stale_head(head: Tensor, table: Tensor) -> Mismatch:
    """The finding for a tied head whose values are not the embedding's."""
    return Mismatch(
        f"differs from {table.name}, to which {_TIE} ties it: some loaders drop it, others use it",
        f"set {_TIE} to false if the head was trained, else save without it",
        Severity.WARNING,
        head.name,
        {_TIE: True, "embedding": table.name},
    )


def _is_head(tensor: Tensor, rows: int) -> bool:
    key = tensor.key
    if len(tensor.shape) < 2 or any(part.isdigit() for part in key.split(".")):
        return False
    if _ANY_HEAD.search(key):
        return True
    return rows in tensor.shape and EMBEDDING.search(key) is None
