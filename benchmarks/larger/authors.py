"""The authors' own code, from its checkouts: its graphs, its clustering, its n-cut.

`dfilan/clusterability_in_neural_networks` draws the graphs of networks for ImageNet;
`HumanCompatibleAI/nn-clustering-pytorch` those of plain chains. Both import much that these parts
do not use: where it is not installed, an empty module stands in its place.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
from scipy import sparse
from torch import nn

from benchmarks.larger.layers import layers_of

UNUSED = (
    *("pathos", "sacred", "tensorflow", "tensorflow_model_optimization", "matplotlib"),
    *("sklearn.neighbors.kde", "seaborn", "pandas", "src.utils"),
)
Connections = list[list[dict[str, Any]]]
"""By vertex block, the blocks that it leads to ("to_idx") and the edges there ("weights")."""


class Authors:
    """The functions of one checkout."""

    def __init__(self, checkout: Path) -> None:
        whole = (checkout / "src/cnn/extractor.py").exists()
        with _imports(checkout if whole else checkout / "src"):
            name = "src.spectral_cluster_model" if whole else "spectral_cluster_model"
            self.module = importlib.import_module(name)
        self.module.K = SimpleNamespace(sqrt=np.sqrt, eval=lambda values: values)
        self.published_norm = getattr(self.module, "conv_tensor_to_adj", None)

    def connections(self, model: nn.Module, norm: str) -> Connections:
        """Their graph of a network: kernels by their norm ("published"), or by the entries' sum."""
        self.module.conv_tensor_to_adj = self.published_norm if norm == "published" else _entrywise
        found: Connections = self.module.get_conv_weight_connections(layers_of(model), False, 1)[0]
        return found

    def adjacency(self, connections: Connections) -> sparse.csr_matrix:
        """Their matrix: without the input's channels, ended by the first dense layer's columns."""
        return sparse.csr_matrix(self.module.connections_to_graph_imagenet(connections))

    def chain(self, model: nn.Module) -> sparse.csr_matrix:
        """The PyTorch code's matrix of a chain: without the first kernel and the classifier."""
        kernels = [part for part in model.modules() if isinstance(part, nn.Conv2d)]
        layers = [
            {"layer": str(i), "conv_weights": kernel.weight.detach().numpy()}
            for i, kernel in enumerate(kernels)
        ]
        weights = self.module.np_layer_array_to_graph_weights_array(layers, "cnn")
        return sparse.csr_matrix(self.module.weights_to_graph(weights))

    def clustered(self, matrix: sparse.csr_matrix, clusters: int, seed: int = 0) -> float:
        """The n-cut of their own clusters; NumPy's global generator seeds k-means."""
        np.random.seed(seed)
        if hasattr(self.module, "cluster_net"):
            labels = self.module.cluster_net(clusters, matrix, "arpack", "kmeans")
        else:
            labels = self.module.cluster_adj_mat(clusters, matrix, "arpack")
        return self.ncut(matrix, labels)

    def ncut(self, matrix: sparse.csr_matrix, labels: np.ndarray) -> float:
        """Their n-cut of given clusters."""
        compute = getattr(self.module, "compute_ncut", None) or self.module.compute_n_cut
        return float(compute(matrix, labels, 1e-8))


def merged(connections: Connections) -> Connections:
    """Their graph with one vertex for all copies of a channel, without the input's.

    They give each convolution its own copy of what it reads. What one convolution makes is one set
    of channels, however many copies it leads to; so is what is added to it on the way.
    """
    blocks = range(1 + max(out["to_idx"] for outs in connections for out in outs))
    owner = list(blocks)
    for outs in connections:
        first, *others = {_root(owner, out["to_idx"]) for out in outs}
        for other in others:
            owner[other] = first
    roots = sorted({_root(owner, block) for block in blocks} - {0})
    place = {root: i for i, root in enumerate(roots)}
    found: Connections = [[] for _ in roots]
    for block, outs in enumerate(connections[1:], 1):
        _require_alike(outs)
        target = place[_root(owner, outs[0]["to_idx"])]
        found[place[_root(owner, block)]].append({"to_idx": target, "weights": outs[0]["weights"]})
    return found


def matrix_of(connections: Connections) -> sparse.csr_matrix:
    """The symmetric matrix of merged connections."""
    sizes = sizes_of(connections)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    parts = []
    for block, outs in enumerate(connections):
        for out in outs:
            part = sparse.coo_array(out["weights"])
            rows, columns = part.row + starts[block], part.col + starts[out["to_idx"]]
            parts.append((part.data, rows, columns))
    data, rows, columns = map(np.concatenate, zip(*parts, strict=True))
    upper = sparse.coo_array((data, (rows, columns)), shape=(starts[-1], starts[-1]))
    return sparse.csr_matrix(upper + upper.T)


def sizes_of(connections: Connections) -> list[int]:
    """Vertices of each block."""
    sizes = [0] * len(connections)
    for block, outs in enumerate(connections):
        for out in outs:
            sizes[block], sizes[out["to_idx"]] = out["weights"].shape
    return sizes


def _require_alike(outs: Sequence[dict[str, Any]]) -> None:
    if not all(np.array_equal(outs[0]["weights"], out["weights"]) for out in outs):
        raise ValueError("copies of one convolution's channels differ")


def _root(owner: list[int], block: int) -> int:
    while owner[block] != block:
        block = owner[block]
    return block


def _entrywise(weights: np.ndarray, norm: int = 1, scale: bool = False) -> np.ndarray:
    """The sum of each kernel's absolute entries: (in, out)."""
    assert norm == 1
    assert not scale
    return np.abs(weights.astype(np.float64)).sum((0, 1))


class _Empty(ModuleType):
    """A module that has every name."""

    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock(name=name)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if any(name == unused or name.startswith(f"{unused}.") for unused in UNUSED):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, _: ModuleType) -> None:
        """Nothing to execute."""


@contextmanager
def _imports(folder: Path) -> Iterator[None]:
    """Imports from a checkout; nothing of it stays importable."""
    finder, before = _Finder(), dict(sys.modules)
    sys.meta_path.insert(0, finder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.path.remove(str(folder))
        for name in set(sys.modules) - set(before):
            if isinstance(sys.modules[name], _Empty) or _lies_in(sys.modules[name], folder):
                del sys.modules[name]


def _lies_in(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve().is_relative_to(folder.resolve())
