"""Scaling units without changing the function (Filan et al., arXiv 2103.03386, section 5)."""

from __future__ import annotations

import torch
from torch import nn

from modlint.neighbours import norms_before
from modlint.network import Call, Network, Norm
from modlint.numerics.graph.folding import norm_factors, part
from modlint_train.errors import NotScalable
from modlint_train.homogeneous import Trace
from modlint_train.layout import by_column, kernels, sources, writable
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
                norm = _scaled_norm(network, layer, consumers)
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


def _normalise(call: Call, inputs: LiveInputs) -> None:
    network, length = inputs.network, _lengths(call, inputs)
    # a unit that is all but zero would need a factor that its own precision does not hold
    most = torch.finfo(inputs.weight(call.weight).dtype).max ** 0.5
    factors = torch.where(length > NORM / most, NORM / length, 1.0)
    if network.norms_after[call.name]:
        (norm,) = network.norms_after[call.name]
        scaled = [norm.scale, norm.shift]
    else:
        with writable(call, inputs.weight(call.weight)) as view:
            view.mul_(factors.to(view).view(call.groups, -1, 1, 1))
        scaled = [call.bias]
    for name in scaled:
        if name is not None:
            inputs.weight(name).mul_(factors.to(inputs.weight(name)))
    units = {network.value(call.target).group: 1 / factors}
    for consumer in _consumers(network, call):
        with writable(consumer, inputs.weight(consumer.weight)) as view:
            columns = by_column(network, consumer, units)
            view.mul_(columns.to(view).view(consumer.groups, 1, -1, 1))


def _lengths(call: Call, inputs: LiveInputs) -> torch.Tensor:
    """L2 norm of each unit's in-weights and bias, the layer's batch norm folded: (units,) float64.

    Folded: w·f and (b − μ)·f + β with f = γ/√(σ² + ε).
    """
    weights = kernels(call, inputs.weight(call.weight).contiguous())
    squares = weights.double().square().sum((2, 3)).flatten()
    bias = part(call.bias, inputs, 0.0)
    for norm in inputs.network.norms_after[call.name]:
        factors = norm_factors(norm, inputs)
        bias = (bias - part(norm.mean, inputs, 0.0)) * factors + part(norm.shift, inputs, 0.0)
        squares = squares * factors.square()
    lengths: torch.Tensor = (squares + bias.square()).sqrt()
    return lengths


def _hidden(network: Network) -> list[Call]:
    return [
        call
        for call in network.calls
        if network.group(network.value(call.target).group).role == "hidden"
    ]


def _consumers(network: Network, call: Call) -> list[Call]:
    group = network.value(call.target).group
    return [consumer for consumer in network.calls if sources(network, consumer) & {group}]


def _scaled_norm(network: Network, call: Call, consumers: list[Call]) -> Norm | None:
    """The batch norm in front of the layer's activation, if any.

    Raises:
        NotScalable: other layers drive the units too, they are joined with others, there are other
            norms around, or the norm has no γ and β.
    """
    group = network.value(call.target).group
    drivers = [one for one in network.calls if network.value(one.target).group == group]
    if len(drivers) > 1 or any(len(sources(network, one)) > 1 for one in consumers):
        raise NotScalable(f"layer {call.name!r}: its units are joined with those of others")
    if any(True for consumer in consumers for _ in norms_before(network, consumer)):
        raise NotScalable(f"layer {call.name!r}: a norm stands behind its activation")
    norms = network.norms_after[call.name]
    if not norms:
        return None
    if len(norms) > 1 or norms[0].kind != "batch" or None in (norms[0].scale, norms[0].shift):
        raise NotScalable(f"layer {call.name!r}: only one batch norm with γ and β can be scaled")
    return norms[0]


def _require_untied(network: Network, tensors: dict[str, torch.Tensor]) -> None:
    owner: dict[int, str] = {}
    for layer in network.calls:
        first = owner.setdefault(id(tensors[layer.weight]), layer.name)
        if first != layer.name:
            raise NotScalable(f"layer {layer.name!r} shares its weight with {first!r}")
