"""STR001: layers of zeros, and networks whose output does not depend on the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modlint.analysis.layer_weights import LayerWeights
from modlint.analysis.lora import LoraFactors
from modlint.analysis.signal_path import InputReach
from modlint.analysis.statistics import TensorStatistics
from modlint.network import Network
from modlint.results.units import SignalPath
from modlint.rule import Examination, Need, Options
from modlint.scopes import NetworkRule, unread
from modlint.targets import of_network, whole_file
from modlint.text import count, listed
from modlint.verdict import Confidence, Outcome, Severity, Target, Verdict
from modlint_rules.structure import LAYER_COLLAPSE

_REACH, _WEIGHTS, _STATISTICS, _LORA = (
    InputReach(),
    LayerWeights(),
    TensorStatistics(),
    LoraFactors(),
)
_HELP = (
    "go back to the weights before they were pruned or damaged; prune so that each layer keeps some"
    " (by flow, or with a least share a layer)"
)
_HELP_ZERO = (
    "if it begins at zero on purpose (zero convolutions, adaLN gates, the last layer of a residual"
    " branch, a head before fine-tuning) it has not been trained; else restore its weights"
)


class LayerCollapse(NetworkRule[Options], reference=LAYER_COLLAPSE):
    """What a layer of zeros ends, or leaves to the ways around it."""

    def needs(self) -> tuple[Need, ...]:
        """What the input reaches; outside networks, which layer weights are zero."""
        return (_REACH, _WEIGHTS, _STATISTICS, _LORA)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Judge each network of the file, and layer weights in none."""
        lora = file.result(_LORA, file.checkpoint)
        found = [] if lora.paths else list(super().check(file))
        judged = [v for v in found if v.outcome is not Outcome.NOT_APPLICABLE]
        outside = list(self._outside(file, alone=not judged))
        yield from judged
        yield from outside
        if not judged and not outside:
            reason = "the file holds no layer weight but those of an adapter (TRN003)"
            yield self.not_applicable(
                whole_file(file.checkpoint),
                reason if lora.paths else "the file holds no layer weight",
            )

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """One verdict for each network."""
        path = file.result(_REACH, network)
        values = {
            "layers": len(network.calls),
            "outputs": path.outputs,
            "reached": path.reached,
            "stops": path.stops,
            "zero": path.zero,
        }
        if path.outputs and not path.reached:
            yield self._collapsed(network, path, values)
        elif path.zero:
            yield self._around(network, path, values)
        else:
            message = f"{count(len(network.calls), 'layer')}, none of zeros; the input reaches the"
            yield self.passed(
                of_network(network),
                f"{message} output",
                values=values,
                confidence=network.confidence,
            )

    def _collapsed(self, network: Network, path: SignalPath, values: dict[str, object]) -> Verdict:
        """No path; where a head of zeros alone is in the way, as before fine-tuning, a warning."""
        only_heads = bool(path.heads) and set(path.stops) <= set(path.heads)
        where = path.stops or path.zero
        ends = f": it ends at {listed(where)}" if where else ""
        zero = f", whose weights are all zero ({listed(path.zero)})" if path.zero else ""
        return self.failed(
            self._target(where, network),
            f"no path leads from the input to the output{ends}{zero}: the output is the same"
            " whatever the input",
            help=_HELP_ZERO if only_heads else _HELP,
            values=values,
            severity=Severity.WARNING if only_heads else Severity.ERROR,
            confidence=network.confidence,
        )

    def _around(self, network: Network, path: SignalPath, values: dict[str, object]) -> Verdict:
        """Layers of zeros that others go around: a residual branch, a gate, one head of several."""
        return self.failed(
            self._target(path.zero, network),
            f"the weights of {count(len(path.zero), 'layer')} are all zero"
            f" ({listed(path.zero)}); what goes around carries the network",
            help=_HELP_ZERO,
            values=values,
            severity=Severity.WARNING if path.heads else Severity.NOTE,
            confidence=network.confidence,
        )

    @staticmethod
    def _target(layers: Sequence[str], network: Network) -> Target:
        if len(layers) == 1:
            return Target("layer", layers[0], network=network.id)
        return of_network(network)

    def _outside(self, file: Examination, *, alone: bool) -> Iterator[Verdict]:
        """Layer weights of zeros in no network: how much hangs on them is not known."""
        within = frozenset[str]().union(*(network.tensors for network in file.networks))
        modules = file.result(_LORA, file.checkpoint).modules
        factors = {name for module in modules for name in (module.down, module.up)}
        names = file.result(_WEIGHTS, file.checkpoint) - within - factors
        measured = [(t, s) for t, s in file.results(_STATISTICS) if t.name in names]
        zero = [tensor.name for tensor, s in measured if s.zeros == s.elements]
        target = whole_file(file.checkpoint)
        if zero:
            yield self.failed(
                Target("tensor", zero[0]) if len(zero) == 1 else target,
                f"{count(len(zero), 'layer weight')} of zeros ({listed(zero)}), in no network"
                " that was rebuilt",
                help=_HELP_ZERO,
                values={"zero": zero, "layers": len(names)},
                severity=Severity.NOTE,
                confidence=Confidence.LOW,
            )
        elif alone and names:
            reason = unread(file.checkpoint)
            if reason is None and len(measured) < len(names):
                reason = f"{len(names) - len(measured):,} of {len(names):,} could not be examined"
            message = f"{count(len(names), 'layer weight')}, none of zeros"
            yield (
                self.inconclusive(target, reason)
                if reason is not None
                else self.passed(
                    target, message, values={"layers": len(names)}, confidence=Confidence.LOW
                )
            )

    def weigh(self, verdict: Verdict, configured: Severity) -> Severity:
        """The settings' severity is that of collapse; what others go around stays what it is."""
        if verdict.severity is not Severity.ERROR:
            return verdict.severity
        return super().weigh(verdict, configured)
