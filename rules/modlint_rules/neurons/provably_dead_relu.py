"""NEU003: units of ReLUs that no input can open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from modlint.analysis.intervals import DeadRelus
from modlint.errors import UsageError
from modlint.network import Network
from modlint.results.intervals import ReluUnits
from modlint.rule import Examination, Need, Options
from modlint.scopes import NetworkRule
from modlint.targets import of_network
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.neurons import PROVABLY_DEAD_RELU


class ProvablyDeadReluOptions(Options, frozen=True):
    """Options of NEU003."""

    input_min: Annotated[
        float | None,
        msgspec.Meta(description="least number that the first layers read, if it is known"),
    ] = None
    input_max: Annotated[
        float | None,
        msgspec.Meta(description="largest number that the first layers read, if it is known"),
    ] = None

    def __post_init__(self) -> None:
        """Refuse half a range, or one that is empty.

        Raises:
            UsageError: one end is missing, or above the other.
        """
        low, high = self.input_min, self.input_max
        if (low is None) != (high is None) or (low is not None and high is not None and low > high):
            raise UsageError(
                "rules.provably-dead-relu: input-min and input-max are the ends of one range: give"
                " both, the lower one first"
            )

    @property
    def input_range(self) -> tuple[float, float] | None:
        """Both, where they are known."""
        if self.input_min is None or self.input_max is None:
            return None
        return self.input_min, self.input_max


class ProvablyDeadRelu(NetworkRule[ProvablyDeadReluOptions], reference=PROVABLY_DEAD_RELU):
    """Units whose pre-activation has an upper bound that is not above zero."""

    options_type = ProvablyDeadReluOptions
    absent = "no network of the file has a ReLU"

    def needs(self) -> tuple[Need, ...]:
        """The bounds of ReLUs."""
        return (self._analysis,)

    @property
    def _analysis(self) -> DeadRelus:
        return DeadRelus(self.options.input_range)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """A finding for each ReLU with dead units, or one verdict that passes the network."""
        relus = file.result(self._analysis, network)
        dead = [relu for relu in relus if relu.dead]
        for relu in dead:
            yield self._finding(relu, network)
        if relus and not dead:
            yield self._sound(relus, network)

    def _sound(self, relus: Sequence[ReluUnits], network: Network) -> Verdict:
        units = sum(relu.neurons for relu in relus)
        bounded = sum(relu.bounded for relu in relus)
        return self.passed(
            of_network(network),
            f"{count(units, 'unit')} of {count(len(relus), 'ReLU')}, none is proven dead;"
            f" {bounded:,} have an upper bound",
            values={"units": units, "relus": len(relus), "bounded": bounded},
            confidence=network.confidence,
        )

    def _finding(self, relu: ReluUnits, network: Network) -> Verdict:
        declared = self.options.input_range
        whatever = (
            "whatever the input"
            if declared is None
            else f"whatever the input from {declared[0]:g} to {declared[1]:g}"
        )
        return self.failed(
            Target("units", relu.layer, network=network.id, units=relu.dead),
            f"{len(relu.dead):,} of {count(relu.neurons, 'unit')}"
            f" {'is' if len(relu.dead) == 1 else 'are'} zero behind the ReLU, {whatever}: what goes"
            f" in is at most {relu.highest:.3g}, so nothing is learned there any more",
            help="remove them, or train again with what keeps units alive: a lower learning rate,"
            " smaller initial biases, a leaky activation",
            values={
                "dead": len(relu.dead),
                "total": relu.neurons,
                "share": len(relu.dead) / relu.neurons,
                "indices": relu.dead,
                "highest": relu.highest,
                "bounded": relu.bounded,
            },
            limit={"dead": {"max": 0}},
            confidence=network.confidence,
        )
