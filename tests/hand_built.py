"""Networks built by hand from torch tensors, for tests of the numerics."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from msgspec.structs import replace

from modlint.analysis.base import NetworkAnalysis
from modlint.network import Group, Layer, Network, Norm


@dataclass
class HandInputs:
    """What analyses may read of a network built by hand; results are computed once."""

    network: Network
    tensors: Mapping[str, torch.Tensor]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    progress: Callable[[str, int, int], None] = lambda what, done, total: None
    results: dict[NetworkAnalysis[Any], Any] = field(default_factory=dict)

    def weight(self, name: str) -> torch.Tensor:
        return self.tensors[name].to(self.device)

    def result(self, analysis: NetworkAnalysis[Any]) -> Any:
        if analysis not in self.results:
            self.results[analysis] = analysis.compute(self.network, self)
        return self.results[analysis]


def chain(*weights: torch.Tensor, biases: Sequence[torch.Tensor] = ()) -> HandInputs:
    """A ReLU multilayer perceptron of weights (out, in); layers are "fc0", "fc1", …."""
    sizes = [weights[0].shape[1], *(weight.shape[0] for weight in weights)]
    roles = ["input", *["hidden"] * (len(weights) - 1), "output"]
    groups = [Group(f"g{i}", n, r) for i, (n, r) in enumerate(zip(sizes, roles, strict=True))]
    layers = [
        Layer(
            name=f"fc{i}",
            kind="linear",
            shape=tuple(weight.shape),
            source=f"g{i}",
            target=f"g{i + 1}",
            inputs=(f"fc{i - 1}",) if i else (),
            weight=f"fc{i}.weight",
            bias=f"fc{i}.bias" if biases else None,
            activation="relu" if i < len(weights) - 1 else "identity",
        )
        for i, weight in enumerate(weights)
    ]
    tensors = {f"fc{i}.weight": weight for i, weight in enumerate(weights)}
    tensors |= {f"fc{i}.bias": bias for i, bias in enumerate(biases)}
    return HandInputs(Network("0", "graph", None, tuple(groups), tuple(layers)), tensors)


def with_norm(
    inputs: HandInputs, layer: int, norm: Norm, tensors: Mapping[str, torch.Tensor], where: str
) -> HandInputs:
    """The same network with a norm beside one layer; `where` is "input" or "output"."""
    layers = list(inputs.network.layers)
    layers[layer] = replace(layers[layer], **{f"{where}_norms": (norm,)})
    network = replace(inputs.network, layers=tuple(layers))
    return HandInputs(network, {**inputs.tensors, **tensors})


def one_layer(layer: Layer, source: int, target: int, weight: torch.Tensor) -> HandInputs:
    """A network of one layer from group "in" of `source` neurons to group "out" of `target`."""
    groups = (Group("in", source, "input"), Group("out", target, "output"))
    return HandInputs(Network("0", "graph", None, groups, (layer,)), {layer.weight: weight})


def residual_block(*weights: torch.Tensor) -> HandInputs:
    """A residual network of layers A, B, C, D: its output is D(a + C B a), with a = A x.

    The units that A and C drive are added, so they are one group, "stream".
    """
    a, b, _, d = weights
    groups = (
        Group("x", a.shape[1], "input"),
        Group("stream", a.shape[0], "hidden"),
        Group("inner", b.shape[0], "hidden"),
        Group("y", d.shape[0], "output"),
    )
    ways = {
        "A": ("x", "stream", ()),
        "B": ("stream", "inner", ("A",)),
        "C": ("inner", "stream", ("B",)),
        "D": ("stream", "y", ("A", "C")),
    }
    layers = tuple(
        Layer(name, "linear", tuple(weight.shape), source, target, inputs, name, activation="relu")
        for (name, (source, target, inputs)), weight in zip(ways.items(), weights, strict=True)
    )
    return HandInputs(
        Network("0", "graph", None, groups, layers), dict(zip(ways, weights, strict=True))
    )


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


def random_chain(seed: int, *sizes: int) -> HandInputs:
    """A multilayer perceptron with independent normal weights."""
    return chain(*random_weights(seed, *sizes))


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


def _within(modules: int, out: int, inputs: int) -> torch.Tensor:
    """Where two units are in the same module: (out, in) bool."""
    return torch.arange(out)[:, None] % modules == torch.arange(inputs) % modules


def residual(seed: int, inputs: int, width: int, outputs: int, blocks: int = 2) -> HandInputs:
    """A residual network: each block adds stream → h → k to the stream of `width` units."""
    groups = [Group("in", inputs, "input"), Group("stream", width, "hidden")]
    layers = [_dense("stem", "in", "stream", (), width, inputs)]
    writers: tuple[str, ...] = ("stem",)
    for block in range(blocks):
        h, k = f"h{block}", f"k{block}"
        groups += [Group(h, width, "hidden"), Group(k, width, "hidden")]
        layers += [
            _dense(f"a{block}", "stream", h, writers, width, width),
            _dense(f"b{block}", h, k, (f"a{block}",), width, width),
            _dense(f"c{block}", k, "stream", (f"b{block}",), width, width),
        ]
        writers = (*writers, f"c{block}")
    groups.append(Group("out", outputs, "output"))
    layers.append(_dense("head", "stream", "out", writers, outputs, width))
    return _with_random_weights(seed, groups, layers)


def recurrent(seed: int, inputs: int, hidden: int, outputs: int) -> HandInputs:
    """A recurrent layer: input → hidden, hidden → hidden, hidden → output."""
    groups = [
        Group("in", inputs, "input"),
        Group("hidden", hidden, "hidden"),
        Group("out", outputs, "output"),
    ]
    layers = [
        _dense("ih", "in", "hidden", (), hidden, inputs),
        _dense("hh", "hidden", "hidden", ("ih", "hh"), hidden, hidden),
        _dense("head", "hidden", "out", ("ih", "hh"), outputs, hidden),
    ]
    return _with_random_weights(seed, groups, layers)


def convolutional(seed: int, *channels: int, outputs: int) -> HandInputs:
    """3×3 convolutions between channels, flattened at 2×2 positions into a linear layer."""
    groups = [Group(f"g{i}", n, "hidden" if i else "input") for i, n in enumerate(channels)]
    groups.append(Group("out", outputs, "output"))
    layers = [
        Layer(f"conv{i}", "conv", (n, m, 3, 3), f"g{i}", f"g{i + 1}", (), f"conv{i}.weight")
        for i, (m, n) in enumerate(itertools.pairwise(channels))
    ]
    last = len(channels) - 1
    fan_in = 4 * channels[-1]
    head = _dense("head", f"g{last}", "out", (), outputs, fan_in)
    return _with_random_weights(seed, groups, [*layers, replace(head, columns_per_unit=4)])


def _dense(
    name: str, source: str, target: str, inputs: tuple[str, ...], out: int, fan_in: int
) -> Layer:
    return Layer(name, "linear", (out, fan_in), source, target, inputs, f"{name}.weight")


def _with_random_weights(seed: int, groups: Sequence[Group], layers: Sequence[Layer]) -> HandInputs:
    generator = torch.Generator().manual_seed(seed)
    tensors = {la.weight: torch.randn(la.shape, generator=generator) for la in layers}
    return HandInputs(Network("0", "graph", None, tuple(groups), tuple(layers)), tensors)
