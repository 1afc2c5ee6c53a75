"""SPC001: a weight has fewer directions than rows and columns."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from modlint.analysis.layer_weights import MIN_STATISTICAL, LayerWeights
from modlint.analysis.spectra import WeightRanks
from modlint.checkpoint import Tensor
from modlint.results.spectra import Ranks
from modlint.rule import Examination, Need, Options
from modlint.targets import of_tensor
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.base.layer_weights import LayerWeightRule
from modlint_rules.spectra import RANK_DEFICIENT

_RANKS = WeightRanks()


class RankDeficientOptions(Options, frozen=True):
    """Options of SPC001."""

    warn_below: Annotated[
        float,
        Meta(description="rank, over the full one, below which it is a warning", ge=0, le=1),
    ] = 0.75


class RankDeficient(LayerWeightRule[RankDeficientOptions], reference=RANK_DEFICIENT):
    """Weights of which some rows or columns are combinations of others."""

    options_type = RankDeficientOptions
    weights = LayerWeights(MIN_STATISTICAL)
    sound = "each of full rank beside its dead rows and columns"
    advice = (
        "store the weight as two factors of that rank, or narrow the layer; if it was not meant,"
        " look for copied units, a constant initialisation, a merge or a pruning that tied rows"
    )

    def needs(self) -> tuple[Need, ...]:
        """The ranks, too."""
        return (*super().needs(), _RANKS)

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A finding where directions lack that chance does not take."""
        found = file.result(_RANKS, tensor)
        lacking = [ranks for ranks in found if not ranks.by_chance]
        if not lacking:
            return None
        worst = min(lacking, key=lambda ranks: ranks.rank / ranks.full)
        grave = worst.rank < self.options.warn_below * worst.full
        return self.failed(
            of_tensor(tensor),
            _message(worst, len(lacking), len(found)),
            help=self.advice,
            values={
                "rank": worst.rank,
                "full": worst.full,
                "missing": worst.missing,
                "rows": worst.rows,
                "columns": worst.columns,
                "tolerance": worst.tolerance,
            },
            limit={"rank": {"min": worst.full}},
            severity=Severity.WARNING if grave else Severity.NOTE,
        )


def _message(worst: Ranks, lacking: int, matrices: int) -> str:
    stack = f" in {lacking:,} of {matrices:,} matrices, the worst" if matrices > 1 else ""
    return (
        f"rank {worst.rank:,} of {worst.full:,}{stack} ({worst.rows:,} × {worst.columns:,} without"
        f" dead rows and columns): {count(worst.missing, 'direction')} lacking, singular values of"
        f" at most {worst.tolerance:.1e}"
    )
