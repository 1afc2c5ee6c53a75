"""How much an n-cut depends on the seed of k-means, by scikit-learn and by modlint.

    python benchmarks/restarts.py NETWORK.pt...

Both programs cluster the same embedding of each network, and of its first shuffle, with 25 restarts
under 24 seeds. The table goes to benchmarks/results/restarts.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import reference
from sklearn.cluster import KMeans
from sklearn.manifold import spectral_embedding

from modlint.numerics.cluster import kmeans
from modlint.numerics.tensor.seeds import Stream

SEEDS = 24
HEADER = "| network | by | inertia, mean ± sd | least | n-cut, mean ± sd | least | greatest |"


def scikit_learn(points: np.ndarray, seed: int) -> np.ndarray:
    """Labels by scikit-learn."""
    found = KMeans(reference.CLUSTERS, n_init=reference.RESTARTS, random_state=seed)
    return found.fit_predict(points)


def modlint(points: np.ndarray, seed: int) -> np.ndarray:
    """Labels by modlint."""
    random = Stream("restarts", seed)
    clusters, restarts = reference.CLUSTERS, reference.RESTARTS
    return kmeans.cluster(points, clusters, restarts, random)


PROGRAMS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "scikit-learn": scikit_learn,
    "modlint": modlint,
}


def lines(name: str, weights: reference.Weights) -> Iterator[str]:
    """A line of the table for each program."""
    matrix, clusters = reference.adjacency(weights), reference.CLUSTERS
    points = spectral_embedding(
        matrix, n_components=clusters, eigen_solver="arpack", drop_first=False, random_state=0
    )
    for program, cluster in PROGRAMS.items():
        inertias, cuts = [], []
        for seed in range(SEEDS):
            members = np.eye(clusters)[cluster(points, seed)]
            means = members.T @ points / members.sum(0)[:, None]
            inertias.append(((points - members @ means) ** 2).sum())
            cuts.append(reference.cut(matrix, members))
        yield (
            f"| {name} | {program} | {np.mean(inertias):.5f} ± {np.std(inertias):.5f} "
            f"| {min(inertias):.5f} | {np.mean(cuts):.3f} ± {np.std(cuts):.3f} "
            f"| {min(cuts):.3f} | {max(cuts):.3f} |"
        )


def main(paths: list[Path]) -> int:
    """Print and write the table."""
    table = [HEADER, "| --- | --- |" + " ---: |" * 5]
    for path in paths:
        weights = reference.live(reference.load(path))
        table += lines(path.stem, weights)
        table += lines(f"{path.stem}, first shuffle", reference.shuffled(weights, 1))
    text = "\n".join(table) + "\n"
    (Path(__file__).parent / "results" / "restarts.md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
