"""The statistics of lesions on the tables that their authors published, beside the authors' own.

Usage: python -m benchmarks.lesions FOLDER

FOLDER is a clone of github.com/dfilan/clusterability_in_neural_networks. Its file
results/lesion_importance_results.pkl holds accuracies by class for each lesion of two pruned
networks (Fashion-MNIST, dropout) and for 20 random groups beside each: what results/
lesion_results_*.csv are computed from, for other networks. Only numbers of NumPy are unpickled.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import combine_pvalues

from modlint.numerics.lesions.statistics import Rank, fisher, selectivity

KNOWN = {("numpy.core.multiarray", "scalar"), ("numpy.core.multiarray", "_reconstruct")}
KNOWN |= {("numpy", "dtype"), ("numpy", "ndarray")}
CLASSES = [f"acc_{number}" for number in range(10)]
DIGITS = 9
"""To which accuracies are told apart: they are of whole samples."""


class Numbers(pickle.Unpickler):
    """Reads numbers of NumPy and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """A class of those, or an error."""
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} is no number")
        return super().find_class(module, name)


def rows(folder: Path) -> Iterator[tuple[str, str, int, float, float, float, float]]:
    """By network and number of clusters: lesions, p of importance and of selectivity."""
    with (folder / "results" / "lesion_importance_results.pkl").open("rb") as file:
        networks = Numbers(file).load()
    for network, by_clusters in networks.items():
        for clusters, found in by_clusters.items():
            intact = np.array([found["evaluation"][key] for key in CLASSES])
            own = _accuracies(found["true_results"]) - intact
            null = np.array([_accuracies(each) for each in found["all_random_results"]]) - intact
            yield network, clusters, len(own), *_theirs(own, null), *_ours(own, null)


def _accuracies(lesions: list[dict[str, float]]) -> np.ndarray:
    return np.array([[lesion[key] for key in CLASSES] for lesion in lesions])


@np.errstate(all="ignore")
def _theirs(own: np.ndarray, null: np.ndarray) -> tuple[float, float]:
    """As `do_lesion_hypo_tests` and `combine_ps`: strict comparison, range over mean change."""
    uneven = np.ptp(own / own.mean(-1)[:, None], -1)
    uneven_null = np.ptp(null / null.mean(-1)[..., None], -1)
    important = (own.mean(-1) > null.mean(-1)).sum(0)
    selective = (uneven < uneven_null).sum(0)
    groups = len(null) + 1
    both = ((count + 0.5) / groups for count in (important, selective))
    return tuple(float(combine_pvalues(p)[1]) for p in both)  # type: ignore[return-value]


def _ours(own: np.ndarray, null: np.ndarray) -> tuple[float, float]:
    """Ties count half; range over mean absolute change."""
    lost, lost_null = (-changes.mean(-1).round(DIGITS) for changes in (own, null))
    important = [Rank.of(lost[i], lost_null[:, i].tolist()) for i in range(len(own))]
    uneven = [[selectivity(row.round(DIGITS)) for row in each] for each in (own, *null)]
    selective = [Rank.of(first, list(others)) for first, *others in zip(*uneven, strict=True)]
    return tuple(fisher([r.mid_p for r in ranks]) for ranks in (important, selective))  # type: ignore[return-value]


if __name__ == "__main__":
    print("network, clusters, lesions; p of importance and selectivity: theirs, ours")
    for network, clusters, lesions, *ps in rows(Path(sys.argv[1])):
        print(network, clusters, lesions, *(f"{p:.2g}" for p in ps), sep=", ")
