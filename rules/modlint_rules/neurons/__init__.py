"""NEU: neurons that do nothing, or too much."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Cost, Persona, Severity

DEAD_NEURONS = RuleReference(
    code="NEU001",
    name="dead-neurons",
    severity=Severity.NOTE,
    summary="hidden units have no weights out, or none in and an output of zero",
    source="Lu et al., Dying ReLU and Initialization, arXiv 1903.06733, section 2",
    place="modlint_rules.neurons.dead_neurons:DeadNeurons",
    cost=Cost.PASS,
)

NEGLIGIBLE_FLOW = RuleReference(
    code="NEU002",
    name="negligible-flow",
    severity=Severity.WARNING,
    summary="hidden units are connected, but next to nothing runs through them",
    source="Tanaka et al., Pruning neural networks ... by iteratively conserving synaptic flow",
    place="modlint_rules.neurons.negligible_flow:NegligibleFlow",
    cost=Cost.PASS,
)

PROVABLY_DEAD_RELU = RuleReference(
    code="NEU003",
    name="provably-dead-relu",
    severity=Severity.WARNING,
    summary="units of a ReLU are zero whatever the input, by bounds on what they read",
    source="Neuman et al., arXiv 2404.04549; Gowal et al., arXiv 1810.12715, section 3: bounds",
    place="modlint_rules.neurons.provably_dead_relu:ProvablyDeadRelu",
    cost=Cost.PASS,
)

SILENCED_BY_NORM = RuleReference(
    code="NEU004",
    name="silenced-by-norm",
    severity=Severity.NOTE,
    summary="a norm scales channels to next to nothing, or shifts them below a ReLU's zero",
    source="Liu et al., Network Slimming, arXiv 1708.06519, section 3: scales of batch norms",
    place="modlint_rules.neurons.silenced_by_norm:SilencedByNorm",
    cost=Cost.PASS,
)

DUPLICATE_NEURONS = RuleReference(
    code="NEU005",
    name="duplicate-neurons",
    severity=Severity.NOTE,
    summary="units of a layer compute the same",
    source="Kim et al., Neuron Merging, NeurIPS 2020, arXiv 2010.13160, section 3",
    place="modlint_rules.neurons.duplicate_neurons:DuplicateNeurons",
    cost=Cost.PASS,
    persona=Persona.PEDANTIC,
)

CONCENTRATED_FLOW = RuleReference(
    code="NEU006",
    name="concentrated-flow",
    severity=Severity.INFORMATION,
    summary="few units of a layer carry nearly all of its flow",
    source="van Meegen and Sompolinsky, arXiv 2406.16689, coding schemes; flow of arXiv 2006.05467",
    place="modlint_rules.neurons.concentrated_flow:ConcentratedFlow",
    cost=Cost.PASS,
)

BOTTLENECK_NEURON = RuleReference(
    code="NEU007",
    name="bottleneck-neuron",
    severity=Severity.WARNING,
    summary="one unit carries most of its layer's flow",
    source="Yousefpour et al., ResiliNet, arXiv 2002.07386; flow of Tanaka et al., 2006.05467",
    place="modlint_rules.neurons.bottleneck_neuron:BottleneckNeuron",
    cost=Cost.PASS,
)

DUPLICATE_HEADS = RuleReference(
    code="NEU009",
    name="duplicate-heads",
    severity=Severity.NOTE,
    summary="heads of an attention compute the same",
    source="model-clinic 0.4.2; Michel et al., Are Sixteen Heads Really Better ..., 1905.10650",
    place="modlint_rules.neurons.duplicate_heads:DuplicateHeads",
    cost=Cost.PASS,
    persona=Persona.PEDANTIC,
)

SPIKING_PARAMETERS = RuleReference(
    code="NEU010",
    name="spiking-parameters",
    severity=Severity.WARNING,
    summary="spiking neurons cannot reach their threshold, or decay outside 0 to 1",
    source="Neuman et al., arXiv 2404.04549; Eshraghian et al., snnTorch, arXiv 2109.12894",
    place="modlint_rules.neurons.spiking_parameters:SpikingParameters",
    cost=Cost.PASS,
)

RULES = (
    DEAD_NEURONS,
    NEGLIGIBLE_FLOW,
    PROVABLY_DEAD_RELU,
    SILENCED_BY_NORM,
    DUPLICATE_NEURONS,
    CONCENTRATED_FLOW,
    BOTTLENECK_NEURON,
    DUPLICATE_HEADS,
    SPIKING_PARAMETERS,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
