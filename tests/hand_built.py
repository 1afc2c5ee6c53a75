"""Networks drawn by hand from torch tensors, for tests of the numerics."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from traced_networks import Drawn, NetworkInputs, as_numpy

from modlint.network import NormKind
from modlint_plugins.networks.flow.traced import Traced

__all__ = ["Drawn", "HandInputs", "as_numpy"]

HandInputs = NetworkInputs
Layer = Callable[[Drawn, Traced], Traced]


def norm(kind: NormKind, axis: int = -1, name: str = "norm", **parts: Any) -> Layer:
    """A norm, to stand before or behind a layer; its tensors by part."""
    return lambda drawn, x: drawn.norm(name, kind, x, axis, **parts)


def chain(
    *weights: torch.Tensor,
    biases: Sequence[torch.Tensor] = (),
    activation: str = "relu",
    before: Mapping[int, Layer] | None = None,
    behind: Mapping[int, Layer] | None = None,
    tied: Mapping[int, str] | None = None,
    exposed: bool = False,
) -> HandInputs:
    """A multilayer perceptron of weights (out, in); layers are "fc0", "fc1", …, the input "x".

    Args:
        weights: of each layer.
        biases: of each layer, or none.
        activation: between layers.
        before: by layer, what stands between it and the activation before it.
        behind: by layer, what stands between it and its activation.
        tied: by layer, the tensor that it shares with another.
        exposed: whether something that is not followed reads the hidden units too.
    """
    drawn = Drawn()
    x = drawn.input(1, weights[0].shape[-1])
    for i, weight in enumerate(weights):
        x = (before or {}).get(i, _as_it_is)(drawn, x)
        bias = biases[i] if biases else None
        x = drawn.linear(f"fc{i}", x, weight, bias, tensor=(tied or {}).get(i))
        x = (behind or {}).get(i, _as_it_is)(drawn, x)
        if i < len(weights) - 1:
            x = drawn.activation(activation, x)
            if exposed:
                drawn.tracer.expose(x)
    return drawn.inputs(x)


def _as_it_is(drawn: Drawn, x: Traced) -> Traced:
    return x


def one_layer(
    weight: torch.Tensor,
    kind: str = "linear",
    groups: int = 1,
    positions: int = 1,
    *,
    channels_last: bool = False,
    before: Layer = _as_it_is,
    flat: Layer = _as_it_is,
    behind: Layer = _as_it_is,
) -> HandInputs:
    """A network of one layer, "layer": "linear", "transposed", "conv" or "conv-transpose".

    A linear layer reads flattened images of so many positions; `before` stands before they are
    flattened, `flat` behind that.
    """
    drawn = Drawn()
    if kind in ("conv", "conv-transpose"):
        size = weight.shape[0] if kind == "conv-transpose" else groups * weight.shape[1]
        x = before(drawn, _channels(drawn, size, *weight.shape[2:]))
        x = drawn.conv("layer", x, weight, groups=groups, transposed=kind == "conv-transpose")
        return drawn.inputs(behind(drawn, x))
    columns = weight.shape[0] if kind == "transposed" else weight.shape[1]
    x = before(drawn, _channels(drawn, columns // positions, positions))
    x = flat(drawn, drawn.flatten(x, channels_last=channels_last))
    x = drawn.linear("layer", x, weight, transposed=kind == "transposed")
    return drawn.inputs(behind(drawn, x))


def _channels(drawn: Drawn, size: int, *positions: int) -> Traced:
    """An image of the network's input."""
    return drawn.tracer.claimed(drawn.input(1, size, *positions), 1)


def residual_block(*weights: torch.Tensor) -> HandInputs:
    """A residual network of layers A, B, C, D: its output is D(a + C B a), with a = A x.

    The units that A and C drive are added, so they are one group, "A".
    """
    a, b, c, d = weights
    drawn = Drawn()
    stream = drawn.linear("A", drawn.input(1, a.shape[1]), a)
    branch = drawn.linear("C", drawn.linear("B", stream, b), c)
    return drawn.inputs(drawn.linear("D", drawn.add(stream, branch), d))


def rescaled(weights: Sequence[torch.Tensor], sigma: float, seed: int = 0) -> list[torch.Tensor]:
    """The same function of ReLU layers: each hidden unit's weights in × c, out / c, ln c ~ σN."""
    generator = torch.Generator().manual_seed(seed)
    moved = [weight.double() for weight in weights]
    for i in range(len(moved) - 1):
        factors = (sigma * torch.randn(len(moved[i]), generator=generator).double()).exp()
        moved[i] = moved[i] * factors[:, None]
        moved[i + 1] = moved[i + 1] / factors
    return moved


