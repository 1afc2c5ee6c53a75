"""What formats that draw are given of a file; it fails nothing and is left out where it is long."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.analysis.cluster_views import ReorderedWeights
from modlint.analysis.clustering import WEIGHTS, Partition
from modlint.analysis.histograms import TensorHistogram
from modlint.analysis.layer_weights import LayerWeights
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.drawings import Drawings, DrawnNetwork, DrawnPanel, DrawnTensor
from modlint.engine.examine import FileExamination
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.results.clusters import Panel

MOST_TENSORS = 400
"""Histograms of a file; of more layers the largest are drawn."""
MOST_LAYERS = 2_000
MOST_NETWORKS = 200
MOST_PANELS = 24
"""Pictures of weights by cluster, in all networks of a file."""
_PANELS, _PIXELS = 12, 180
"""Pictures of a network's layers, and their rows and columns."""
_SHADES = 0xF8
"""Bits of a pixel that are kept: 32 shades take half the space and look the same."""
_BRIGHTEST = 0.995
"""Quantile of weights that is drawn darkest; outliers would leave the rest white."""


def tensors_of(file: FileExamination) -> Drawings:
    """The weights of a file's layers; none, with the reason, where they take too long."""
    notes: list[str] = []
    try:
        return Drawings(tensors=tuple(_tensors(file, notes)), notes=tuple(notes))
    except Unavailable as unavailable:
        return Drawings(notes=(f"no histograms: {unavailable}",))


def networks_of(file: FileExamination) -> Drawings:
    """The networks that somebody asked for, with the clusters that somebody asked for."""
    notes, networks = [], []
    rebuilt = [network for network in file.known_networks if network.reason is None]
    drawn = 0
    for network in rebuilt[:MOST_NETWORKS]:
        panels: tuple[DrawnPanel, ...] = ()
        try:
            panels = _panels(file, network) if drawn < MOST_PANELS else ()
        except Unavailable as unavailable:
            notes.append(f"network {network.id}: weights are not drawn: {unavailable}")
        drawn += len(panels)
        networks.append(DrawnNetwork.of(network, MOST_LAYERS, panels))
    return Drawings(networks=tuple(networks), notes=tuple(notes))


def _tensors(file: FileExamination, notes: list[str]) -> Iterator[DrawnTensor]:
    file.visit_tensors([TensorHistogram(), TensorStatistics()])
    named = file.result(LayerWeights(), file.checkpoint)
    weights = [tensor for name, tensor in file.checkpoint.tensors.items() if name in named]
    if len(weights) > MOST_TENSORS:
        notes.append(f"histograms of the {MOST_TENSORS} largest of {len(weights):,} layer weights")
        kept = set(sorted(weights, key=lambda t: -t.elements)[:MOST_TENSORS])
        weights = [tensor for tensor in weights if tensor in kept]
    for tensor in weights:
        drawn = _tensor(file, tensor)
        if drawn is not None:
            yield drawn


def _tensor(file: FileExamination, tensor: Tensor) -> DrawnTensor | None:
    try:
        histogram = file.result(TensorHistogram(), tensor)
        statistics = file.result(TensorStatistics(), tensor)
    except Unavailable:  # COV001 says what could not be examined
        return None
    return DrawnTensor.of(tensor.name, tensor.dtype.name, tensor.shape, histogram, statistics)


def _panels(file: FileExamination, network: Network) -> tuple[DrawnPanel, ...]:
    """The weights of a network by the clusters that some rule has found, if any has."""
    for partition in file.asked(Partition, network):
        if partition.graph == WEIGHTS:
            views = file.result(ReorderedWeights(partition, _PIXELS, _PANELS), network)
            return tuple(map(_panel, views))
    return ()


def _panel(panel: Panel) -> DrawnPanel:
    import numpy as np

    image = panel.image
    darkest = float(np.quantile(image, _BRIGHTEST)) or float(image.max()) or 1.0
    height, width = image.shape
    pixels = ((image / darkest).clip(0, 1) * 255).round().astype(np.uint8) & _SHADES
    return DrawnPanel(
        layer=panel.layer,
        source=panel.source,
        target=panel.target,
        columns=panel.columns,
        rows=panel.rows,
        width=width,
        height=height,
        pixels=bytes(pixels.flatten().tolist()),
    )
