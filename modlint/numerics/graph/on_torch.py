"""From numpy's arrays to torch's tensors, for what only torch computes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from msgspec import Struct
from msgspec.structs import replace

from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import COMPLEX32, on_numpy
from modlint.results.graphs import Graph


class OnTorch(Struct, frozen=True, eq=False):
    """The same inputs with every weight a tensor on torch's device."""

    inputs: Inputs

    @property
    def device(self) -> torch.device:
        """Where torch computes."""
        return self.inputs.torch_device

    @property
    def torch_device(self) -> torch.device:
        """The same."""
        return self.inputs.torch_device

    @property
    def progress(self) -> Callable[[str, int, int], None]:
        """To be called as work is done."""
        return self.inputs.progress

    def weight(self, name: str) -> torch.Tensor:
        """A tensor's values by its name; read-only."""
        return on_torch(self.inputs.weight(name), self.device)

    def stored(self, name: str) -> torch.Tensor:
        """A tensor's elements as they are stored; read-only."""
        return on_torch(self.inputs.stored(name), self.device)

    def result(self, *asked: Any) -> Any:
        """The result of an analysis that a description names."""
        return self.inputs.result(*asked)


def on_torch(values: Array, device: torch.device) -> torch.Tensor:
    """An array as a tensor on a device, sharing the memory of numpy's where that is the CPU."""
    if not on_numpy(values):
        moved: torch.Tensor = values.to(device)
        return moved
    name = values.dtype.name
    with warnings.catch_warnings():
        # What is mapped is read-only on purpose, of which torch warns.
        warnings.simplefilter("ignore", UserWarning)
        if values.dtype == COMPLEX32:
            halves = torch.from_numpy(values.reshape(*values.shape, 1).view("<f2"))
            return torch.view_as_complex(halves.contiguous()).to(device)
        if name == "bfloat16" or name.startswith("float8"):
            codes = torch.from_numpy(values.view(f"<i{values.dtype.itemsize}"))
            return codes.view(getattr(torch, name)).to(device)
        return torch.from_numpy(values).to(device)


def graph_on_torch(graph: Graph, device: torch.device) -> Graph:
    """A graph of numpy's arrays as one of tensors, sharing their memory on the CPU."""
    return Graph(
        graph.groups,
        tuple(
            replace(
                block,
                weights=on_torch(block.weights, device),
                mask=None if block.mask is None else on_torch(block.mask, device),
            )
            for block in graph.blocks
        ),
    )