def faded(weights: Sequence[torch.Tensor], share: float, factor: float) -> list[torch.Tensor]:
    """The first units of each hidden layer, a share of it, with their weights in × `factor`."""
    kept = [weight.clone() for weight in weights]
    for weight in kept[:-1]:
        weight[: round(share * len(weight))] *= factor
    return kept


def random_chain(seed: int, *sizes: int, **chained: Any) -> HandInputs:
    """A multilayer perceptron with independent normal weights."""
    return chain(*random_weights(seed, *sizes), **chained)


def random_weights(seed: int, *sizes: int) -> list[torch.Tensor]:
    """Weights (out, in) between layers of these sizes, normal with variance 1/in."""
    generator = torch.Generator().manual_seed(seed)
    pairs = itertools.pairwise(sizes)
    return [torch.randn(n, m, generator=generator) / m**0.5 for m, n in pairs]


def planted_weights(
    seed: int, modules: int, *sizes: int, up: float = 4.6, down: float = 0.6
) -> list[torch.Tensor]:
    """Random weights, those within a module times `up`, others times `down`.

    Filan et al., arXiv 2103.03386, section 5; units of a layer take turns in the modules.
    """
    weights = random_weights(seed, *sizes)
    return [w * torch.where(_within(modules, *w.shape), up, down) for w in weights]


def planted_convolutions(folder: Path) -> Path:
    """An exported program: planted modules between convolutions, none in its classifier."""
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(3, 40, 3), nn.ReLU(), nn.Conv2d(40, 40, 1), nn.ReLU(), nn.Conv2d(40, 40, 1)),
        *(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 50), nn.ReLU()),
        nn.Linear(50, 7),
    ).eval()
    kernels = (model[2].weight, model[4].weight)
    with torch.no_grad():
        for kernel, weight in zip(kernels, planted_weights(0, 10, 40, 40, 40), strict=True):
            kernel.copy_(weight[:, :, None, None])
        program = torch.export.export(model, (torch.randn(2, 3, 8, 8),))
    torch.export.save(program, folder / "model.pt2")
    return folder / "model.pt2"


def _within(modules: int, out: int, inputs: int) -> torch.Tensor:
    """Where two units are in the same module: (out, in) bool."""
    return torch.arange(out)[:, None] % modules == torch.arange(inputs) % modules


def residual(seed: int, inputs: int, width: int, outputs: int, blocks: int = 2) -> HandInputs:
    """A residual network: each block adds stream → h → k to the stream of `width` units."""
    drawn, draw = Drawn(), _Weights(seed)
    stream = drawn.linear("stem", drawn.input(1, inputs), draw(width, inputs))
    for block in range(blocks):
        k = drawn.linear(f"a{block}", stream, draw(width, width))
        k = drawn.linear(f"b{block}", k, draw(width, width))
        stream = drawn.add(stream, drawn.linear(f"c{block}", k, draw(width, width)))
    return drawn.inputs(drawn.linear("head", stream, draw(outputs, width)))


def recurrent(seed: int, inputs: int, hidden: int, outputs: int) -> HandInputs:
    """A recurrent layer: input → hidden, hidden → hidden, hidden → output."""
    drawn, draw = Drawn(), _Weights(seed)
    enter, again = draw(hidden, inputs), draw(hidden, hidden)
    state = drawn.recurrent("rnn", drawn.input(1, 3, inputs), enter, again)
    return drawn.inputs(drawn.linear("head", state, draw(outputs, hidden)))


def convolutional(seed: int, *channels: int, outputs: int) -> HandInputs:
    """3×3 convolutions between channels, flattened at 2×2 positions into a linear layer."""
    drawn, draw = Drawn(), _Weights(seed)
    x = drawn.input(1, channels[0], 2, 2)
    for i, (m, n) in enumerate(itertools.pairwise(channels)):
        x = drawn.conv(f"conv{i}", x, draw(n, m, 3, 3))
    fan_in = 4 * channels[-1]
    return drawn.inputs(drawn.linear("head", drawn.flatten(x), draw(outputs, fan_in)))


class _Weights:
    """Normal weights, one tensor after the other."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=self.generator)
