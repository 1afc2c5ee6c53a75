"""Scaling units without changing the function (Filan et al., arXiv 2103.03386, section 5)."""

from __future__ import annotations

import torch
from torch import nn

from modlint.network import Layer, Network, Norm
from modlint.numerics.graph.layout import norm_factors, part
from modlint_train.errors import NotScalable
from modlint_train.homogeneous import Trace
from modlint_train.layout import by_units
from modlint_train.live import LiveInputs, infer, live_tensors

NORM = 2**0.5
"""Length of a unit's weights and bias."""


def normalise_units_(module: nn.Module) -> None:
    """Scale every hidden unit's in-weights and bias to L2 norm √2, its out-weights inversely.

    The function stays the same. A batch norm between a layer and its activation counts as folded
    into the layer, and its γ and β are scaled in the layer's stead. Units without weights are left.
    In a loop use `UnitNormaliser`.

    Args:
        module: any that modlint rebuilds networks from and `torch.fx` traces.

    Raises:
        NotInferred: modlint rebuilds no network from the module.
        NotScalable: behind a hidden layer stands something besides ReLU-like activations, pooling,
            dropout, reshaping and a batch norm in front of the activation.
    """
    UnitNormaliser(module)()


class UnitNormaliser:
    """`normalise_units_` for a training loop: the module is examined once.

    Args:
        module: as for `normalise_units_`; its layers must stay as they are.

    Raises:
        NotInferred, NotScalable: as `normalise_units_` does.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module, self._networks = module, infer(module)
        tensors, trace = live_tensors(module), Trace(module)
        for network in self._networks:
            _require_untied(network, tensors)
            for layer in _hidden(network):
                consumers = _consumers(network, layer)
                norm = _scaled_norm(layer, consumers)
                owner = None if norm is None else str(norm.scale).rpartition(".")[0]
                trace.require_homogeneous(layer.name, frozenset(c.name for c in consumers), owner)

    @torch.no_grad()
    def __call__(self) -> None:
        """Scale the units to the norm, in place."""
        tensors = live_tensors(self._module)
        for network in self._networks:
            inputs = LiveInputs(network, tensors)
            for layer in _hidden(network):
                _normalise(layer, inputs)


def _normalise(layer: Layer, inputs: LiveInputs) -> None:
    length = _lengths(layer, inputs)
    # a unit that is all but zero would need a factor that its own precision does not hold
    most = torch.finfo(inputs.weight(layer.weight).dtype).max ** 0.5
    factors = torch.where(length > NORM / most, NORM / length, 1.0)
    if layer.output_norms:
        (norm,) = layer.output_norms
        scaled = [norm.scale, norm.shift]
    else:
        weight = inputs.weight(layer.weight)
        _scale(by_units(inputs.network, layer, weight), factors, 1)
        scaled = [layer.bias]
    for name in scaled:
        if name is not None:
            inputs.weight(name).mul_(factors.to(inputs.weight(name)))
    for consumer in _consumers(inputs.network, layer):
        view = by_units(inputs.network, consumer, inputs.weight(consumer.weight))
        _scale(view, 1 / factors, 2)


def _scale(view: torch.Tensor, factors: torch.Tensor, axis: int) -> None:
    """Scale a `by_units` view by target (axis 1) or by source (axis 2)."""
    shape = [view.shape[0], 1, 1, 1, 1]
    shape[axis] = -1
    view.mul_(factors.to(view).view(shape))


def _lengths(layer: Layer, inputs: LiveInputs) -> torch.Tensor:
    """L2 norm of each unit's in-weights and bias, the layer's batch norm folded: (units,) float64.

    Folded: w·f and (b − μ)·f + β with f = γ/√(σ² + ε).
    """
    weights = by_units(inputs.network, layer, inputs.weight(layer.weight))
    squares = weights.double().square().sum((2, 3, 4)).flatten()
    bias = part(layer.bias, inputs, 0.0)
    for norm in layer.output_norms:
        factors = norm_factors(norm, inputs)
        bias = (bias - part(norm.mean, inputs, 0.0)) * factors + part(norm.shift, inputs, 0.0)
        squares = squares * factors.square()
    lengths: torch.Tensor = (squares + bias.square()).sqrt()
    return lengths


def _hidden(network: Network) -> list[Layer]:
    return [layer for layer in network.layers if network.group(layer.target).role == "hidden"]


def _consumers(network: Network, layer: Layer) -> list[Layer]:
    return [consumer for consumer in network.layers if consumer.source == layer.target]


def _scaled_norm(layer: Layer, consumers: list[Layer]) -> Norm | None:
    """The batch norm in front of the layer's activation, if any.

    Raises:
        NotScalable: there are other norms around, or it has no γ and β.
    """
    if any(consumer.input_norms for consumer in consumers):
        raise NotScalable(f"layer {layer.name!r}: a norm stands behind its activation")
    norms = layer.output_norms
    if not norms:
        return None
    if len(norms) > 1 or norms[0].kind != "batch" or None in (norms[0].scale, norms[0].shift):
        raise NotScalable(f"layer {layer.name!r}: only one batch norm with γ and β can be scaled")
    return norms[0]


def _require_untied(network: Network, tensors: dict[str, torch.Tensor]) -> None:
    owner: dict[int, str] = {}
    for layer in network.layers:
        first = owner.setdefault(id(tensors[layer.weight]), layer.name)
        if first != layer.name:
            raise NotScalable(f"layer {layer.name!r} shares its weight with {first!r}")
