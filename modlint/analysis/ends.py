"""What lies at the ends of a tensor's range, for tensors of which that is in question."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Inputs, WholeTensorAnalysis
from modlint.checkpoint import Tensor
from modlint.results.ends import Ends


class TensorEnds(WholeTensorAnalysis[Ends], frozen=True):
    """Elements at and near the ends of the range, and whether all lie on a grid."""

    name: ClassVar[str] = "tensor-ends"
    description: ClassVar[str] = "elements at and near the ends of the range, values on a grid"

    def compute(self, tensor: Tensor, inputs: Inputs) -> Ends:
        """Read the tensor twice.

        Raises:
            Unavailable: its values cannot be read, or none is finite.
        """
        from modlint.numerics.tensor.ends import ends_of

        return ends_of(inputs.weight(tensor.name))
