"""Networks without modules, of many kinds, and the same with modules planted."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from hand_built import Drawn, HandInputs

ARCHITECTURES = ("mlp", "cnn", "residual", "recurrent", "transformer")
LAWS = ("normal", "uniform", "lognormal")
SPARSITIES = (0.0, 0.0, 0.5, 0.8, 0.95)
STRENGTHS = ("alike", "alike", "independent", "correlated")
SCALES = ("as drawn", "as drawn", "rescaled")
DEATHS = ("none", "none", "dead", "faint")
FEWEST, MOST = 9, 3000


@dataclass(frozen=True)
class Kind:
    """What a network is like.

    Attributes:
        architecture: how its layers are joined.
        law: of its weights.
        sparsity: share of the weights that are zero.
        strengths: of its units: alike, or lognormal with σ up to 1, in and out drawn apart or one
            for both.
        sigma: that σ.
        scale: whether hidden units are rescaled (σ = 1) as a ReLU network's may be.
        death: whether a tenth of the hidden units has weights in of 1e-8 (dead) or 1e-3 (faint).
        units: about how many, inputs and outputs included.
        modules: how many are planted, 0 for none.
        up: what weights within a module are multiplied by; others by what keeps their mean.
        unbalanced: whether each module is half as large as the one before.
        depth: layers, from the first, in which they are planted.
        separate: whether it is two networks side by side.
    """

    architecture: str = "mlp"
    law: str = "normal"
    sparsity: float = 0.0
    strengths: str = "alike"
    sigma: float = 0.0
    scale: str = "as drawn"
    death: str = "none"
    units: int = 200
    modules: int = 0
    up: float = 1.0
    unbalanced: bool = False
    depth: int = 99
    separate: bool = False


def without_modules(number: int) -> Kind:
    """The kind of the network of a number; architectures take turns, the rest is drawn."""
    draw = np.random.Generator(np.random.PCG64([7, number]))
    return Kind(
        architecture=ARCHITECTURES[number % len(ARCHITECTURES)],
        law=str(draw.choice(LAWS)),
        sparsity=float(draw.choice(SPARSITIES)),
        strengths=str(draw.choice(STRENGTHS)),
        sigma=float(draw.uniform(0.3, 1)),
        scale=str(draw.choice(SCALES)),
        death=str(draw.choice(DEATHS)),
        units=round(math.exp(draw.uniform(math.log(FEWEST), math.log(MOST)))),
    )


class Maker:
    """Makes the weights of a network of some kind."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind = kind
        self.drawn = Drawn()
        self.generator = torch.Generator().manual_seed(seed)
        self._made = 0

    def group(self, size: int, *, hidden: bool = True) -> Units:
        """Units, with what their weights in and out are multiplied by."""
        kind, into, out = self.kind, torch.ones(size).double(), torch.ones(size).double()
        if kind.strengths != "alike":
            into = (kind.sigma * self._normal(size)).exp()
            out = (
                into if kind.strengths == "correlated" else (kind.sigma * self._normal(size)).exp()
            )
        if hidden and kind.scale == "rescaled":
            scale = self._normal(size).exp()
            into, out = into * scale, out / scale
        if hidden and kind.death != "none":
            into = into.clone()
            into[: size // 10] *= 1e-8 if kind.death == "dead" else 1e-3
        return Units(size, into, out, self._modules(size))

    def _modules(self, size: int) -> torch.Tensor:
        """The module of each unit, in no order."""
        if self.kind.separate:
            return torch.arange(size) * 2 // size
        if not self.kind.modules:
            return torch.zeros(size, dtype=torch.int64)
        number = torch.arange(size) % self.kind.modules
        if self.kind.unbalanced:
            share = torch.rand(size, generator=self.generator)
            number = (-torch.log2(1 - share)).long().clamp_max(self.kind.modules - 1)
        return number[torch.randperm(size, generator=self.generator)]

    def weights(self, source: Units, target: Units, positions: int = 1) -> torch.Tensor:
        """Weights between units: (target, source), or with kernel positions behind."""
        shape = (target.size, source.size, positions)
        values = self._values(shape) * (
            torch.rand(shape, generator=self.generator) >= self.kind.sparsity
        )
        values = values * target.into[:, None, None] * source.out[:, None] / source.size**0.5
        self._made += 1
        kind, within = self.kind, target.modules[:, None] == source.modules
        if kind.separate:
            values = values * within[..., None]
        elif kind.modules and self._made <= kind.depth:
            down = (kind.modules - kind.up) / (kind.modules - 1)
            values = values * torch.where(within, kind.up, down)[..., None]
        return values[..., 0] if positions == 1 else values

    def _values(self, shape: tuple[int, ...]) -> torch.Tensor:
        if self.kind.law == "uniform":
            return torch.rand(shape, generator=self.generator).double() * 2 - 1
        values = torch.randn(shape, generator=self.generator).double()
        return values.exp() if self.kind.law == "lognormal" else values

    def _normal(self, size: int) -> torch.Tensor:
        return torch.randn(size, generator=self.generator).double()


@dataclass(frozen=True)
class Units:
    """A group of units.

    Attributes:
        size: how many.
        into: what weights into each are multiplied by.
        out: likewise out of it.
        modules: the module of each.
    """

    size: int
    into: torch.Tensor
    out: torch.Tensor
    modules: torch.Tensor


def network(kind: Kind, seed: int) -> HandInputs:
    """A network of some kind."""
    return globals()[f"_{kind.architecture}"](Maker(kind, seed))


def _mlp(m: Maker) -> HandInputs:
    """Inputs, three hidden layers, and a tenth as many outputs."""
    width = max(2, round(m.kind.units / 4.1))
    sizes = (width, width, width, width, max(2, width // 10))
    groups = [m.group(size, hidden=0 < i < 4) for i, size in enumerate(sizes)]
    x = m.drawn.input(1, width)
    for i, (source, target) in enumerate(pairwise(groups)):
        x = m.drawn.linear(f"fc{i}", x, m.weights(source, target))
        x = m.drawn.relu(x) if i < 3 else x
    return m.drawn.inputs(x)


def _cnn(m: Maker) -> HandInputs:
    """Three channels, three convolutions, and a linear layer over 2×2 positions."""
    width = max(2, round((m.kind.units - 5) / 3))
    sizes = (3, width, width, width)
    groups = [m.group(size, hidden=i > 0) for i, size in enumerate(sizes)]
    x = m.drawn.input(1, 3, 2, 2)
    for i, (source, target) in enumerate(pairwise(groups)):
        x = m.drawn.relu(
            m.drawn.conv(f"conv{i}", x, m.weights(source, target, 9).unflatten(2, (3, 3)))
        )
    out = m.group(2 if width < 20 else 10, hidden=False)
    head = m.weights(groups[-1], out, 4)
    return m.drawn.inputs(m.drawn.linear("head", m.drawn.flatten(x), head.flatten(1)))


def _residual(m: Maker) -> HandInputs:
    """A stem, two blocks with one hidden layer each, and a head."""
    width = max(2, round(m.kind.units / 4.2))
    inputs, stream = m.group(width, hidden=False), m.group(width)
    x = m.drawn.linear("stem", m.drawn.input(1, width), m.weights(inputs, stream))
    for block in range(2):
        hidden = m.group(width)
        y = m.drawn.relu(m.drawn.linear(f"a{block}", x, m.weights(stream, hidden)))
        x = m.drawn.add(x, m.drawn.linear(f"b{block}", y, m.weights(hidden, stream)))
    out = m.group(max(2, width // 5), hidden=False)
    return m.drawn.inputs(m.drawn.linear("head", x, m.weights(stream, out)))


def _recurrent(m: Maker) -> HandInputs:
    """A recurrent layer of as many units as inputs, and a linear layer before and behind."""
    width = max(2, round(m.kind.units / 3.2))
    inputs, hidden, state = m.group(width, hidden=False), m.group(width), m.group(width)
    out = m.group(max(2, width // 5), hidden=False)
    x = m.drawn.relu(
        m.drawn.linear("before", m.drawn.input(1, 3, width), m.weights(inputs, hidden))
    )
    x = m.drawn.recurrent("rnn", x, m.weights(hidden, state), m.weights(state, state))
    return m.drawn.inputs(m.drawn.linear("head", x, m.weights(state, out)))


def _transformer(m: Maker) -> HandInputs:
    """A block of attention and two layers on a residual stream, between embedding and head."""
    heads = 4 if m.kind.units >= 100 else 1
    width = max(1, round(m.kind.units / 6.2 / heads)) * heads
    inputs, stream = m.group(width, hidden=False), m.group(width)
    queries, values, hidden = m.group(width), m.group(width), m.group(2 * width)
    out = m.group(max(2, width // 5), hidden=False)
    d, x = m.drawn, m.drawn.input(1, 4, width)
    x = d.linear("embed", x, m.weights(inputs, stream))
    q, k, v = (
        d.linear(name, x, m.weights(stream, units))
        for name, units in (("q", queries), ("k", queries), ("v", values))
    )
    x = d.add(x, d.linear("o", d.attention(q, k, v, heads), m.weights(values, stream)))
    y = d.activation("gelu", d.linear("up", x, m.weights(stream, hidden)))
    x = d.add(x, d.linear("down", y, m.weights(hidden, stream)))
    return d.inputs(d.linear("head", x, m.weights(stream, out)))
