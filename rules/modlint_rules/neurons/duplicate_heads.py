"""NEU009: heads of an attention that compute the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from modlint.analysis.heads import DuplicateHeads as Heads
from modlint.network import Network
from modlint.results.heads import AttentionHeads
from modlint.rule import Examination, Need, Options
from modlint.scopes import NetworkRule
from modlint.targets import of_network
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.neurons import DUPLICATE_HEADS


class DuplicateHeadsOptions(Options, frozen=True):
    """Options of NEU009."""

    max_cosine: Annotated[
        float,
        Meta(description="cosine of each part above which two heads are one", ge=0.9, lt=1),
    ] = 0.999


class DuplicateHeads(NetworkRule[DuplicateHeadsOptions], reference=DUPLICATE_HEADS):
    """Heads with the same weights for queries, keys, values and outputs."""

    options_type = DuplicateHeadsOptions
    absent = "no network of the file has an attention whose heads are known"

    def needs(self) -> tuple[Need, ...]:
        """The heads of each attention."""
        return (self._analysis,)

    @property
    def _analysis(self) -> Heads:
        return Heads(self.options.max_cosine)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """A finding for each attention with such heads, or one verdict that passes the network."""
        attentions = file.result(self._analysis, network)
        findings = [self._finding(a, network) for a in attentions if a.groups]
        yield from findings
        compared = sum(attention.compared for attention in attentions)
        if compared and not findings:
            yield self.passed(
                of_network(network),
                f"{count(compared, 'head')} in {count(len(attentions), 'attention')}, no two alike",
                values={"heads": compared, "attentions": len(attentions), "duplicates": 0},
                confidence=network.confidence,
            )

    def _finding(self, attention: AttentionHeads, network: Network) -> Verdict:
        superfluous = sum(len(group) - 1 for group in attention.groups)
        told = "; ".join(", ".join(map(str, group)) for group in attention.groups[:8])
        return self.failed(
            Target("layer", attention.layer, network=network.id),
            f"{superfluous:,} of {count(attention.heads, 'head')} repeat another ({told}): queries,"
            f" keys, values and outputs each have a cosine above {self.options.max_cosine:g}",
            help="keep one head of each group and add the output weights of the others to its own;"
            " if heads were copied to widen the model, train on with some noise added",
            values={
                "duplicates": superfluous,
                "heads": attention.heads,
                "groups": attention.groups,
            },
            limit={"duplicates": {"max": 0}},
            confidence=network.confidence,
        )
