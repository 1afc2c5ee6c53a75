"""From torch's tensors to numpy's arrays, for what is computed on the CPU wherever weights lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modlint.numerics.inputs import Array, Device, Inputs
from modlint.numerics.tensor.arrays import is_complex, is_double, on_numpy


class OnNumpy(Struct, frozen=True, eq=False):
    """The same inputs with every weight an array of numpy's."""

    inputs: Inputs

    @property
    def device(self) -> Literal["cpu"]:
        """Where numpy computes."""
        return "cpu"

    def device_for(self, work: int) -> Device:
        """Where to compute with a graph."""
        return self.inputs.device_for(work)

    @property
    def progress(self) -> Callable[[str, int, int], None]:
        """To be called as work is done."""
        return self.inputs.progress

    def weight(self, name: str) -> NDArray[Any]:
        """A tensor's values by its name; read-only."""
        return as_array(self.inputs.weight(name))

    def stored(self, name: str) -> NDArray[Any]:
        """A tensor's elements as they are stored, in a type that numpy has; read-only."""
        return as_array(self.inputs.stored(name))

    def result(self, *asked: Any) -> Any:
        """The result of an analysis that a description names."""
        return self.inputs.result(*asked)


def as_array(values: Array) -> NDArray[Any]:
    """A tensor as an array; types that numpy lacks become one that holds all their values."""
    if not on_numpy(values):
        values = values.detach().cpu()
        if is_complex(values):
            values = values if is_double(values) else values.cfloat()
        elif values.is_floating_point() and not is_double(values):
            values = values.float()
        values = values.numpy()
    return np.asarray(values)
