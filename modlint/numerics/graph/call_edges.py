"""A call's edges as an operator: sums over them without the matrix of them.

An edge is the L1 norm of a kernel; columns and rows are as the call has them, norms not folded.
"""

from __future__ import annotations

from math import inf

import numpy as np
from msgspec import Struct

from modlint.errors import Unavailable
from modlint.network import Call, Network
from modlint.numerics.graph.channels import Floats
from modlint.numerics.graph.folding import blame
from modlint.numerics.graph.kernels import flat, kernels_of, pieces
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import filled, largest, magnitudes, on_numpy


class CallEdges(Struct, frozen=True, eq=False):
    """The edges of one call, read from its weight whenever they are asked for.

    Attributes:
        network: the network.
        call: the call.
        inputs: its weights.
    """

    network: Network
    call: Call
    inputs: Inputs

    def forward(self, columns: Floats) -> Floats:
        """Σ_i |w_ji| x_i for each row j: (rows,).

        Args:
            columns: x, (columns,), finite.

        Raises:
            Unavailable: a weight is not finite, or its entries are not known.
        """
        kernels = self._kernels()
        groups, rows, fan_in, positions = kernels.shape
        each = self._on_device(columns).reshape(groups, fan_in, 1)
        spread = each + filled(positions, 0.0, self.inputs.device)
        found = filled((groups, rows), 0.0, self.inputs.device)
        for piece, (group, row, column) in pieces(kernels):
            weights = magnitudes(flat(piece))
            if not largest(weights) < inf:
                raise Unavailable(blame(self.call, self.network, self.inputs))
            entries = spread[group, column].reshape(weights.shape[0], weights.shape[2], 1)
            found[group, row] += (weights @ entries)[:, :, 0]
        return on_host(found.reshape(-1))

    def backward(self, rows: Floats) -> Floats:
        """Σ_j |w_ji| y_j for each column i: (columns,).

        Args:
            rows: y, (rows,), finite.

        Raises:
            Unavailable: the weight's entries are not known.
        """
        kernels = self._kernels()
        groups, height, fan_in, positions = kernels.shape
        each = self._on_device(rows).reshape(groups, 1, height)
        found = filled((groups, fan_in, positions), 0.0, self.inputs.device)
        for piece, (group, row, column) in pieces(kernels):
            sums = each[group, :, row] @ magnitudes(flat(piece))
            found[group, column] += sums.reshape(sums.shape[0], -1, positions)
        return on_host(found.sum(2).reshape(-1))

    def _kernels(self) -> Array:
        return kernels_of(self.call, self.inputs.weight(self.call.weight))

    def _on_device(self, values: Floats) -> Array:
        if isinstance(self.inputs.device, str):
            return values
        import torch

        return torch.from_numpy(np.ascontiguousarray(values)).to(self.inputs.device)


def on_host(values: Array) -> Floats:
    """Real values as numpy's, in float64."""
    if on_numpy(values):
        return np.asarray(values, dtype=np.float64)
    host: Floats = values.detach().double().cpu().numpy()
    return host
