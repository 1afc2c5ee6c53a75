"""Whether the zeros of a weight follow a pattern of n in m."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Inputs, WholeTensorAnalysis
from modlint.checkpoint import Tensor


class SparsityPattern(WholeTensorAnalysis["tuple[int, int] | None"], frozen=True):
    """n:m where of each m neighbours along the second axis at most n are not zero, else None."""

    name: ClassVar[str] = "sparsity-pattern"
    description: ClassVar[str] = "n:m structured sparsity of a weight"

    def compute(self, tensor: Tensor, inputs: Inputs) -> tuple[int, int] | None:
        """Look at each group; smaller groups first.

        Raises:
            Unavailable: the elements cannot be read.
        """
        from modlint.numerics.tensor.sparsity import pattern

        return pattern(inputs.stored(tensor.name))
