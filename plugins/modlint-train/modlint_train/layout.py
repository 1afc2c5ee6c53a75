"""A weight's elements by the units that they join, whatever the layout they are stored in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from modlint.network import Call, Network
from modlint.numerics.graph.channels import neurons_of, reads_of, rows_of
from modlint.numerics.graph.kernels import kernels_of


def kernels(call: Call, weight: torch.Tensor) -> torch.Tensor:
    """A view of a weight that is contiguous: (groups, rows, columns of a group, positions).

    Raises:
        Unavailable: it is not what the network says.
    """
    view: torch.Tensor = kernels_of(call, weight)
    return view


@contextmanager
def writable(call: Call, weight: torch.Tensor) -> Iterator[torch.Tensor]:
    """The kernels of a weight in any memory format, to be written to."""
    whole = weight.contiguous()
    yield kernels(call, whole)
    if whole is not weight:
        weight.copy_(whole)


def by_row(network: Network, call: Call, units: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """What is known of the unit that each row drives: (groups, rows of a group).

    Args:
        network: the network.
        call: one of its calls.
        units: by group, something of each unit.
    """
    value = network.value(call.target)
    places = neurons_of(value)[rows_of(call.drives, call.rows)]
    return units[value.group][torch.from_numpy(places)].view(call.groups, -1)


def by_column(network: Network, call: Call, units: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The same of the unit that each column reads: (groups, columns of a group)."""
    first = next(iter(units.values()))
    found = first.new_zeros(call.columns)
    for read in reads_of(call.reads):
        value = network.value(read.value)
        places = torch.from_numpy(neurons_of(value)[read.channels])
        found[torch.from_numpy(read.columns)] = units[value.group][places]
    return found.view(call.groups, -1)


def sources(network: Network, call: Call) -> frozenset[str]:
    """Names of the groups that a call reads."""
    return frozenset(network.value(span.value).group for span in call.reads)
