"""What the flow from a protected input tells of decisions, and what it does not.

    python -m benchmarks.papers.protected [--out FILE] [--seeds N]

Claim (Dwork et al., Fairness Through Awareness, arXiv 1104.3913): a decision that does not read a
protected attribute may still depend on it, through other inputs that tell of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.papers.networks import measured, perceptron
from benchmarks.papers.writing import ranged, write
from modlint.analysis.flow import Flow

INPUTS, UNITS, STEPS = 8, 32, 400
PROTECTED, PROXY = 0, 1
"""Columns of the inputs; the others are independent of both."""


class Kind(NamedTuple):
    """How a network is made, and what its data are."""

    name: str
    proxy: float
    mend: Callable[[nn.Sequential], None]
    throughout: bool


def unchanged(model: nn.Sequential) -> None:
    """Leave the network as it is."""


def without_input(model: nn.Sequential) -> None:
    """No weight reads the protected input."""
    model[0].weight.data[:, PROTECTED] = 0


def without_way(model: nn.Sequential) -> None:
    """Four units read it, and no weight reads these."""
    model[0].weight.data[4:, PROTECTED] = 0
    model[2].weight.data[:, :4] = 0


KINDS = (
    Kind("as it is", 2.0, unchanged, True),
    Kind("weights of the protected input 0, in training", 2.0, without_input, True),
    Kind("the same, after training", 2.0, without_input, False),
    Kind("units that read it are read by none", 2.0, without_way, True),
    Kind("weights 0, and no proxy", 0.0, without_input, True),
    Kind("as it is, and no proxy", 0.0, unchanged, True),
)


def people(number: int, proxy: float, seed: int) -> tuple[Tensor, Tensor]:
    """Inputs (number, INPUTS) and decisions of the past, which favour a group.

    The protected input is ±1; `proxy` times it, plus noise, is the second. Decisions follow the
    other inputs, and the group by a part.
    """
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(number, INPUTS, generator=generator)
    group = torch.randint(0, 2, (number,), generator=generator) * 2.0 - 1
    inputs[:, PROTECTED] = group
    inputs[:, PROXY] += proxy * group
    noise = torch.randn(number, generator=generator)
    score = inputs[:, 2:].sum(1) / 2 + 1.2 * group + 0.3 * noise
    return inputs, (score > 0).float()


def trained(kind: Kind, seed: int) -> nn.Sequential:
    """Two hidden layers, trained to decide as the past did."""
    torch.manual_seed(seed)
    model = perceptron(INPUTS, UNITS, UNITS, 1)
    inputs, wanted = people(4000, kind.proxy, seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(STEPS):
        batch = torch.arange(step * 128, step * 128 + 128) % len(inputs)
        scores = model(inputs[batch])[:, 0]
        loss = functional.binary_cross_entropy_with_logits(scores, wanted[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if kind.throughout:
            kind.mend(model)
    kind.mend(model)
    return model


def flow_share(model: nn.Sequential) -> float:
    """The protected input's share of the flow from all inputs."""
    network, flows = measured(model, torch.zeros(1, INPUTS), Flow())
    (entrance,) = (group.name for group in network.groups if group.role == "input")
    units = flows.units[entrance]
    return float(units[PROTECTED] / units.sum())


@torch.no_grad()
def decided(model: nn.Sequential, proxy: float) -> tuple[float, float, float]:
    """Agreement with the past, share that changes, and gap, as the report tells them."""
    inputs, wanted = people(10_000, proxy, 999)
    other = inputs.clone()
    other[:, PROTECTED] *= -1
    answers, changed = model(inputs)[:, 0] > 0, model(other)[:, 0] > 0
    one = inputs[:, PROTECTED] > 0
    gap = answers[one].float().mean() - answers[~one].float().mean()
    agreement = (answers == (wanted > 0)).float().mean()
    return float(agreement), float((answers != changed).float().mean()), float(gap)


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    yield "# Flow from a protected input"
    yield ""
    yield (
        f"`python -m benchmarks.papers.protected`: two hidden layers of {UNITS} ReLU units decide"
        " as biased decisions of the past did, of 8 inputs, one of them protected, one a proxy"
        f" (correlation .89 with it); {seeds} seeds, ranges over them. *Flow*: the protected"
        " input's share of the synaptic flow from all inputs, .125 where all have alike. *Changed*:"
        " decisions that differ where it alone does. *Gap*: difference of the groups' shares of"
        " favourable decisions, of 10,000 people."
    )
    yield ""
    yield "| network | agreement | flow | changed | gap |"
    yield "|---|---|---|---|---|"
    for kind in KINDS:
        rows = [_row(kind, seed) for seed in range(seeds)]
        cells = [ranged(column, ".3f") for column in zip(*rows, strict=True)]
        yield f"| {kind.name} | {' | '.join(cells)} |"


def _row(kind: Kind, seed: int) -> tuple[float, ...]:
    model = trained(kind, seed)
    agreement, changed, gap = decided(model, kind.proxy)
    return agreement, flow_share(model), changed, gap


if __name__ == "__main__":
    write("protected", __doc__, report, 5)
