"""FMT008: config.json and the tokenizer's files against the tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint.analysis.base import Analysis
from modlint.analysis.layer_stacks import LayerStacks
from modlint.analysis.model_config import Config
from modlint.analysis.same_content import SameContent
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.base.folder import (
    BESIDE,
    folder_of,
    has_variants,
    incomplete,
    index_of,
    is_model,
    variant_of,
)
from modlint_rules.base.tokenizer import DOCUMENTS, Documents, read_documents
from modlint_rules.format import CONFIG_MISMATCH
from modlint_rules.format.against_config.comparison import Comparison, Mismatch, Model
from modlint_rules.format.against_config.head import compare_missing_head, stale_head, stored_twice
from modlint_rules.format.against_config.layers import compare_layers
from modlint_rules.format.against_config.outside import compare_outside
from modlint_rules.format.against_config.sizes import compare_sizes
from modlint_rules.format.against_config.tokens import compare_tokens
from modlint_rules.format.against_config.types import compare_types
from modlint_rules.format.against_config.vocabulary import EMBEDDING, HEAD, compare_vocabulary

_CONFIG = Config()
_STACKS = LayerStacks()
_SAME = SameContent(HEAD.pattern, EMBEDDING.pattern)


class ConfigMismatch(FileRule[Options], reference=CONFIG_MISMATCH):
    """A model whose configuration or tokenizer is of another."""

    advice = "use the config.json and the tokenizer that belong to these weights"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The configuration, the tokenizer's files, the layers, and whether a tied head differs."""
        return (BESIDE, _CONFIG, _STACKS, _SAME, *DOCUMENTS.values())

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each thing that differs."""
        target = whole_file(file.checkpoint)
        reason = _why_not(file)
        if reason is not None:
            yield self.not_applicable(target, reason)
            return
        reason = incomplete(file.checkpoint)
        if reason is not None:
            yield self.inconclusive(target, reason)
            return
        documents, damaged = read_documents(file)
        comparison = _compared(file, documents)
        yield from (self._finding(mismatch, target) for mismatch in comparison.found)
        if comparison.found:
            return
        if damaged:
            yield self.inconclusive(target, damaged[0])
        elif comparison.compared:
            values = {"compared": comparison.compared}
            message = f"{count(comparison.compared, 'statement')} about the tensors, all true"
            yield self.passed(target, message, values=values)
        else:
            yield self.not_applicable(target, "config.json states nothing about tensors known here")

    def _finding(self, mismatch: Mismatch, target: Target) -> Verdict:
        return self.failed(
            target if mismatch.tensor is None else Target("tensor", mismatch.tensor),
            mismatch.message,
            help=mismatch.help,
            values=mismatch.values,
            severity=mismatch.severity,
        )


def _why_not(file: Examination) -> str | None:
    """Why the file is not compared with a configuration; None where it is."""
    checkpoint = file.checkpoint
    folder = folder_of(file)
    if folder is None:
        return "the checkpoint is no file of its own: nothing stands beside it"
    index = index_of(checkpoint, folder)
    if index is not None:
        return f"judged with its index, {index}"
    if not is_model(checkpoint):
        return "the file is not named as the weights that a config.json describes"
    if file.result(_CONFIG, checkpoint) is None:
        return "no config.json of transformers stands beside it"
    return None if checkpoint.tensors else "the file holds no tensor"


def _compared(file: Examination, documents: Documents) -> Comparison:
    comparison = Comparison()
    config = file.result(_CONFIG, file.checkpoint)
    if config is None:
        return comparison
    model = Model(file.checkpoint, config, file.result(_STACKS, file.checkpoint))
    compare_vocabulary(model, comparison)
    compare_tokens(model, documents, comparison)
    compare_missing_head(model, comparison)
    _compare_stored_head(file, model, comparison)
    compare_sizes(model, comparison)
    compare_layers(model, comparison)
    compare_outside(model, comparison)
    others = has_variants(file.result(BESIDE, file.checkpoint))
    if variant_of(file.checkpoint) is None and not others:
        compare_types(model, comparison)
    return comparison


def _compare_stored_head(file: Examination, model: Model, comparison: Comparison) -> None:
    """A tied head that is stored as well must be the embedding."""
    twice = stored_twice(model)
    if twice is None:
        return
    head, tables = twice
    pairs = [p for p in file.result(_SAME, file.checkpoint) if p.first == head.name]
    if any(pair.equal for pair in pairs):
        comparison.agree()
    elif pairs:
        comparison.differ(stale_head(head, tables[0]))
