"""A layer's edges as an operator: sums over them without the matrix of them.

An edge is what `modlint.numerics.graph.weights` makes one: the L1 norm of a kernel, the norms
around it folded in, columns of one unit added up.
"""

from __future__ import annotations

from math import inf

from msgspec import Struct

from modlint.errors import Unavailable
from modlint.network import Layer, Network
from modlint.numerics.graph.kernels import flat, in_groups, pieces
from modlint.numerics.graph.layout import blame, by_unit, column_factors, row_factors
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import filled, is_finite, largest, magnitudes


class LayerEdges(Struct, frozen=True, eq=False):
    """The edges of one layer, read from its weight whenever they are asked for.

    Attributes:
        network: the network.
        layer: the layer.
        inputs: its weights.
    """

    network: Network
    layer: Layer
    inputs: Inputs

    def forward(self, units: Array) -> Array:
        """Σ_i e_ij x_i for each unit j that the layer drives: (out,) float64.

        Args:
            units: x, (in,) float64, of the units that it reads; finite.

        Raises:
            Unavailable: a weight is not finite, or its shape contradicts the network.
        """
        layer, kernels = self.layer, self._kernels()
        groups, rows, fan_in, positions = kernels.shape
        columns = filled(groups * fan_in, 0.0, self.inputs.device)
        by_unit(layer, columns)[:] = units.reshape(len(units), 1)
        columns *= abs(column_factors(self.network, layer, self.inputs))
        each = columns.reshape(groups, fan_in, 1)
        columns = each + filled(positions, 0.0, self.inputs.device)
        found = filled((groups, rows), 0.0, self.inputs.device)
        for piece, (group, row, column) in pieces(kernels):
            weights = magnitudes(flat(piece))
            if not largest(weights) < inf:
                raise Unavailable(blame(layer, self.inputs))
            entries = columns[group, column].reshape(weights.shape[0], weights.shape[2], 1)
            found[group, row] += (weights @ entries)[:, :, 0]
        found = found.reshape(-1) * abs(row_factors(self.network, layer, self.inputs))
        if not is_finite(found):
            raise Unavailable(blame(layer, self.inputs))
        return found

    def backward(self, units: Array) -> Array:
        """Σ_j e_ij y_j for each unit i that the layer reads: (in,) float64.

        Args:
            units: y, (out,) float64, of the units that it drives; finite.

        Raises:
            Unavailable: a shape contradicts the network.
        """
        layer, kernels = self.layer, self._kernels()
        groups, rows, fan_in, positions = kernels.shape
        units = units * abs(row_factors(self.network, layer, self.inputs))
        units = units.reshape(groups, 1, rows)
        found = filled((groups, fan_in, positions), 0.0, self.inputs.device)
        for piece, (group, row, column) in pieces(kernels):
            sums = units[group, :, row] @ magnitudes(flat(piece))
            found[group, column] += sums.reshape(sums.shape[0], -1, positions)
        columns = found.sum(2).reshape(-1)
        columns = columns * abs(column_factors(self.network, layer, self.inputs))
        return by_unit(layer, columns).sum(1)

    def _kernels(self) -> Array:
        return in_groups(self.network, self.layer, self.inputs.weight(self.layer.weight))
