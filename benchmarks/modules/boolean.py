"""Networks that learn Boolean functions of known parts: does CLU007 find the parts?

    python -m benchmarks.modules.boolean [--seeds N] [--out FILE]

After Patil, Michael and Dovrolis, Neural Sculpting (arXiv 2305.18402): functions made of
sub-functions, multilayer perceptrons trained on every input, and connections pruned step by step
while the network still answers every one. What a unit belongs to is measured, not assumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor, nn

from benchmarks.papers.writing import write
from modlint.analysis.flow import Flow
from modlint.analysis.modules import MatchedTest
from modlint.analysis.weights import WeightArrays
from modlint.engine.examine import FileExamination
from modlint.engine.load import build_networks
from modlint.engine.registry import load_registry
from modlint.errors import Unavailable
from modlint.live import checkpoint_of
from modlint.numerics.cluster.matched.partition import module_clusters

WIDTH, HIDDEN = 36, 3
DENSE_STEPS, PRUNED_STEPS, RATE = 1500, 300, 3e-3
PRUNED = (0.15, 0.05, 0.02)
"""Shares of the connections left that a step of pruning takes: the next where one was too many."""
OWN = 0.9
"""A unit belongs to a part that has at least this share of its effect, else to none alone."""


@dataclass(frozen=True, slots=True)
class Task:
    """A Boolean function.

    Attributes:
        title: in the table.
        inputs: indices of the inputs of each part, a random function of them.
        joined: whether the one output is the exclusive or of the parts; else each has its own.
    """

    title: str
    inputs: tuple[tuple[int, ...], ...]
    joined: bool = False

    @property
    def width(self) -> int:
        """Number of inputs."""
        return 1 + max(index for part in self.inputs for index in part)


TASKS = (
    Task("two parts, own inputs and outputs", ((0, 1, 2, 3, 4), (5, 6, 7, 8, 9))),
    Task("three parts, own inputs and outputs", ((0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11))),
    Task("two parts, some inputs shared", ((0, 1, 2, 3, 4, 5), (4, 5, 6, 7, 8, 9))),
    Task("two parts of the same inputs", ((0, 1, 2, 3, 4, 5, 6),) * 2),
    Task("two parts, joined by a third", ((0, 1, 2, 3), (4, 5, 6, 7)), joined=True),
    Task("one part", ((0, 1, 2, 3, 4, 5, 6),)),
)


class Perceptron(nn.Sequential):
    """ReLU layers of `WIDTH` units, and the masks of what is left of their weights."""

    def __init__(self, inputs: int, outputs: int) -> None:
        sizes = (inputs, *[WIDTH] * HIDDEN, outputs)
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        super().__init__(*layers[:-1])
        self.masks = [torch.ones_like(weight) for weight in self.weights()]

    def weights(self) -> list[nn.Parameter]:
        """Of the layers, in order."""
        return [layer.weight for layer in self if isinstance(layer, nn.Linear)]

    @torch.no_grad()
    def mask(self) -> None:
        """Put what was pruned back to zero."""
        for weight, mask in zip(self.weights(), self.masks, strict=True):
            weight.mul_(mask)

    @torch.no_grad()
    def prune(self, share: float) -> None:
        """Take the smallest of the weights that are left, over all layers."""
        left = torch.cat([w.abs()[m > 0] for w, m in zip(self.weights(), self.masks, strict=True)])
        limit = left.quantile(share)
        self.masks = [
            mask * (weight.abs() > limit)
            for weight, mask in zip(self.weights(), self.masks, strict=True)
        ]
        self.mask()


def truth_table(task: Task, seed: int) -> tuple[Tensor, Tensor]:
    """Every input, (2ⁿ, n) of −1 and 1, and what is asked of it: (2ⁿ, outputs) of 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.cartesian_prod(*[torch.tensor([0, 1])] * task.width)
    answers = []
    for part in task.inputs:
        table = torch.randint(0, 2, (2 ** len(part),), generator=generator)
        places = (inputs[:, list(part)] * 2 ** torch.arange(len(part))).sum(1)
        answers.append(table[places])
    outputs = torch.stack(answers, 1)
    if task.joined:
        outputs = outputs.sum(1, keepdim=True) % 2
    return 2.0 * inputs - 1, outputs.float()


def train(model: Perceptron, data: tuple[Tensor, Tensor], steps: int) -> bool:
    """Train on every input at a time; whether all are answered in the end."""
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(model(data[0]), data[1]).backward()
        optimiser.step()
        model.mask()
    with torch.no_grad():
        return bool(((model(data[0]) > 0) == (data[1] > 0.5)).all())


def sculpt(model: Perceptron, data: tuple[Tensor, Tensor]) -> None:
    """Prune and train on, as long as every input is answered."""
    shares = iter(PRUNED)
    share: float | None = next(shares)
    while share is not None:
        kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        masks = model.masks
        model.prune(share)
        if not train(model, data, PRUNED_STEPS):
            model.load_state_dict(kept)
            model.masks = masks
            share = next(shares, None)


@torch.no_grad()
def owners(model: Perceptron, task: Task, inputs: Tensor) -> list[np.ndarray]:
    """The part that each unit of each hidden layer belongs to.

    Returns:
        Of each layer (units,) int64: a part; the number of parts for what belongs to several;
        −1 for units that change nothing.
    """
    plain, found, layers = model(inputs), [], list(model)
    for place in range(HIDDEN):
        end = 2 * place + 2
        head, tail = nn.Sequential(*layers[:end]), nn.Sequential(*layers[end:])
        hidden = head(inputs)
        effects = torch.stack(
            [
                _by_inputs(hidden[:, unit], task, inputs)
                if task.joined
                else (tail(_without(hidden, unit)) - plain).abs().mean(0)
                for unit in range(WIDTH)
            ]
        ).double()
        whole = (effects.sum(1, keepdim=True)).clamp_min(1e-12)
        owner = torch.where((effects / whole).amax(1) >= OWN, effects.argmax(1), len(task.inputs))
        found.append(torch.where(effects.sum(1) > 1e-6, owner, -1).numpy())
    return found


