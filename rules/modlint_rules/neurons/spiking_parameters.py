"""NEU010: spiking neurons whose parameters keep them from spiking, or from being silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint.analysis.base import Analysis
from modlint.analysis.spiking import SpikingLayers
from modlint.results.spiking import SpikingLayer
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Confidence, Severity, Target, Verdict
from modlint_rules.neurons import SPIKING_PARAMETERS

_LAYERS = SpikingLayers()


class SpikingParameters(FileRule[Options], reference=SPIKING_PARAMETERS):
    """Thresholds and decays of snnTorch's layers, and what their neurons can reach."""

    advice = (
        "keep thresholds above 0 and decays between 0 and 1 while they are learned (clamp them"
        " after each step), and initialise weights so that a few spikes reach the threshold"
    )

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The layers of spiking neurons."""
        return (_LAYERS,)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """Findings by layer, or one verdict for the file."""
        layers = file.result(_LAYERS, file.checkpoint)
        findings = [verdict for layer in layers for verdict in self._findings(layer)]
        yield from findings
        target = whole_file(file.checkpoint)
        if not layers:
            yield self.not_applicable(target, "the file holds no layer of snnTorch's neurons")
        elif not findings:
            known = sum(layer.neurons for layer in layers)
            reach = f"; spikes can drive all of {count(known, 'neuron')} to their threshold"
            yield self.passed(
                target,
                f"{count(len(layers), 'layer')} of spiking neurons: thresholds above 0, decays from"
                f" 0 to 1{reach if known else ''}",
                values={"layers": len(layers), "neurons": known},
            )

    def _findings(self, layer: SpikingLayer) -> Iterator[Verdict]:
        if layer.thresholds:
            number = count(layer.thresholds, "threshold")
            yield self._found(
                layer,
                f"{number} not above 0 (the least {layer.threshold:g}): such neurons spike without"
                " input",
                {"thresholds": layer.thresholds, "threshold": layer.threshold},
            )
        if layer.decays:
            yield self._found(
                layer,
                f"{count(layer.decays, 'decay')} outside 0 to 1 (as {layer.decay:g}): snnTorch cuts"
                " it off there, so that the neuron forgets at once, or never, and no gradient"
                " brings it back",
                {"decays": layer.decays, "decay": layer.decay},
            )
        if layer.never:
            told = count(len(layer.never), "neuron")
            yield self.failed(
                Target("units", layer.name, units=layer.never),
                f"{told} of {layer.neurons:,} never spike: if every spike that raises them arrives"
                f" at every step, through {layer.driver}, they stay below their threshold",
                help=self.advice,
                values={"never": layer.never, "neurons": layer.neurons, "driver": layer.driver},
                severity=Severity.NOTE,
                confidence=Confidence.LOW,
            )

    def _found(self, layer: SpikingLayer, message: str, values: dict[str, float]) -> Verdict:
        target = Target("layer", layer.name)
        return self.failed(target, message, help=self.advice, values=values)

    def weigh(self, verdict: Verdict, configured: Severity) -> Severity:
        """What hangs on the order of layers in the file is a note at most."""
        if verdict.confidence is Confidence.LOW:
            return min(configured, Severity.NOTE, key=lambda severity: severity.rank)
        return configured
