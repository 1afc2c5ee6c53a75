"""Rules on how flow spreads over the units of each hidden layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

import msgspec

from modlint.analysis.flow import FlowShares
from modlint.network import Network
from modlint.results.units import FlowShare
from modlint.rule import Examination, Need, Options, OptionsT
from modlint.scopes import NetworkRule
from modlint.targets import of_network, whole_file
from modlint.text import count
from modlint.verdict import Verdict

_SHARES = FlowShares()

MinWidth = Annotated[
    int, msgspec.Meta(description="units that a layer must have to be judged", ge=2)
]


class FlowShareOptions(Options, frozen=True):
    """What all of these rules let be set."""

    min_width: MinWidth = 16


class FlowShareRule(NetworkRule[OptionsT]):
    """A finding for each layer beyond the limit; else what the closest one measured.

    Attributes:
        sound: what is said of layers without findings, to follow their number.
    """

    sound: ClassVar[str] = ""

    def needs(self) -> tuple[Need, ...]:
        """How the flow of each hidden layer spreads."""
        return (_SHARES,)

    def width(self) -> int:
        """Units that a layer must have to be judged."""
        raise NotImplementedError

    def finding(self, network: Network, share: FlowShare) -> Verdict | None:
        """What is to be said of a layer, None where it is within the limit."""
        raise NotImplementedError

    def measured(self, shares: Sequence[FlowShare]) -> dict[str, float]:
        """What the layer closest to the limit measured."""
        raise NotImplementedError

    def nothing(self, file: Examination) -> Verdict:
        """What is said of a file without such a layer."""
        reason = f"no network of the file has a hidden layer of {self.width():,} units or more"
        return self.not_applicable(whole_file(file.checkpoint), reason)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Findings, or one verdict that passes the network."""
        shares = [s for s in file.result(_SHARES, network) if self.counted(s) >= self.width()]
        findings = [v for v in (self.finding(network, s) for s in shares) if v is not None]
        yield from findings
        if shares and not findings:
            values = self.measured(shares)
            yield self.passed(
                of_network(network),
                f"{count(len(shares), 'hidden layer')}, {self.sound}",
                values={"layers": len(shares), **values},
                confidence=network.confidence,
            )

    def counted(self, share: FlowShare) -> int:
        """The units that count for a layer's width."""
        return share.total
