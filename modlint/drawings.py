"""What a report holds for formats that draw: histograms, layers, weights in order of clusters."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modlint.neighbours import calls_behind, norms_before
from modlint.network import Call, Network
from modlint.results.histogram import Histogram
from modlint.results.statistics import Statistics

MOST_INPUTS = 12
"""Of a layer that reads a residual stream."""


class DrawnTensor(msgspec.Struct, frozen=True, kw_only=True):
    """A layer's weights.

    Attributes:
        name: the tensor's name.
        dtype: its element type.
        shape: its sizes.
        histogram: how its elements are spread; null where none is finite.
        mean, std: of the finite elements; null where there is none.
        minimum, maximum: the smallest and the largest of them, likewise.
        zeros: elements that are zero.
        non_finite: elements that are NaN or infinite.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    histogram: Histogram | None = None
    mean: float | None = None
    std: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    zeros: int = 0
    non_finite: int = 0

    @classmethod
    def of(
        cls,
        name: str,
        dtype: str,
        shape: tuple[int, ...],
        histogram: Histogram | None,
        statistics: Statistics,
    ) -> DrawnTensor:
        """A tensor with what was measured of it."""
        return cls(
            name=name,
            dtype=dtype,
            shape=shape,
            histogram=histogram,
            mean=statistics.mean,
            std=statistics.std,
            minimum=statistics.minimum,
            maximum=statistics.maximum,
            zeros=statistics.zeros,
            non_finite=statistics.non_finite,
        )


class DrawnLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer between groups of neurons.

    Attributes:
        name: the layer's name.
        kind: what it computes.
        shape: rows, columns of a group, and kernel positions where there are several.
        source: group of what it reads, the first of several; "" where that is not in the network.
        target: group whose neurons it drives.
        weight: name of its weight.
        activation: what follows, null where that is not known.
        norms: kinds of the norms that scale its columns or rows.
        inputs: names of the layers directly behind it, of many the nearest.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    source: str
    target: str
    weight: str
    activation: str | None = None
    norms: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


class DrawnPanel(msgspec.Struct, frozen=True, kw_only=True):
    """A layer's weights, its neurons in the order of their clusters.

    Attributes:
        layer: the layer's name.
        source: group of the columns.
        target: group of the rows.
        columns: neurons of the source in each cluster, in the order of the columns.
        rows: neurons of the target in each cluster, in the order of the rows.
        width, height: of the image.
        pixels: row by row, 0 for no weight to 255 for the quantile .995 of weights and beyond.
    """

    layer: str
    source: str
    target: str
    columns: tuple[int, ...]
    rows: tuple[int, ...]
    width: int
    height: int
    pixels: bytes


class DrawnNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """A network: its layers in topological order, and their weights where it was clustered."""

    id: str
    layers: tuple[DrawnLayer, ...]
    panels: tuple[DrawnPanel, ...] = ()

    @classmethod
    def of(cls, network: Network, most: int, panels: Sequence[DrawnPanel] = ()) -> DrawnNetwork:
        """A network's first layers, up to a number."""
        behind = calls_behind(network)
        layers = (_drawn(call, network, behind[call.name]) for call in network.calls[:most])
        return cls(id=network.id, layers=tuple(layers), panels=tuple(panels))


def _drawn(call: Call, network: Network, inputs: tuple[str, ...]) -> DrawnLayer:
    norms = (*norms_before(network, call), *network.norms_after[call.name])
    return DrawnLayer(
        name=call.name,
        kind=call.kind,
        shape=call.shape,
        source=network.value(call.reads[0].value).group if call.reads else "",
        target=network.value(call.target).group,
        weight=call.weight,
        activation=network.activation_of(call),
        norms=tuple(norm.kind for norm in norms),
        inputs=inputs[-MOST_INPUTS:],
    )


class Drawings(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to draw of a file.

    Attributes:
        tensors: weights of layers, in the file's order.
        networks: networks that were rebuilt.
        notes: what is left out, and why.
    """

    tensors: tuple[DrawnTensor, ...] = ()
    networks: tuple[DrawnNetwork, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def merged(cls, drawings: Sequence[Drawings]) -> Drawings:
        """Those of a file that is several containers at once."""
        return cls(
            tensors=tuple(tensor for one in drawings for tensor in one.tensors),
            networks=tuple(network for one in drawings for network in one.networks),
            notes=tuple(dict.fromkeys(note for one in drawings for note in one.notes)),
        )
