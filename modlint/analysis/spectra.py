"""Spectra of weights: eigenvalues, the power law of their tail, norms, ranks, random bulks."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import (
    Array,
    Inputs,
    LayerAnalysis,
    NetworkAnalysis,
    WholeTensorAnalysis,
)
from modlint.checkpoint import Tensor
from modlint.dtypes import precision_of
from modlint.errors import Unavailable
from modlint.network import Call, Network
from modlint.results.spectra import Lipschitz, Ranks, Recurrence, Spectrum, Structure


class TensorSpectrum(WholeTensorAnalysis[Spectrum], frozen=True):
    """What WeightWatcher measures of a weight, by its definitions (arXiv 1810.01075).

    Of a convolution one matrix for each position of its kernel, of a stack of matrices one for
    each; their eigenvalues are taken together.

    Attributes:
        bulk: whether the Marchenko-Pastur law is fitted.
        shuffles: whether the elements are shuffled and measured again.
        exact: whether all eigenvalues are computed, whatever the size.
        seed: of the shuffles.
    """

    bulk: bool = True
    shuffles: bool = False
    exact: bool = False
    seed: int = 0

    name: ClassVar[str] = "tensor-spectrum"
    description: ClassVar[str] = "eigenvalues of a weight: power law, norms, ranks, random bulk"

    def compute(self, tensor: Tensor, inputs: Inputs) -> Spectrum:
        """Compute.

        Raises:
            Unavailable: the elements cannot be read, are all zero, or are not all finite.
        """
        values = inputs.weight(tensor.name)
        try:
            return self.of_array(values, precision_of(tensor.dtype.name))
        except Unavailable as reason:
            raise Unavailable(f"tensor {tensor.name}: {reason}") from reason

    def of_array(self, values: Array, precision: float) -> Spectrum:
        """The same of values that are no tensor of a file: a product of low-rank factors.

        Raises:
            Unavailable: they have no elements, are all zero, or are not all finite.
        """
        from modlint.numerics.spectra.measures import Wanted, spectrum

        wanted = Wanted(self.bulk, self.shuffles, self.exact, self.seed)
        return spectrum(values, precision, wanted)

    def of_product(self, down: Array, up: Array, scale: float, precision: float) -> Spectrum:
        """The same of scale · B A, without forming it; no bulk, which a low-rank matrix lacks.

        Raises:
            Unavailable: the factors make no product, are zero, or are not all finite.
        """
        from msgspec.structs import replace

        from modlint.numerics.spectra.products import core, update

        plain = replace(self, bulk=False, shuffles=False)
        found = plain.of_array(core(down, up, scale), precision)
        sizes = sorted((len(up), down.size // len(down)))
        five = update(down, up, scale)
        return replace(found, rows=sizes[1], columns=sizes[0], kernels=None, update=five)


class WeightRanks(WholeTensorAnalysis[tuple[Ranks, ...]], frozen=True):
    """Ranks of a weight as a matrix (first axis, all others), of a stack those of each item.

    Dead rows and columns are left out; what is zero throughout has none. Source: Feng et al.,
    Rank Diminishing in Deep Neural Networks, arXiv 2206.06072.

    Attributes:
        distance: relative, of the matrix of lower rank that stands for it (`compressed`).
    """

    distance: float = 0.02

    name: ClassVar[str] = "weight-ranks"
    description: ClassVar[str] = "rank and effective rank of a weight, without dead rows"

    def compute(self, tensor: Tensor, inputs: Inputs) -> tuple[Ranks, ...]:
        """Compute.

        Raises:
            Unavailable: the elements cannot be read, or it is too large.
        """
        from modlint.numerics.spectra.ranks import ranks

        try:
            return ranks(inputs.weight(tensor.name), precision_of(tensor.dtype.name), self.distance)
        except Unavailable as reason:
            raise Unavailable(f"tensor {tensor.name}: {reason}") from reason


class WeightStructure(WholeTensorAnalysis["Structure | None"], frozen=True):
    """How a weight could be stored with half of its elements or fewer; None where it could not.

    Attributes:
        distance: relative, of the weight that is rebuilt from what is kept.
    """

    distance: float = 0.02

    name: ClassVar[str] = "weight-structure"
    description: ClassVar[str] = "Toeplitz, circulant, low-rank, block structure of a weight"

    def compute(self, tensor: Tensor, inputs: Inputs) -> Structure | None:
        """Try each.

        Raises:
            Unavailable: the elements cannot be read, are not finite, or are too many.
        """
        from modlint.numerics.spectra.structures import structure

        return structure(inputs.weight(tensor.name), self.distance)


class LayerRank(LayerAnalysis[Ranks], frozen=True):
    """The rank of a layer's weight as the network computes with it: rows by all else.

    Attributes:
        centred: whether the mean of its rows is taken off: what all outputs share tells none apart.
    """

    centred: bool = False

    name: ClassVar[str] = "layer-rank"
    description: ClassVar[str] = "rank of a layer's weight, of centred rows where asked for"

    def compute(self, layer: Call, inputs: Inputs) -> Ranks:
        """Compute.

        Raises:
            Unavailable: its entries are not known or not finite, or are zero throughout.
        """
        from modlint.numerics.spectra.calls import call_rank

        return call_rank(layer, inputs, centred=self.centred)


class StateRadius(LayerAnalysis["Recurrence | None"], frozen=True):
    """Spectral radii of the matrices that carry a recurrent layer's state on.

    None of what carries no state, or projects it.
    """

    name: ClassVar[str] = "state-radius"
    description: ClassVar[str] = "spectral radii of a recurrent layer's gates"

    def compute(self, layer: Call, inputs: Inputs) -> Recurrence | None:
        """Compute.

        Raises:
            Unavailable: its entries are not known or not finite, or are too many.
        """
        from modlint.numerics.spectra.calls import recurrence

        return recurrence(layer, inputs) if layer.delay else None


class LipschitzBound(NetworkAnalysis["Lipschitz | str"], frozen=True):
    """By how much a network stretches at most (arXiv 2404.04549, 2109.00959), or why none is known.

    Recurrence, norms of the data and products of channels have no such bound.
    """

    name: ClassVar[str] = "lipschitz-bound"
    description: ClassVar[str] = "product of the layers' largest singular values, norms folded in"

    def compute(self, network: Network, inputs: Inputs) -> Lipschitz | str:
        """Compute.

        Raises:
            Unavailable: a weight is not known, or not finite.
        """
        from modlint.numerics.spectra.lipschitz import lipschitz

        return lipschitz(network, inputs)


def merged(weight: Array, down: Array, up: Array, scale: float) -> Array:
    """W + scale · B A, in the weight's shape.

    Raises:
        Unavailable: the shapes do not fit, or the factors are not finite.
    """
    from modlint.numerics.spectra.products import merged

    return merged(weight, down, up, scale)


def difference(new: Array, old: Array) -> Array:
    """The change of a weight.

    Raises:
        Unavailable: the shapes differ.
    """
    from modlint.numerics.spectra.products import difference

    return difference(new, old)
