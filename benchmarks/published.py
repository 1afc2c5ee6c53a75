"""The rows of the published table and what they say: means over five trained networks.

Filan et al., Clusterability in Neural Networks, arXiv 2103.03386, tables of the MNIST and
Fashion-MNIST MLPs, 12 clusters, 50 shuffles. What the paper calls L2 is an L1 penalty on the first
layer, so those figures stand beside "l1-first-layer"; "l2" and the untrained network's z have none.
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
        return self.kind.replace("-", " ") + (", pruned" if self.pruned else "")

    def recipe(self, seed: int) -> Recipe:
        """One of its networks."""
        return Recipe(self.dataset, self.kind, self.pruned, seed)


MNIST, FASHION = "mnist", "fashion_mnist"

ROWS = (
    Row(MNIST, "untrained", published=Figures(10.295)),
    Row(MNIST, "control", False, Figures(10.02, 10.17, 0.035, -4.5, 0.980, (-5.6, -2.7))),
    Row(MNIST, "dropout", False, Figures(9.97, 10.30, 0.11, -3.0)),
    Row(MNIST, "l1", False, Figures(9.06, 6.51, None, 18)),
    Row(MNIST, "l1-first-layer", False, Figures(9.64, 9.39, None, 4.0)),
    Row(MNIST, "l2"),
    Row(MNIST, "clusterable-init", False, Figures(8.72, 10.07, None, -43.8)),
    Row(MNIST, "control", True, Figures(8.88, 9.18, None, -9.7)),
    Row(MNIST, "dropout", True, Figures(8.35, 9.25, None, -24)),
    Row(MNIST, "clusterable-init", True, Figures(5.75, 9.20, None, -92)),
    Row(FASHION, "control", False, Figures(9.89, 10.08, 0.04, -5.4, 0.891)),
    Row(FASHION, "dropout", False, Figures(9.70, 10.05, None, -10.7)),
    Row(FASHION, "l1", False, Figures(8.41, 7.21, None, 11.5)),
    Row(FASHION, "l1-first-layer", False, Figures(9.47, 9.19, None, 4.3)),
    Row(FASHION, "l2"),
    Row(FASHION, "clusterable-init", False, Figures(8.75, 10.02, None, -34)),
    Row(FASHION, "control", True, Figures(8.69, 9.03, None, -10.4)),
    Row(FASHION, "dropout", True, Figures(8.11, 9.13, None, -24.7)),
    Row(FASHION, "clusterable-init", True, Figures(6.27, 9.07, None, -81)),
)
