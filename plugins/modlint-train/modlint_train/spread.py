"""From factors of edges to factors of the weights that make these edges up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from modlint.analysis.weights import WeightGraph
from modlint.network import Layer, Network
from modlint_train.live import LiveInputs


def spread(
    network: Network, layer: Layer, factors: torch.Tensor, tensors: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """Each weight's factor: that of the edge it belongs to.

    An edge is a sum of |w|, so at w = 1 the gradient of Σ factor · edge by a weight is the factor
    of the weight's edge: flattening, groups and transposition are undone by autograd.

    Args:
        network: the network.
        layer: one of its layers.
        factors: (in, out) by neuron; where no edge can exist they are of no account.
        tensors: the network's tensors by name.

    Returns:
        (shape of the weight) in the weight's dtype, on its device.
    """
    weight = tensors[layer.weight]
    ones = torch.ones_like(weight, requires_grad=True)
    bare = replace(network, layers=(replace(layer, input_norms=(), output_norms=()),))
    with torch.enable_grad():
        (block,) = WeightGraph().compute(bare, LiveInputs(bare, {layer.weight: ones})).blocks
        total = (block.weights * factors.to(block.weights)).sum()
    return torch.autograd.grad(total, ones)[0]
