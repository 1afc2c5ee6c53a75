"""Layers whose units read one another, beside plain ones: how fast they learn, what modlint sees.

    python -m benchmarks.papers.lateral [--out FILE] [--seeds N]

Claim (Shahir et al., CHNNet: An Artificial Neural Network With Connected Hidden Neurons, arXiv
2305.10468): where the units of a hidden layer read one another, f(s + U f(s)) with s = W x + b,
training converges faster than in a feed-forward network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.papers.networks import measured, perceptron, told
from benchmarks.papers.signals import LENGTH, PERIODS, accuracy, sinusoids
from benchmarks.papers.writing import ranged, write
from modlint.analysis.flow import Flow

STEPS, LAYERS, GOAL = 1200, 2, 0.3
RATES = {"SGD": 0.1, "Adam": 1e-3}
FORMS = ",d", ".3f", ".3f"


class Lateral(nn.Module):
    """A layer whose units read one another once, and it alone an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.forth, self.lateral = nn.Linear(LENGTH, LENGTH), nn.Linear(LENGTH, LENGTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """f(s + U f(s)) of s = W x + b."""
        drive = self.forth(x)
        return functional.relu(drive + self.lateral(functional.relu(drive)))


def lateral() -> nn.Sequential:
    """Two layers of 64 units with lateral weights, and a head."""
    return nn.Sequential(*(Lateral() for _ in range(LAYERS)), nn.Linear(LENGTH, len(PERIODS)))


def plain(width: int, layers: int = LAYERS) -> nn.Sequential:
    """Layers of ReLU units, and a head."""
    return perceptron(LENGTH, *[width] * layers, len(PERIODS))


KINDS: dict[str, Callable[[], nn.Sequential]] = {
    "lateral": lateral,
    "plain, as wide": lambda: plain(LENGTH),
    "plain, as many weights": lambda: plain(97),
    "plain, four layers": lambda: plain(LENGTH, 2 * LAYERS),
}


def trained(model: nn.Sequential, optimiser: str, seed: int) -> tuple[int, float]:
    """Steps until the loss on other signals is below GOAL, and that loss after all steps."""
    make = torch.optim.SGD if optimiser == "SGD" else torch.optim.Adam
    steps = make(model.parameters(), lr=RATES[optimiser])
    signals, classes = sinusoids(4000, seed)
    others, theirs = sinusoids(1000, 20_000)
    generator = torch.Generator().manual_seed(0)
    first, held_out = STEPS, 0.0
    for step in range(STEPS):
        batch = torch.randint(0, len(signals), (128,), generator=generator)
        loss = functional.cross_entropy(model(signals[batch]), classes[batch])
        steps.zero_grad()
        loss.backward()
        steps.step()
        if step % 10 == 9:
            with torch.no_grad():
                held_out = float(functional.cross_entropy(model(others), theirs))
            if held_out < GOAL:
                first = min(first, step + 1)
    return first, held_out


def radius(model: nn.Sequential) -> float:
    """The largest spectral radius of a lateral weight."""
    weights = [part.lateral.weight for part in model if isinstance(part, Lateral)]
    return max(float(torch.linalg.eigvals(weight.detach()).abs().max()) for weight in weights)


def seen(model: nn.Sequential) -> Iterator[str]:
    """What modlint makes of a network with lateral weights, as lines of a list."""
    example = torch.zeros(1, LENGTH)
    network, _ = measured(model, example, Flow())
    delays = {call.name: call.delay for call in network.calls}
    layers = ", ".join(f"`{name}` (delay {delay})" for name, delay in delays.items())
    yield f"- layers of the traced network: {layers}"
    sizes = ", ".join(f"{group.size} {group.role}" for group in network.groups)
    yield f"- groups of neurons: {sizes}; residual streams among them: {len(network.streams)}"
    for code in ("SPC007", "STR001", "NEU002", "SPC004"):
        yield from (f"- {code}: {verdict.message}" for verdict in told(model, example, code))


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    test = sinusoids(2000, 10_000)
    yield "# Lateral weights"
    yield ""
    yield (
        f"`python -m benchmarks.papers.lateral`: {LAYERS} hidden layers of {LENGTH} ReLU units with"
        f" lateral weights, and plain networks as wide, of as many weights ({LAYERS} of 97 units),"
        f" and of as many layers of weights; {STEPS} steps of SGD at {RATES['SGD']} or Adam at"
        f" {RATES['Adam']}, {seeds} seeds, ranges over them. *Steps*: until the loss on other"
        f" signals is below {GOAL}."
    )
    yield ""
    yield "| network | weights | optimiser | steps | loss at the end | accuracy | radius of U |"
    yield "|---|---|---|---|---|---|---|"
    last = lateral()
    for name, make in KINDS.items():
        for optimiser in RATES:
            rows, radii = [], list[float]()
            for seed in range(seeds):
                torch.manual_seed(seed)
                model = make()
                rows.append((*trained(model, optimiser, seed), accuracy(model, test)))
                if make is lateral:
                    radii.append(radius(model))
                    last = model
            cells = [ranged(c, f) for c, f in zip(zip(*rows, strict=True), FORMS, strict=True)]
            number = sum(p.numel() for p in model.parameters())
            told_radius = ranged(radii) if radii else "–"
            yield f"| {name} | {number:,} | {optimiser} | {' | '.join(cells)} | {told_radius} |"
    yield ""
    yield "Of the last of the networks with lateral weights modlint sees:"
    yield ""
    yield from seen(last)


if __name__ == "__main__":
    write("lateral", __doc__, report, 5)
