"""STR005: inputs that the output should not depend on, and that it can be reached from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from msgspec import Meta

from modlint.analysis.flow import InputFlows
from modlint.network import Network
from modlint.results.input_flow import InputFlow
from modlint.rule import Examination, Need, Options
from modlint.scopes import NetworkRule
from modlint.targets import of_network, whole_file
from modlint.text import listed, printable
from modlint.verdict import Target, Verdict
from modlint_rules.structure import PROTECTED_INPUT_PATH

_FLOWS = InputFlows()
_CHANNEL = re.compile(r"(.+)\[(\d{1,9})\]")
"""An input's name, and one of its channels."""
_LIMITS = "that says nothing of other inputs that may stand in for it"


class ProtectedInputPathOptions(Options, frozen=True):
    """Options of STR005."""

    inputs: Annotated[
        tuple[str, ...],
        Meta(
            description='inputs that the output should not depend on: a name ("sex"), or a name'
            ' and a channel ("x[3]")'
        ),
    ] = ()
    max_share: Annotated[
        float, Meta(description="share of all inputs' flow that each of them may have", ge=0, lt=1)
    ] = 0.0


class ProtectedInputPath(NetworkRule[ProtectedInputPathOptions], reference=PROTECTED_INPUT_PATH):
    """Judges the inputs that an option names, and no others."""

    options_type = ProtectedInputPathOptions

    def needs(self) -> tuple[Need, ...]:
        """The flow of each input."""
        return (_FLOWS,)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Judge each network of the file."""
        if not self.options.inputs:
            reason = "no input is named: the option `inputs` says which are protected"
            yield self.not_applicable(whole_file(file.checkpoint), reason)
            return
        yield from super().check(file)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """One verdict for each input that the option names."""
        flows = {flow.name: flow for flow in file.result(_FLOWS, network)}
        for named in self.options.inputs:
            yield self._judge(named, flows, network, has_gaps=bool(file.unplaced))

    def _judge(
        self, named: str, flows: Mapping[str, InputFlow], network: Network, *, has_gaps: bool
    ) -> Verdict:
        found = _found(named, flows)
        if found is None:
            known = listed(f"{flow.name} ({len(flow.shares):,})" for flow in flows.values())
            reason = f"no input {printable(named, 60)!r}; inputs, with their channels: {known}"
            return self.inconclusive(of_network(network), reason)
        flow, channels = found
        share = float(flow.shares[channels].sum())
        if share <= self.options.max_share and (has_gaps or not flow.certain):
            reason = f"parts that may read {printable(named, 60)!r} were not followed"
            return self.inconclusive(of_network(network), reason)
        return self._verdict_on(named, share, len(channels), network)

    def _verdict_on(self, named: str, share: float, channels: int, network: Network) -> Verdict:
        limit, name = self.options.max_share, printable(named, 60)
        told = f"{share:.2%}" if share > 1e-4 else f"{share:.1e}"
        return self.decided(
            Target("layer", named, network=network.id),
            f"{told} of the flow of weight from inputs to the output comes of {name}: the output"
            " depends on it"
            if share > 0
            else f"no path leads from {name} to the output; {_LIMITS}",
            passes=share <= limit,
            help="train without this input, or remove its weights; then compare what groups get on"
            " data, for other inputs may stand in for it",
            values={"input": named, "share": share, "channels": channels},
            limit={"share": {"max": limit}},
            confidence=network.confidence,
        )


def _found(named: str, flows: Mapping[str, InputFlow]) -> tuple[InputFlow, Sequence[int]] | None:
    """The input of a name, and which of its channels are meant."""
    if named in flows:
        return flows[named], range(len(flows[named].shares))
    match = _CHANNEL.fullmatch(named)
    if match is None or match[1] not in flows:
        return None
    flow, channel = flows[match[1]], int(match[2])
    return (flow, [channel]) if channel < len(flow.shares) else None
