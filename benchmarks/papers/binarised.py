"""Networks of binarised weights learn, and are found in files that store them as floats.

    python -m benchmarks.papers.binarised [--out FILE] [--seeds N]

Claims: weights of two values, with a scale for each row or without, learn the task, by gradients
that pass straight through the sign (Rastegari et al., XNOR-Net, arXiv 1603.05279; Aspman, Korpas
and Marecek, arXiv 2310.04469: without, gradients fail); NUM004 finds them where they are stored as
floats, and names the bytes that one bit an element would save.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

import modlint
from benchmarks.papers.signals import LENGTH, PERIODS, accuracy, sinusoids, train
from benchmarks.papers.writing import write

STEPS, HIDDEN = 600, 3
DTYPES = torch.float32, torch.bfloat16

Quantise = Callable[[Tensor], Tensor]


def signs(weight: Tensor) -> Tensor:
    """±1/8 throughout: the root of the number of inputs."""
    return torch.where(weight < 0, -1.0, 1.0) / math.sqrt(LENGTH)


def scaled_signs(weight: Tensor) -> Tensor:
    """± the mean magnitude of each row."""
    return torch.where(weight < 0, -1.0, 1.0) * weight.abs().mean(1, keepdim=True)


def ternary(weight: Tensor) -> Tensor:
    """Zeros below .7 of the mean magnitude of all, ± one value above."""
    kept = weight.abs() > 0.7 * weight.abs().mean()
    return weight.sign() * kept * (weight.abs() * kept).sum() / kept.sum().clamp_min(1)


def levels(number: int) -> Quantise:
    """A grid of so many values on both sides of zero."""

    def quantise(weight: Tensor) -> Tensor:
        step = 2 * weight.abs().max() / (number - 1)
        return ((weight / step - 0.5).round() + 0.5) * step

    return quantise


def dense(weight: Tensor) -> Tensor:
    """The weight itself."""
    return weight


KINDS: dict[str, tuple[Quantise, int | None]] = {
    "signs": (signs, 1),
    "signs, a scale for each row": (scaled_signs, 1),
    "ternary": (ternary, 2),
    "16 levels": (levels(16), 4),
    "32 levels": (levels(32), None),
    "free": (dense, None),
}
"""And the bits of a code, where NUM004 should find them."""


class Quantised(nn.Linear):
    """A linear layer that computes with a quantised weight; gradients pass straight through."""

    def __init__(self, quantise: Quantise) -> None:
        super().__init__(LENGTH, LENGTH)
        self.quantise = quantise

    def effective(self) -> Tensor:
        """The weight that it computes with."""
        return self.weight + (self.quantise(self.weight) - self.weight).detach()

    def forward(self, x: Tensor) -> Tensor:
        """Of signals (number, LENGTH)."""
        return functional.linear(x, self.effective(), self.bias)


def network(quantise: Quantise) -> nn.Sequential:
    """Three quantised layers, a norm behind each, and a free head."""
    hidden = [
        part
        for _ in range(HIDDEN)
        for part in (Quantised(quantise), nn.BatchNorm1d(LENGTH), nn.ReLU())
    ]
    return nn.Sequential(*hidden, nn.Linear(LENGTH, len(PERIODS)))


def stored(model: nn.Sequential, dtype: torch.dtype) -> dict[str, Tensor]:
    """What a file would hold: the weights that the layers compute with."""
    state = dict(model.state_dict())
    for place, part in enumerate(model):
        if isinstance(part, Quantised):
            state[f"{place}.weight"] = part.quantise(part.weight).detach()
    return {name: values.to(dtype) for name, values in state.items() if values.dim() == 2}


def told(state: dict[str, Tensor]) -> tuple[int, int]:
    """How many weights NUM004 finds, and the bytes that it says would be saved."""
    report = modlint.check(state, select="NUM004", min_severity="information")
    verdicts = [v for file in report.files for v in file.verdicts if v.outcome.value == "fail"]
    return len(verdicts), sum(int(verdict.values["nbytes"]) for verdict in verdicts)


def saved(bits: int, dtype: torch.dtype) -> int:
    """Bytes of the hidden weights less those of their codes."""
    return HIDDEN * LENGTH * LENGTH * (8 * dtype.itemsize - bits) // 8


def near_misses(model: nn.Sequential) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Of a network of scaled signs: files that hold something else than its binarised weights."""
    latent = {name: values for name, values in model.state_dict().items() if values.dim() == 2}
    yield "the weights behind the signs", latent
    yield "the same, cut off at ±0.05", {k: v.clamp(-0.05, 0.05) for k, v in latent.items()}
    binarised = stored(model, torch.float32)
    for share in (1e-4, 1e-2):
        noise = {k: v * (1 + share * torch.randn_like(v)) for k, v in binarised.items()}
        yield f"binarised, with noise of {share:g} of each element", noise
    half = {
        k: torch.cat([v[: len(v) // 2], latent[k][len(v) // 2 :]]) for k, v in binarised.items()
    }
    yield "half of the rows binarised", half


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    test = sinusoids(2000, 10_000)
    yield "# Binarised networks in files of floats"
    yield ""
    yield (
        f"`python -m benchmarks.papers.binarised`: {HIDDEN} hidden layers of {LENGTH} × {LENGTH}"
        f" ({HIDDEN * LENGTH * LENGTH * 4:,} bytes in single precision), trained by {STEPS} steps"
        f" straight through the rounding, a free head; {seeds} seeds. *Expected*: bytes less those"
        " of codes."
    )
    yield ""
    yield "| weights | accuracy | expected, float32 | NUM004: weights, bytes | in bfloat16 |"
    yield "|---|---|---|---|---|"
    misses: list[str] = []
    for name, (quantise, bits) in KINDS.items():
        scores, found = list[float](), {dtype: list[str]() for dtype in DTYPES}
        for seed in range(seeds):
            torch.manual_seed(seed)
            model = network(quantise)
            train(model, sinusoids(4000, seed), STEPS)
            scores.append(accuracy(model.eval(), test))
            for dtype in DTYPES:
                found[dtype].append(_words(*told(stored(model, dtype))))
            if quantise is scaled_signs and seed == 0:
                misses = [f"| {what} | {_words(*told(s))} |" for what, s in near_misses(model)]
        expected = f"{saved(bits, torch.float32):,}" if bits else "nothing"
        cells = " | ".join(_alike(found[dtype]) for dtype in DTYPES)
        yield f"| {name} | {min(scores):.3f} to {max(scores):.3f} | {expected} | {cells} |"
    yield ""
    yield "Near misses, of the first network of signs with a scale for each row:"
    yield ""
    yield "| what the file holds | NUM004 |"
    yield "|---|---|"
    yield from misses


def _words(number: int, nbytes: int) -> str:
    return f"{number}, {nbytes:,}" if number else "nothing"


def _alike(words: Sequence[str]) -> str:
    different = dict.fromkeys(words)
    return "; ".join(f"{word} ({words.count(word)} of {len(words)})" for word in different)


if __name__ == "__main__":
    write("binarised", __doc__, report, 5)
