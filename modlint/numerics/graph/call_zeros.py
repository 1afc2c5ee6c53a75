"""Which entries of a call's weight are exactly zero, asked by row and by column."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modlint.network import Call
from modlint.numerics.graph.kernels import flat, kernels_of, pieces
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import filled, nonzero, on_numpy

Mask = NDArray[np.bool_]


class CallZeros(Struct, frozen=True, eq=False):
    """The zeros of one call's weight as it is stored, read whenever they are asked for."""

    call: Call
    inputs: Inputs

    def rows(self, *columns: Mask) -> tuple[Mask, ...]:
        """For each mask of columns, which rows hold an entry there that is not zero: (rows,).

        Raises:
            Unavailable: the weight's entries are not known.
        """
        kernels = self._kernels()
        groups, rows, fan_in, positions = kernels.shape
        found = [filled((groups, rows), False, self.inputs.device, "bool") for _ in columns]
        masks = [self._spread(mask.reshape(groups, fan_in), positions) for mask in columns]
        whole = [bool(mask.all()) for mask in columns]
        for piece, (group, row, column) in pieces(kernels):
            cells = flat(nonzero(piece))
            for kept, mask, all_of_them in zip(found, masks, whole, strict=True):
                seen = cells
                if not all_of_them:
                    own = mask[group, column]
                    seen = cells & own.reshape(own.shape[0], 1, -1)
                kept[group, row] |= seen.any(2)
        return tuple(_on_host(kept.reshape(-1)) for kept in found)

    def columns(self, rows: Mask) -> Mask:
        """Which columns hold an entry that is not zero in some row of a mask: (columns,).

        Raises:
            Unavailable: the weight's entries are not known.
        """
        kernels = self._kernels()
        groups, height, fan_in, positions = kernels.shape
        found = filled((groups, fan_in, positions), False, self.inputs.device, "bool")
        mask = self._on_device(rows.reshape(groups, height))
        whole = bool(rows.all())
        for piece, (group, row, column) in pieces(kernels):
            cells = flat(nonzero(piece))
            if not whole:
                cells = cells & mask[group, row].reshape(cells.shape[0], cells.shape[1], 1)
            found[group, column] |= cells.any(1).reshape(cells.shape[0], -1, positions)
        return _on_host(found.any(2).reshape(-1))

    def _kernels(self) -> Array:
        return kernels_of(self.call, self.inputs.stored(self.call.weight))

    def _spread(self, mask: Mask, positions: int) -> Array:
        """By column and kernel position: (groups, columns of a group, positions)."""
        return self._on_device(np.repeat(mask[:, :, None], positions, axis=2))

    def _on_device(self, mask: Mask) -> Array:
        if isinstance(self.inputs.device, str):
            return mask
        import torch

        return torch.from_numpy(np.ascontiguousarray(mask)).to(self.inputs.device)


def _on_host(mask: Array) -> Mask:
    return mask if on_numpy(mask) else mask.cpu().numpy()  # type: ignore[no-any-return]
