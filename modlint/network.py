"""What a graph builder returns: groups of neurons and the weighted layers between them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from modlint.verdict import Confidence

LayerKind = Literal["linear", "conv", "conv-transpose"]
GroupRole = Literal["input", "hidden", "output"]
NetworkSource = Literal["graph", "module-tree", "names"]

RELU_LIKE = frozenset({"relu", "relu6", "clip-at-zero"})
"""Activations whose output is constant for every pre-activation that is not positive."""


class Group(Struct, frozen=True):
    """Neurons that stand side by side: units of a layer, channels, inputs.

    Attributes:
        name: unique in the network.
        size: number of neurons.
        role: inputs and outputs are neurons too; a residual stream that comes from outside is an
            input.
        exposed: neurons, not outputs, that something besides the network's layers reads: they are
            an output as well, or feed what the builder could not follow.
    """

    name: str
    size: int
    role: GroupRole
    exposed: bool = False


class Norm(Struct, frozen=True):
    """A per-neuron affine map: a normalisation in inference form.

    y = (x − mean)/√(variance + epsilon) · scale + shift; each part is a tensor's name or None.
    """

    kind: Literal["batch", "layer", "group", "rms", "affine"]
    size: int
    scale: str | None = None
    shift: str | None = None
    mean: str | None = None
    variance: str | None = None
    epsilon: float = 1e-5

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of its tensors."""
        parts = (self.scale, self.shift, self.mean, self.variance)
        return tuple(name for name in parts if name is not None)


class Layer(Struct, frozen=True):
    """A weight tensor between two groups of neurons, and what stands around it.

    Attributes:
        name: the layer's name in the file ("fc1"; an ONNX node's name).
        kind: how the weight is stored: "linear" and "conv" as (out, in/groups, *kernel),
            "conv-transpose" as (in, out/groups, *kernel).
        shape: the weight's shape, as stored or as a graph reshapes it before use.
        source: group whose neurons it reads.
        target: group whose neurons it drives.
        inputs: names of the layers that drive `source`, empty for the network's input.
        weight: name of the weight tensor.
        bias: name of the bias tensor, if any.
        transposed: a linear weight stored as (in, out).
        groups: groups of a grouped convolution; depthwise is in = groups.
        columns_per_unit: input columns that one source neuron owns (flatten → linear), else 1.
        channels_last: the flattened columns run position-major (H, W, C), not channel-major.
        input_norms: norms between the source's activation and this layer, nearest first; they are
            folded into this layer's weights by column.
        output_norms: norms between this layer and its activation, nearest first; folded by row.
        activation: what follows, by ONNX's name in lower case ("relu"); "identity" for none, None
            where the file does not tell.
    """

    name: str
    kind: LayerKind
    shape: tuple[int, ...]
    source: str
    target: str
    inputs: tuple[str, ...]
    weight: str
    bias: str | None = None
    transposed: bool = False
    groups: int = 1
    columns_per_unit: int = 1
    channels_last: bool = False
    input_norms: tuple[Norm, ...] = ()
    output_norms: tuple[Norm, ...] = ()
    activation: str | None = None

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of all tensors that belong to the layer."""
        own = (self.weight,) if self.bias is None else (self.weight, self.bias)
        norms = (*self.input_norms, *self.output_norms)
        return tuple(dict.fromkeys((*own, *(name for norm in norms for name in norm.tensors))))


class Network(Struct, frozen=True):
    """A network that the file holds, or the reason why none could be rebuilt.

    Attributes:
        id: unique in the file ("0", "generator", "ema").
        source: how it was obtained; None where it was not.
        confidence: how sure the builder is of the structure.
        groups: groups of neurons, in topological order.
        layers: layers, in topological order.
        final_norms: norms whose factors no layer reads: they scale no edge.
        reason: why there is no network, None where there is one.
        remarks: assumptions that a reader of the report should know.
    """

    id: str
    source: NetworkSource | None = None
    confidence: Confidence | None = None
    groups: tuple[Group, ...] = ()
    layers: tuple[Layer, ...] = ()
    final_norms: tuple[Norm, ...] = ()
    reason: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def neurons(self) -> int:
        """Number of neurons over all groups, inputs and outputs included."""
        return sum(group.size for group in self.groups)

    @property
    def connections(self) -> int:
        """Number of edges after channel aggregation (method: one per neuron pair and layer)."""
        size = {group.name: group.size for group in self.groups}
        return sum(size[la.source] * size[la.target] // la.groups for la in self.layers)

    def group(self, name: str) -> Group:
        """The group called `name`.

        Raises:
            KeyError: there is none.
        """
        for group in self.groups:
            if group.name == name:
                return group
        raise KeyError(name)

    def with_activation(self, activation: str | None) -> Network:
        """The same network with `activation` on hidden layers whose own the file does not tell."""
        if activation is None:
            return self
        hidden = {group.name for group in self.groups if group.role == "hidden"}
        layers = tuple(
            replace(layer, activation=layer.activation or activation)
            if layer.target in hidden
            else layer
            for layer in self.layers
        )
        return replace(self, layers=layers)

    @property
    def tensors(self) -> frozenset[str]:
        """Names of all tensors that belong to some layer or norm."""
        of_layers = frozenset(name for layer in self.layers for name in layer.tensors)
        return of_layers.union(*(norm.tensors for norm in self.final_norms))