def _without(hidden: Tensor, unit: int) -> Tensor:
    changed = hidden.clone()
    changed[:, unit] = hidden[:, unit].mean()
    return changed


def _by_inputs(values: Tensor, task: Task, inputs: Tensor) -> Tensor:
    """How much of a unit's variance the inputs of each part alone explain, and what is left."""
    explained = []
    for part in task.inputs:
        places = ((inputs[:, list(part)] > 0) * 2 ** torch.arange(len(part))).sum(1)
        sums = torch.zeros(2 ** len(part)).index_add_(0, places, values)
        means = sums / torch.bincount(places, minlength=2 ** len(part))
        explained.append(means[places].var(correction=0))
    rest = values.var(correction=0) - sum(explained)
    return torch.stack([*explained, rest.clamp_min(0)])


@dataclass(frozen=True, slots=True)
class Judged:
    """What CLU007 says of a network, and how well its clusters are the parts.

    Attributes:
        word: "modules", "weak" or "none".
        clusters: k*.
        effect: for k*.
        agreement: adjusted Rand index of clusters and parts over the hidden units that have both.
        told: the same for as many clusters as there are parts.
        units: their number.
        shared: of these, units that belong to several parts.
    """

    word: str
    clusters: int
    effect: float
    agreement: float
    told: float
    units: int
    shared: int


def judge(model: Perceptron, owner: list[np.ndarray], parts: int) -> Judged | None:
    """Test and cluster a network; None where the test is not possible."""
    checkpoint, errors = checkpoint_of(model), []
    built = build_networks(checkpoint, load_registry().builders, errors)
    file = FileExamination(checkpoint, built, "cpu", lambda *_: None, errors)
    network, test = built.networks[0], MatchedTest()
    graph, flow = file.result(WeightArrays(), network), file.result(Flow(), network)
    part = np.concatenate(owner)

    def agreement(clusters: int) -> float:
        labels = module_clusters(network, graph, flow, test.min_flow, clusters, test.seed).labels
        hidden = [labels[group.name] for group in network.groups if group.role == "hidden"]
        cluster = np.concatenate(hidden)
        both = (cluster >= 0) & (part >= 0)
        return float(adjusted_rand_score(part[both], cluster[both]))

    try:
        found = file.result(test, network)
        agreements = agreement(found.clusters), agreement(max(2, parts))
    except Unavailable:
        return None
    word = "none" if found.p_value > 0.05 else "modules" if found.effect_size >= 0.01 else "weak"
    units, shared = int((part >= 0).sum()), int((part == parts).sum())
    return Judged(word, found.clusters, found.effect_size, *agreements, units, shared)


def report(seeds: int) -> Iterator[str]:
    """The table, as Markdown."""
    yield "# Boolean functions of known parts"
    yield ""
    yield (
        f"`python -m benchmarks.modules.boolean`: {HIDDEN} hidden layers of {WIDTH} ReLU units,"
        f" {seeds} seeds of each, trained on every input, and pruned by magnitude as long as every"
        " input is answered. *Agreement* is the adjusted Rand index between CLU007's clusters and"
        " the parts that units belong to (at least 90 % of a unit's effect), medians and ranges."
    )
    yield ""
    yield (
        "| function | network | weights left | units (shared) | verdicts | k* | effect"
        " | agreement | with k given |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for task in TASKS:
        rows: dict[str, list[tuple[float, Judged | None]]] = {"dense": [], "pruned": []}
        for seed in range(seeds):
            torch.manual_seed(seed)
            data = truth_table(task, seed)
            model = Perceptron(task.width, data[1].shape[1])
            if not train(model, data, DENSE_STEPS):
                continue
            for name in rows:
                if name == "pruned":
                    sculpt(model, data)
                kept = torch.cat([mask.flatten() for mask in model.masks]).mean().item()
                rows[name].append((kept, _judged(model, task, data[0])))
        for name, found in rows.items():
            yield _row(task.title, name, found)


def _judged(model: Perceptron, task: Task, inputs: Tensor) -> Judged | None:
    return judge(model, owners(model, task, inputs), len(task.inputs))


def _row(title: str, name: str, found: list[tuple[float, Judged | None]]) -> str:
    judged = [each for _, each in found if each is not None]
    words = [each.word for each in judged] + ["not tested"] * (len(found) - len(judged))
    told = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(sorted(words)))
    units = f"{_range([j.units for j in judged])} ({_range([j.shared for j in judged])})"
    return (
        f"| {title} | {name} | {_range([kept for kept, _ in found], '.3f')} | {units} | {told} |"
        f" {_range([j.clusters for j in judged])} | {_range([j.effect for j in judged], '.3f')} |"
        f" {_range([j.agreement for j in judged], '.2f')} |"
        f" {_range([j.told for j in judged], '.2f')} |"
    )


def _range(values: list[float], form: str = ".3g") -> str:
    if not values:
        return "–"
    low, middle, high = (format(np.quantile(values, q), form) for q in (0, 0.5, 1))
    return low if low == high else f"{middle} ({low} to {high})"


if __name__ == "__main__":
    write("boolean", __doc__, report, seeds=5)
