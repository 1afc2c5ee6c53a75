"""Draw the figures of docs/clusterability.md from what was measured.

Usage: python scripts/update_figures.py [FOLDER]

`two-statistics.svg` has every network of benchmarks/results/reproduce.json (MNIST and
Fashion-MNIST); `null.svg` tests networks for the 8×8 digits of scikit-learn: one that is untrained,
the one that `make demo` trains, and a copy of it in which modules are planted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib
import torch
from matplotlib.figure import Figure
from torch import Tensor

import modlint

ROOT = Path(__file__).resolve().parents[1]
MEASURED = ROOT / "benchmarks/results/reproduce.json"
TRAINED = ROOT / "examples/checkpoints/healthy/mlp.pt"
STYLES = {
    "untrained": ("untrained", "tab:gray", "o"),
    "dropout": ("dropout", "tab:orange", "s"),
    "pruned": ("pruned", "tab:green", "^"),
    "l1": ("L1 penalty", "tab:red", "D"),
    "clusterable": ("modules planted", "tab:purple", "P"),
    "": ("trained otherwise", "tab:blue", "o"),
}
"""By a word in a network's kind: what the legend calls it, colour, marker."""
MODULES = 10


def two_statistics(networks: list[dict[str, Any]]) -> Figure:
    """Each network by its z of the n-cut and its z of the spectral sum."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    for key, (label, colour, marker) in STYLES.items():
        of = [n for n in networks if _style(n) == key]
        x, y = (
            [n[name]["z_score"] for n in of] for name in ("modlint filan2021", "modlint spectral")
        )
        axes.scatter(x, y, s=28, c=colour, marker=marker, alpha=0.8, label=label)
    axes.set_xscale("symlog", linthresh=5)
    axes.set_yscale("symlog", linthresh=5)
    axes.axhline(0, color="0.7", linewidth=0.8)
    axes.axvline(0, color="0.7", linewidth=0.8)
    axes.set(xlabel="z of the n-cut (filan2021)", ylabel="z of the spectral sum (spectral)")
    axes.legend(fontsize="small")
    return figure


def _style(network: dict[str, Any]) -> str:
    kind = f"{network['kind']} {'pruned' if network['pruned'] else ''}".lower()
    order = ("untrained", "clusterable", "pruned", "dropout", "l1")
    return next((key for key in order if key in kind), "")


def null_distributions(states: dict[str, dict[str, Tensor]]) -> Figure:
    """The n-cut of each network beside those of its shuffled copies."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    panels = figure.subplots(len(states), 1)
    for axes, (title, state) in zip(panels, states.items(), strict=True):
        report = modlint.check(state, select="CLU001")
        (verdict,) = (v for file in report.files for v in file.verdicts if v.rule == "CLU001")
        values = verdict.values
        axes.hist(values["null_samples"], bins=14, color="tab:blue", alpha=0.6)
        axes.axvline(values["ncut"], color="tab:red", linewidth=2)
        axes.set(yticks=[], xlim=(9.0, 10.7))
        z, p = values["z_score"], values["p_value"]
        axes.set_title(f"{title}: z {z:.1f}, p {p:.2f}", loc="left", fontsize="medium")
    panels[-1].set_xlabel("n-cut of the network (red) and of 50 shuffled copies (blue)")
    return figure


def states() -> dict[str, dict[str, Tensor]]:
    """Weights of three networks of 64-128-128-64-10 units."""
    trained = torch.load(TRAINED, weights_only=True)
    torch.manual_seed(0)
    fresh = {
        name: torch.nn.init.kaiming_normal_(torch.empty_like(w)) if w.ndim == 2 else w * 0
        for name, w in trained.items()
    }
    planted = {name: w * _modules(w) if w.ndim == 2 else w for name, w in trained.items()}
    return {"untrained": fresh, "trained on digits": trained, "modules planted": planted}


def _modules(weight: Tensor) -> Tensor:
    """1 where an input and an output are of one module, else 0.3."""
    rows, columns = (torch.arange(size) * MODULES // size for size in weight.shape)
    same = rows[:, None] == columns[None, :]
    return torch.where(same, 1.0, 0.3)


def main(folder: Path) -> None:
    """Write both, the same bytes for the same figures."""
    matplotlib.rcParams.update({"svg.hashsalt": "modlint", "svg.fonttype": "none"})
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    drawn = {"two-statistics": two_statistics(measured), "null": null_distributions(states())}
    for name, figure in drawn.items():
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs/figures")
