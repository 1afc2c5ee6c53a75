"""SPC003: few directions hold nearly all of a weight."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from modlint.analysis.layer_weights import MIN_STATISTICAL, LayerWeights
from modlint.analysis.spectra import WeightRanks
from modlint.checkpoint import Tensor
from modlint.rule import Examination, Need, Options
from modlint.targets import of_tensor
from modlint.verdict import Verdict
from modlint_rules.base.layer_weights import LayerWeightRule
from modlint_rules.spectra import LOW_EFFECTIVE_RANK, RANK_DEFICIENT

_RANKS = WeightRanks()


class LowEffectiveRankOptions(Options, frozen=True):
    """Options of SPC003."""

    min_share: Annotated[
        float,
        Meta(description="effective rank, over the smaller side, that is expected", gt=0, le=1),
    ] = 0.1
    min_width: Annotated[
        int, Meta(description="rows and columns that a weight must have to be judged", ge=2)
    ] = 16


class LowEffectiveRank(LayerWeightRule[LowEffectiveRankOptions], reference=LOW_EFFECTIVE_RANK):
    """Weights that a matrix of few columns would nearly equal."""

    options_type = LowEffectiveRankOptions
    weights = LayerWeights(MIN_STATISTICAL)
    sound = "none of low effective rank"
    advice = (
        "store the weight as two factors, or narrow the layer; if training collapsed onto a few"
        " directions, look at the learning rate, the normalisation, and what the layer is given"
    )

    def needs(self) -> tuple[Need, ...]:
        """The ranks, too."""
        return (*super().needs(), _RANKS)

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A finding where the effective rank is below the limit; of a stack, of the worst item."""
        told = RANK_DEFICIENT.code in file.selected
        wide = [
            ranks
            for ranks in file.result(_RANKS, tensor)
            if min(ranks.rows, ranks.columns) >= self.options.min_width
            and not (told and not ranks.by_chance)
        ]
        shares = {r.effective_rank / min(r.rows, r.columns): r for r in wide}
        if not shares or min(shares) >= self.options.min_share:
            return None
        share = min(shares)
        worst, full = shares[share], min(shares[share].rows, shares[share].columns)
        return self.failed(
            of_tensor(tensor),
            f"effective rank {worst.effective_rank:.1f} of {full:,} ({share:.1%}): a few directions"
            f" hold nearly all of its {worst.rows:,} × {worst.columns:,} live elements, the others"
            " carry next to nothing",
            help=self.advice,
            values={"effective_rank": worst.effective_rank, "full": full, "share": share},
            limit={"share": {"min": self.options.min_share}},
        )
