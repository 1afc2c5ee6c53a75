"""STR004: blocks that nothing goes around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from msgspec import Meta

from modlint.analysis.flow import SurvivingFlow
from modlint.network import Network
from modlint.results.units import BlockFlow
from modlint.rule import Examination, Need, Options
from modlint.scopes import NetworkRule
from modlint.targets import of_network
from modlint.text import count, listed
from modlint.verdict import Target, Verdict
from modlint_rules.structure import SINGLE_POINT_OF_FAILURE

_FLOW = SurvivingFlow()


class SinglePointOfFailureOptions(Options, frozen=True):
    """Options of STR004."""

    min_share: Annotated[
        float,
        Meta(
            description="share of the flow that survives a block's removal, up to which it is a"
            " finding",
            ge=0,
            lt=1,
        ),
    ] = 0.0


class SinglePointOfFailure(
    NetworkRule[SinglePointOfFailureOptions], reference=SINGLE_POINT_OF_FAILURE
):
    """Blocks without a way around them, among others that have one."""

    options_type = SinglePointOfFailureOptions
    portrayed = False
    absent = "no network of the file has blocks that anything goes around"

    def needs(self) -> tuple[Need, ...]:
        """What survives the removal of each block."""
        return (_FLOW,)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """One verdict for each network in which some block has a way around it."""
        blocks = file.result(_FLOW, network)
        if any(block.share > 0 for block in blocks):
            yield self._verdict_on(blocks, network)

    def _verdict_on(self, blocks: Sequence[BlockFlow], network: Network) -> Verdict:
        limit = self.options.min_share
        judged = [block for block in blocks if block.keeps_width] or blocks
        alone = [b.block for b in judged if b.share <= limit and b.keeps_width]
        least = min(judged, key=lambda block: block.share)
        if alone:
            kept = f"at most {limit:.1%}" if limit else "nothing"
            message = (
                f"without {listed(alone)} {kept} of the flow of weight reaches the output,"
                f" {'it has' if len(alone) == 1 else 'they have'} no way around, as the others of"
                f" {count(len(blocks), 'block')} have"
            )
        else:
            message = (
                f"{count(len(blocks), 'block')}; {least.share:.1%} of the flow of weight survives"
                f" the removal of {listed([least.block])}, more that of each other that keeps its"
                " width"
            )
        return self.decided(
            Target("layer", alone[0], network=network.id)
            if len(alone) == 1
            else of_network(network),
            message,
            passes=not alone,
            help="where parts may fail or be skipped, give each a connection around it, and train"
            " with parts left out (failout, stochastic depth)",
            values={
                "blocks": len(blocks),
                "alone": alone,
                "least": least.share,
                "shares": [[block.block, block.share] for block in blocks[:200]],
            },
            limit={"least": {"min": limit}},
            confidence=network.confidence,
        )
