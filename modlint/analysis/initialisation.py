"""Whether a weight is still what an initialiser drew: the elements, and the spectrum."""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, Inputs, WholeTensorAnalysis
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.initialisation import Initialisation

_STATISTICS = TensorStatistics()


class InitialDistribution(WholeTensorAnalysis[Initialisation], frozen=True):
    """How well a uniform, a normal and a truncated normal initialiser explain the elements."""

    name: ClassVar[str] = "initial-distribution"
    description: ClassVar[str] = "Kolmogorov-Smirnov tests of a weight against initialisers"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The moments, which exclude most initialisers without a look at the elements."""
        return (_STATISTICS,)

    def compute(self, tensor: Tensor, inputs: Inputs) -> Initialisation:
        """Compare a sample of at most 65,536 elements.

        Raises:
            Unavailable: the elements cannot be read, are not all finite, or are mostly zero.
        """
        from modlint.numerics.tensor.initialisers import initialisation

        statistics = inputs.result(_STATISTICS, tensor)
        if statistics.non_finite:
            raise Unavailable(f"tensor {tensor.name}: not all elements are finite")
        if 2 * statistics.zeros > statistics.elements:
            raise Unavailable(f"tensor {tensor.name}: most elements are zero")
        return initialisation(lambda: inputs.weight(tensor.name), statistics, tensor.dtype.name)


class SpectralExcess(WholeTensorAnalysis[float], frozen=True):
    """How far the largest eigenvalue of W·Wᵀ lies above the edge of a random matrix.

    In scales of the Tracy–Widom law, over at most 512 rows and columns of the tensor as a matrix
    (first axis, all others): at most 4 in a matrix of independent elements but for one in 5,000.
    Source: Marčenko and Pastur 1967; Johnstone, Annals of Statistics 29 (2001), theorem 1.1.
    """

    name: ClassVar[str] = "spectral-excess"
    description: ClassVar[str] = "largest eigenvalue above the Marchenko-Pastur edge"

    def compute(self, tensor: Tensor, inputs: Inputs) -> float:
        """Compute the eigenvalues of the smaller Gram matrix.

        Raises:
            Unavailable: the elements cannot be read, or there is no spectrum.
        """
        from modlint.numerics.tensor.marchenko_pastur import spectral_excess

        excess = spectral_excess(inputs.weight(tensor.name))
        if excess is None:
            raise Unavailable(f"tensor {tensor.name}: it is no matrix of finite elements")
        return excess
