"""NEU001: hidden units that do nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from modlint.analysis.statistics import TensorStatistics
from modlint.analysis.units import UnitWeights
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable, UsageError
from modlint.network import Network
from modlint.results.units import LayerUnits
from modlint.rule import Examination, Need, Options, Rule
from modlint.scopes import as_sure_as, unread
from modlint.targets import of_network, whole_file
from modlint.text import count
from modlint.verdict import Confidence, Severity, Target, Verdict
from modlint_rules.neurons import DEAD_NEURONS
from modlint_rules.neurons.dead_slices import (
    DeadSlices,
    dead_slices,
    is_matrix,
    may_hold_units,
    told_once,
)
from modlint_rules.neurons.dead_units import dead_units
from modlint_rules.neurons.negligible_flow import NO_HIDDEN_LAYER

_STATISTICS = TensorStatistics()
_UNITS = UnitWeights()
_HELP_WHOLE = (
    "if the layer was meant to be trained, see that gradients reach its weights; layers that start"
    " at zero on purpose (zero convolutions, adaLN, the last layer of a residual branch) may stay"
)
_HELP = (
    "prune them, or train again with what keeps units alive: a lower learning rate,"
    " He initialisation, a leaky activation, less weight decay"
)


class DeadNeuronsOptions(Options, frozen=True):
    """Options of NEU001."""

    note_share: Annotated[
        float,
        msgspec.Meta(description="dead share of a layer above which it is a note", ge=0, le=1),
    ] = 0.0
    max_share: Annotated[
        float,
        msgspec.Meta(description="dead share of a layer above which it is a warning", ge=0, le=1),
    ] = 0.10

    def __post_init__(self) -> None:
        """Refuse a share that would be a warning before it is a note.

        Raises:
            UsageError: note-share is above max-share.
        """
        if self.note_share > self.max_share:
            raise UsageError(
                f"rules.dead-neurons: note-share {self.note_share:g} is above max-share"
                f" {self.max_share:g}: lower the one or raise the other"
            )


class DeadNeurons(Rule[DeadNeuronsOptions], reference=DEAD_NEURONS):
    """Hidden units that nothing reads, or that nothing drives."""

    options_type = DeadNeuronsOptions

    def needs(self) -> tuple[Need, ...]:
        """The units of each network, and statistics of the tensors outside."""
        return (_UNITS, _STATISTICS)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for each hidden layer; outside networks, for each tensor concerned."""
        networks = [network for network in file.networks if network.reason is None]
        found = [verdict for n in networks for verdict in self._judge_network(n, file)]
        if len(networks) < len(file.networks) or not networks:
            found += self._judge_tensors(file, networks)
        yield from found
        if not found:
            yield self.not_applicable(whole_file(file.checkpoint), self._absent(networks))

    @staticmethod
    def _absent(networks: Sequence[Network]) -> str:
        return NO_HIDDEN_LAYER if networks else "the file holds no weight matrix"

    def _judge_network(self, network: Network, file: Examination) -> Iterator[Verdict]:
        target = of_network(network)
        try:
            layers = file.result(_UNITS, network)
        except Unavailable as unavailable:
            yield self.inconclusive(target, str(unavailable))
            return
        for units in layers:
            yield as_sure_as(network, self._judge_layer(network, units))

    def _judge_layer(self, network: Network, units: LayerUnits) -> Verdict:
        dead = dead_units(units)
        values = {
            "dead": len(dead.indices),
            "total": units.total,
            "share": dead.share,
            "indices": dead.indices,
            "silent": len(units.silent),
            "constant": len(units.constant),
            "off": len(units.off),
            "activation": units.activation,
        }
        summary = f"{len(dead.indices):,} of {count(units.total, 'hidden unit')} dead"
        confidence = Confidence.HIGH if dead.certain else Confidence.LOW
        severity, bound = self._weigh(dead.share)
        limit = {"share": {"max": bound}}
        if dead.share <= self.options.note_share:
            target = Target("layer", units.layer, network=network.id)
            return self.passed(target, summary, values=values, limit=limit, confidence=confidence)
        undriven = len(set(dead.indices).difference(units.silent))
        return self.failed(
            Target("units", units.layer, network=network.id, units=dead.indices),
            f"{summary} ({dead.share:.1%}): {len(units.silent):,} without weights out,"
            f" {undriven:,} without weights in",
            help=_HELP_WHOLE if dead.share == 1 else _HELP,
            values=values,
            limit=limit,
            severity=severity,
            confidence=confidence,
        )

    def weigh(self, verdict: Verdict, configured: Severity) -> Severity:
        """The settings' severity is that of shares above max-share; smaller ones stay notes."""
        below = verdict.values.get("share", 1.0) <= self.options.max_share
        unsure = verdict.target.network is not None and verdict.severity is Severity.NOTE
        return verdict.severity if below or unsure else configured

    def _weigh(self, share: float) -> tuple[Severity, float]:
        """Severity of a share, and the bound that it exceeds or keeps."""
        if share > self.options.max_share:
            whole = share == 1
            return Severity.ERROR if whole else Severity.WARNING, self.options.max_share
        return Severity.NOTE, self.options.note_share

    def _judge_tensors(self, file: Examination, networks: Sequence[Network]) -> Iterator[Verdict]:
        reached = frozenset[str]().union(*(network.tensors for network in networks))
        outside = [t for name, t in file.checkpoint.tensors.items() if name not in reached]
        measured = ((t, s) for t, s in file.results(_STATISTICS) if t.name not in reached)
        candidates = ((t, dead_slices(t, s)) for t, s in measured)
        examined = list(told_once((t, slices) for t, slices in candidates if slices is not None))
        dead = [pair for pair in examined if pair[1].share > self.options.note_share]
        for name, slices in dead:
            yield self._judge_slices(name, slices)
        if not dead:
            where = "outside the networks" if networks else "no network"
            yield from self._none_dead(file, outside, len(examined), where)

    def _none_dead(
        self, file: Examination, outside: Sequence[Tensor], examined: int, where: str
    ) -> Iterator[Verdict]:
        """What is said of tensors outside networks where no slice of any is zero."""
        target = whole_file(file.checkpoint)
        matrices = [tensor.name for tensor in outside if is_matrix(tensor)]
        unmeasured = [name for name in matrices if name in file.unexamined]
        incomplete = unread(file.checkpoint)
        if unmeasured:
            told = f"{len(unmeasured):,} of {count(len(matrices), 'weight')} could not be examined"
            reason = file.unexamined[unmeasured[0]]
            yield self.inconclusive(target, f"{where}: {told} ({unmeasured[0]}: {reason})")
        elif incomplete is not None:
            yield self.inconclusive(target, incomplete)
        elif not examined and any(map(may_hold_units, outside)):
            yield self.inconclusive(target, f"{where}: no weight whose zero rows would tell")
        elif examined:
            yield self.passed(
                target,
                f"{where}: no all-zero row or column in {count(examined, 'weight')}",
                values={"dead": 0, "share": 0.0, "tensors": examined},
                limit={"share": {"max": self.options.note_share}},
                confidence=Confidence.LOW,
            )

    def _judge_slices(self, name: str, slices: DeadSlices) -> Verdict:
        return self.failed(
            Target("tensor", name),
            slices.message,
            help=_HELP_WHOLE if slices.whole else f"if they were not pruned on purpose: {_HELP}",
            values=slices.values,
            limit={"share": {"max": self.options.note_share}},
            confidence=Confidence.LOW,
        )
