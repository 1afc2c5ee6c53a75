"""The rows of the published table and what they say: means over five trained networks.

Filan et al., Clusterability in Neural Networks, arXiv 2103.03386, tables of the MNIST and
Fashion-MNIST MLPs, 12 clusters, 50 shuffles; means of results/clustering_factors_mlp.csv of the
repository dfilan/clusterability_in_neural_networks. The untrained one is the mean of 100. What the
paper calls L2 stands beside "l2-as-published" (see `penalties`); nothing is published of "l2".
"""

from __future__ import annotations

from dataclasses import dataclass

from training import Recipe


@dataclass(frozen=True, slots=True)
class Figures:
    """What the paper says of a row; None where it is not known here."""

    observed: float
    null_mean: float | None = None
    null_std: float | None = None
    z_score: float | None = None
    accuracy: float | None = None
    z_range: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: networks that differ in their seed only."""

    dataset: str
    kind: str
    pruned: bool = False
    published: Figures | None = None

    @property
    def title(self) -> str:
        """What the table calls it."""
        kind = self.kind.replace("-", " ").replace("l1", "L1").replace("l2", "L2")
        return f"{kind}, pruned" if self.pruned else kind

    def recipe(self, seed: int) -> Recipe:
        """One of its networks."""
        return Recipe(self.dataset, self.kind, self.pruned, seed)


MNIST, FASHION = "mnist", "fashion_mnist"

ROWS = (
    Row(MNIST, "untrained", published=Figures(10.295)),
    Row(MNIST, "control", False, Figures(10.02, 10.17, 0.035, -4.5, 0.980, (-5.6, -2.7))),
    Row(MNIST, "dropout", False, Figures(9.97, 10.30, 0.111, -3.0, 0.980, (-3.5, -2.3))),
    Row(MNIST, "l1", False, Figures(9.06, 6.50, 0.142, 18.0, 0.979, (16.2, 20.8))),
    Row(MNIST, "l2-as-published", False, Figures(9.64, 9.39, 0.066, 4.0, 0.980, (-3.4, 8.3))),
    Row(MNIST, "l2"),
    Row(
        MNIST, "clusterable-init", False, Figures(8.72, 10.06, 0.031, -43.7, 0.979, (-49.7, -39.4))
    ),
    Row(MNIST, "control", True, Figures(8.88, 9.18, 0.031, -9.7, 0.984, (-11.0, -7.9))),
    Row(MNIST, "dropout", True, Figures(8.35, 9.25, 0.039, -24.0, 0.979, (-29.2, -18.7))),
    Row(MNIST, "clusterable-init", True, Figures(5.75, 9.20, 0.038, -92.0, 0.983, (-112.1, -76.6))),
    Row(FASHION, "control", False, Figures(9.88, 10.08, 0.037, -5.4, 0.891, (-6.1, -5.0))),
    Row(FASHION, "dropout", False, Figures(9.70, 10.05, 0.034, -10.7, 0.872, (-14.9, -8.6))),
    Row(FASHION, "l1", False, Figures(8.41, 7.21, 0.104, 11.5, 0.880, (10.3, 12.0))),
    Row(FASHION, "l2-as-published", False, Figures(9.47, 9.18, 0.068, 4.3, 0.879, (2.2, 6.2))),
    Row(FASHION, "l2"),
    Row(
        FASHION,
        "clusterable-init",
        False,
        Figures(8.75, 10.02, 0.038, -34.0, 0.892, (-37.6, -29.4)),
    ),
    Row(FASHION, "control", True, Figures(8.69, 9.03, 0.035, -10.3, 0.894, (-16.4, -6.0))),
    Row(FASHION, "dropout", True, Figures(8.11, 9.13, 0.041, -24.7, 0.867, (-26.8, -22.2))),
    Row(
        FASHION, "clusterable-init", True, Figures(6.26, 9.06, 0.035, -81.1, 0.893, (-99.2, -63.0))
    ),
)
