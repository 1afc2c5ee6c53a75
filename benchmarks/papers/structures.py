"""Toeplitz and other structured networks are found in dense files, and proven by rebuilding them.

    python -m benchmarks.papers.structures [--out FILE] [--seeds N]

Claims: layers of n + m − 1 diagonals instead of n·m elements learn the task too (arXiv 2211.13935,
2006.08391); SPC008 finds them in a file that stores them whole, and no structure in dense ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

import modlint
from benchmarks.papers.signals import LENGTH, PERIODS, accuracy, sinusoids, train
from benchmarks.papers.writing import write

STEPS = 400
FREE_STEPS = (1, 10, 100, 300, 1000)
Make = Callable[[], tuple[Tensor, Callable[[Tensor], Tensor]]]


class Structured(nn.Module):
    """A linear layer whose square weight is made from fewer elements."""

    def __init__(self, make: Make) -> None:
        super().__init__()
        values, self.build = make()
        self.values, self.bias = nn.Parameter(values), nn.Parameter(torch.zeros(LENGTH))

    def forward(self, x: Tensor) -> Tensor:
        """X Wᵀ + b."""
        return x @ self.build(self.values).T + self.bias


def toeplitz() -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """127 diagonals."""
    which = torch.arange(LENGTH)[:, None] - torch.arange(LENGTH) + LENGTH - 1
    return torch.randn(2 * LENGTH - 1) / 8, lambda values: values[which]


def circulant() -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """64 diagonals that run on at the other side."""
    which = (torch.arange(LENGTH)[:, None] - torch.arange(LENGTH)) % LENGTH
    return torch.randn(LENGTH) / 8, lambda values: values[which]


def low_rank() -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Two factors of rank 8."""
    return torch.randn(2, LENGTH, 8) / 5, lambda values: values[0] @ values[1].T


def block_diagonal() -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """4 blocks of 16 × 16."""
    return torch.randn(4, 16, 16) / 4, lambda values: torch.block_diag(*values)


def dense() -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """All 4,096 elements."""
    return torch.randn(LENGTH, LENGTH) / 8, lambda values: values


KINDS = (dense, toeplitz, circulant, low_rank, block_diagonal)


def network(make: Make) -> nn.Sequential:
    """Three structured layers and a dense head."""
    hidden = [part for _ in range(3) for part in (Structured(make), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(LENGTH, len(PERIODS)))


def stored(model: nn.Sequential, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """What a file of plain linear layers would hold."""
    state = {}
    for place, part in enumerate(model):
        if isinstance(part, Structured):
            state[f"{place}.weight"] = part.build(part.values).detach().to(dtype).contiguous()
            state[f"{place}.bias"] = part.bias.detach().to(dtype)
        elif isinstance(part, nn.Linear):
            state |= {f"{place}.{k}": v.to(dtype) for k, v in part.state_dict().items()}
    return state


def told(state: dict[str, Tensor]) -> dict[str, Any]:
    """What SPC008 measures: bytes saved in all, and by structure."""
    report = modlint.check(state, select="SPC008", min_severity="information", deep=True)
    (verdict,) = [v for file in report.files for v in file.verdicts]
    values: dict[str, Any] = dict(verdict.values)
    return {"found": values.get("by_structure", {}), "saved": values["saved_bytes"]}


def freed(model: nn.Sequential) -> nn.Sequential:
    """The same with plain linear layers, free to leave the structure."""
    plain = nn.Sequential(
        *(nn.Linear(LENGTH, LENGTH) if isinstance(part, Structured) else part for part in model)
    )
    plain.load_state_dict(stored(model))
    return plain


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    test = sinusoids(2000, 10_000)
    whole = 4 * 3 * LENGTH * LENGTH
    yield "# Structured networks in dense files"
    yield ""
    yield (
        f"`python -m benchmarks.papers.structures`: ten periods of {LENGTH} noisy samples, three"
        f" layers of {LENGTH} × {LENGTH} ({whole:,} bytes of weights in single precision) and a"
        f" dense head, {STEPS} steps; {seeds} seeds."
    )
    yield ""
    yield "| layers | accuracy | found in float32, bytes saved | in bfloat16 |"
    yield "|---|---|---|---|"
    freely: list[str] = []
    for make in KINDS:
        scores, singles, halves = list[float](), list[str](), list[str]()
        for seed in range(seeds):
            torch.manual_seed(seed)
            data = sinusoids(4000, seed)
            model = network(make)
            train(model, data, STEPS)
            scores.append(accuracy(model, test))
            singles.append(_words(told(stored(model))))
            halves.append(_words(told(stored(model, torch.bfloat16))))
            if make is toeplitz and seed == 0:
                freely += _freed_rows(model, data)
        yield (
            f"| {make.__name__.replace('_', '-')} | {min(scores):.3f} to {max(scores):.3f} |"
            f" {_alike(singles)} | {_alike(halves)} |"
        )
    yield ""
    yield "The first Toeplitz network, trained on with free weights (Adam at 1e-4):"
    yield ""
    yield "| steps | farthest layer from Toeplitz | found |"
    yield "|---|---|---|"
    yield from freely


def _freed_rows(model: nn.Sequential, data: tuple[Tensor, Tensor]) -> list[str]:
    rows = []
    for steps in FREE_STEPS:
        plain = train(freed(model), data, steps, rate=1e-4)
        state = {name: values.detach() for name, values in plain.state_dict().items()}
        apart = max(_distance(state[f"{place}.weight"]) for place in (0, 2, 4))
        rows.append(f"| {steps} | {apart:.4f} | {_words(told(state))} |")
    return rows


def _distance(weight: Tensor) -> float:
    """Of a weight from its diagonals' means, over its norm."""
    nearest = torch.zeros_like(weight)
    for offset in range(1 - LENGTH, LENGTH):
        nearest.diagonal(offset).fill_(weight.diagonal(offset).mean())
    return float((weight - nearest).norm() / weight.norm())


def _words(found: dict[str, Any]) -> str:
    kinds = ", ".join(f"{kind} {saved:,}" for kind, saved in found["found"].items())
    return kinds or "nothing"


def _alike(words: list[str]) -> str:
    different = dict.fromkeys(words)
    return "; ".join(f"{word} ({words.count(word)} of {len(words)})" for word in different)


if __name__ == "__main__":
    write("structures", __doc__, report, 5)
