"""TRN004: rows of an embedding table that were never trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from modlint.analysis.embeddings import EmbeddingRows, EmbeddingTables
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.embedding_rows import EmbeddingRowCounts
from modlint.rule import Examination, Need, Options
from modlint.scopes import FileRule
from modlint.targets import of_tensor, whole_file
from modlint.text import count, listed, ranges
from modlint.verdict import Verdict
from modlint_rules.training import UNTRAINED_EMBEDDING_ROWS
from modlint_rules.training.vocabulary import NEEDS, vocabulary_size

_TABLES = EmbeddingTables()
_ROWS = EmbeddingRows()
_STATISTICS = TensorStatistics()
_LISTED = 5


class UntrainedEmbeddingRowsOptions(Options, frozen=True):
    """Options of TRN004."""

    max_zero_rows: Annotated[
        int, Meta(description="rows of zeros that are healthy: a padding token has one", ge=0)
    ] = 1
    max_near_mean: Annotated[
        int, Meta(description="rows next to the mean row that are healthy in any table", ge=0)
    ] = 3
    max_near_mean_share: Annotated[
        float, Meta(description="the same, as a share of the rows", ge=0, le=1)
    ] = 0.001


class UntrainedEmbeddingRows(
    FileRule[UntrainedEmbeddingRowsOptions], reference=UNTRAINED_EMBEDDING_ROWS
):
    """Tokens whose embedding is zero, equal to another, or the average of all."""

    options_type = UntrainedEmbeddingRowsOptions
    of_tensors = True
    advice = (
        "do not use these tokens as they are, in a chat template or as end of text for instance:"
        " set their rows to the mean of trained ones and train them, or remove them"
    )

    def needs(self) -> tuple[Need, ...]:
        """The tables, their rows, and what tells how many tokens there are."""
        return (_TABLES, _ROWS, _STATISTICS, *NEEDS)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each table, or what was looked at."""
        names = file.result(_TABLES, file.checkpoint)
        tokens, found, unread, rows = vocabulary_size(file), list[Verdict](), "", 0
        for name in names:
            tensor = file.checkpoint.tensors[name]
            try:
                counts = file.result(_ROWS, tensor)
            except Unavailable as unavailable:
                unread = str(unavailable)
                continue
            rows += counts.rows
            found += self._table(tensor, counts, tokens)
        yield from found
        target = whole_file(file.checkpoint)
        if not names:
            yield self.not_applicable(target, "the file holds no table of token embeddings")
        elif unread and not found:
            yield self.inconclusive(target, unread)
        elif not found:
            message = f"{count(rows, 'row')} in {count(len(names), 'embedding table')}"
            past = "" if tokens is None else f"; those past the {tokens:,} tokens are padding"
            yield self.passed(target, f"{message}, trained as far as they tell{past}")

    def _table(
        self, tensor: Tensor, counts: EmbeddingRowCounts, tokens: int | None
    ) -> Iterator[Verdict]:
        """A finding on a table; rows past the last token pad it, and are no finding."""
        if any(len(group) == counts.rows for group in counts.duplicates):
            return  # a constant table is no matter of single rows: NUM007
        last = counts.rows if tokens is None else tokens
        zero = [row for row in counts.zero if row < last]
        equal = [row for group in counts.duplicates for row in group[1:] if row < last]
        near = [row for row in counts.near_mean if row < last]
        options = self.options
        most = max(options.max_near_mean, options.max_near_mean_share * counts.rows)
        parts = [
            f"{count(len(rows), 'row')} {what} ({listed(ranges(rows), _LISTED)})"
            for rows, what, healthy in (
                (zero, "of zeros", options.max_zero_rows),
                (equal, "equal to an earlier one", 0),
                (near, "next to the mean row", most),
            )
            if len(rows) > healthy
        ]
        if parts:
            yield self.failed(
                of_tensor(tensor),
                f"of {counts.rows:,} rows {', '.join(parts)}: these tokens were never trained, and"
                " a prompt that holds one is answered at random",
                help=self.advice,
                values={"zero": len(zero), "equal": len(equal), "near_mean": len(near)},
                limit={
                    "zero": {"max": options.max_zero_rows},
                    "equal": {"max": 0},
                    "near_mean": {"max": most},
                },
            )
