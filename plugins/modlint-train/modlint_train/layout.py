"""A weight's elements by the units that they join, whatever the layout they are stored in."""

from __future__ import annotations

import torch

from modlint.network import Layer, Network


def by_units(network: Network, layer: Layer, weight: torch.Tensor) -> torch.Tensor:
    """A view of a weight by the units that its elements join.

    Args:
        network: the network.
        layer: one of its layers.
        weight: a tensor laid out as the layer's weight, contiguous.

    Returns:
        (groups, targets in a group, sources in a group, columns per source, kernel positions);
        writing to it writes to the weight.
    """
    groups, columns = layer.groups, layer.columns_per_unit
    targets = network.group(layer.target).size // groups
    sources = network.group(layer.source).size // groups
    # a flattened channel's columns lie together, or (channels last) one in each position
    inputs = (columns, sources) if layer.channels_last else (sources, columns)
    if layer.transposed or layer.kind == "conv-transpose":
        view = weight.view(groups, *inputs, targets, -1).permute(0, 3, 1, 2, 4)
    else:
        view = weight.view(groups, targets, *inputs, -1)
    return view.transpose(2, 3) if layer.channels_last else view


def spread(layer: Layer, factors: torch.Tensor) -> torch.Tensor:
    """Factors of edges as factors of the weights that make them up.

    Args:
        layer: the layer.
        factors: (sources, targets); between groups of a convolution they are of no account.

    Returns:
        (groups, targets in a group, sources in a group, 1, 1), for `by_units`.
    """
    sources, targets = (size // layer.groups for size in factors.shape)
    tiles = factors.view(layer.groups, sources, layer.groups, targets)
    return tiles.diagonal(dim1=0, dim2=2).permute(2, 1, 0)[..., None, None]
