"""Masks found before training: which collapse layers, and which learn.

    python -m benchmarks.papers.tangents [--out FILE] [--seeds N]

Claims: sparse networks that learn like their dense network can be found without labels, by keeping
outputs and neural tangent kernel (Liu and Zenke, Finding trainable sparse networks through Neural
Tangent Transfer, arXiv 2006.08228); by magnitude or SNIP, with one threshold for all layers, whole
layers are lost at high sparsity, by iterated synaptic flow none (Tanaka et al., arXiv 2006.05467).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional
from torch.nn.utils import prune

from benchmarks.papers.networks import measured, perceptron, told
from benchmarks.papers.signals import LENGTH, PERIODS, accuracy, sinusoids, train
from benchmarks.papers.writing import ranged, write
from modlint.analysis.flow import NegligibleUnits

SIZES = LENGTH, 128, 64, 64, 64, len(PERIODS)
SPARSITIES = 0.9, 0.97, 0.99, 0.995
TRANSFER, TRAINING, ROUNDS = 200, 400, 50

Weights = dict[str, Tensor]
Data = tuple[Tensor, Tensor]


def weights_of(model: nn.Sequential) -> Weights:
    """The weights, without biases, by name."""
    return {name: p.detach() for name, p in model.named_parameters() if p.dim() == 2}


def best(scores: Weights, share: float, by_layer: bool) -> Weights:
    """Masks of the highest scores: a share of all weights, or of each layer's."""
    if by_layer:
        return {name: s > _quantile(s, 1 - share) for name, s in scores.items()}
    limit = _quantile(torch.cat([s.flatten() for s in scores.values()]), 1 - share)
    return {name: s > limit for name, s in scores.items()}


def _quantile(scores: Tensor, share: float) -> Tensor:
    return scores.flatten().kthvalue(max(1, round(share * scores.numel()))).values


def magnitude(model: nn.Sequential, _: Data, share: float) -> Weights:
    """The largest weights of all layers."""
    return best({name: w.abs() for name, w in weights_of(model).items()}, share, False)


def snip(model: nn.Sequential, data: Data, share: float, by_layer: bool = False) -> Weights:
    """Weights whose removal changes the loss on labelled data most."""
    loss = functional.cross_entropy(model(data[0][:256]), data[1][:256])
    names = list(weights_of(model))
    slopes = torch.autograd.grad(loss, [model.get_parameter(name) for name in names])
    scores = {n: (model.get_parameter(n) * s).abs() for n, s in zip(names, slopes, strict=True)}
    return best(scores, share, by_layer)


def synaptic_flow(model: nn.Sequential, _: Data, share: float) -> Weights:
    """Weights through which most flow runs, in rounds."""
    weights = {name: w.abs() for name, w in weights_of(model).items()}
    masks = {name: torch.ones_like(w, dtype=torch.bool) for name, w in weights.items()}
    for turn in range(1, ROUNDS + 1):
        kept = {name: (w * masks[name]).requires_grad_() for name, w in weights.items()}
        h = torch.ones(SIZES[0])
        for w in kept.values():
            h = w @ h
        slopes = torch.autograd.grad(h.sum(), list(kept.values()))
        scores = {n: (w * s).detach() for (n, w), s in zip(kept.items(), slopes, strict=True)}
        masks = best(scores, share ** (turn / ROUNDS), False)
    return masks


def transfer(model: nn.Sequential, data: Data, share: float, by_layer: bool = True) -> Weights:
    """Neural tangent transfer: masks, and weights in the model, whose kernel is the dense one's.

    Of a random projection of the outputs, on batches of 16 inputs without labels.
    """
    dense = {name: p.detach().clone() for name, p in model.named_parameters()}
    student = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimiser = torch.optim.Adam([p.requires_grad_() for p in student.values()], lr=1e-3)
    masks: Weights = {}
    for step in range(TRANSFER):
        if step % 20 == 0:
            sizes = {name: student[name].detach().abs() for name in weights_of(model)}
            masks = best(sizes, share, by_layer)
        inputs = data[0][torch.randint(0, len(data[0]), (16,))]
        which = functional.normalize(torch.randn(SIZES[-1]), dim=0)
        # gradients pass through the masks, so that weights may come back
        hidden = {name: student[name] * ~mask for name, mask in masks.items()}
        sparse = student | {name: student[name] - part.detach() for name, part in hidden.items()}
        aims = _tangents(model, dense, inputs, which)
        loss = torch.zeros(())
        for one, aim in zip(_tangents(model, sparse, inputs, which), aims, strict=True):
            loss = loss + (one - aim.detach()).square().sum() / aim.detach().square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.load_state_dict({name: p.detach() for name, p in student.items()})
    return masks


def _tangents(
    model: nn.Sequential, weights: Weights, inputs: Tensor, which: Tensor
) -> tuple[Tensor, Tensor]:
    """Projected outputs (number,), and their tangent kernel (number, number)."""

    def output(values: Weights, one: Tensor) -> Tensor:
        return functional_call(model, values, (one[None],))[0] @ which

    slopes = vmap(grad(output), (None, 0))(weights, inputs)
    flat = torch.cat([s.flatten(1) for s in slopes.values()], 1)
    return functional_call(model, weights, (inputs,)) @ which, flat @ flat.T


METHODS: dict[str, Callable[[nn.Sequential, Data, float], Weights]] = {
    "magnitude, all layers": magnitude,
    "SNIP, all layers": snip,
    "SNIP, by layer": lambda model, data, share: snip(model, data, share, by_layer=True),
    "synaptic flow, all layers": synaptic_flow,
    "tangent transfer, all layers": lambda m, data, share: transfer(m, data, share, by_layer=False),
    "tangent transfer, by layer": transfer,
}


def masked(model: nn.Sequential, masks: Weights) -> nn.Sequential:
    """The network with masks that training keeps."""
    for name, mask in masks.items():
        prune.custom_from_mask(model.get_submodule(name.removesuffix(".weight")), "weight", mask)
    return model


def stored(model: nn.Sequential, masks: Weights) -> nn.Sequential:
    """The network with its masked weights as a file has them."""
    plain = copy.deepcopy(model)
    for name, mask in masks.items():
        plain.get_parameter(name).data.mul_(mask)
    return plain


def seen(model: nn.Sequential) -> tuple[bool, float]:
    """Whether STR001 finds a collapse, and the share of hidden units that carry nothing."""
    example = torch.zeros(1, LENGTH)
    (verdict,) = told(model, example, "STR001")
    _, groups = measured(model, example, NegligibleUnits())
    idle = sum(len({*group.negligible, *group.unconnected}) for group in groups)
    return verdict.outcome.value == "fail", idle / sum(SIZES[1:-1])


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    test = sinusoids(2000, 10_000)
    yield "# Masks before training"
    yield ""
    yield (
        f"`python -m benchmarks.papers.tangents`: layers of {', '.join(map(str, SIZES[1:]))} units,"
        f" masks of fresh networks, {TRAINING} steps of training under them; {seeds} seeds, ranges"
        " over them. In each cell: accuracy; share of hidden units without weights or of flow that"
        " NEU002 calls negligible, before training; networks in which STR001 finds a collapse, then"
        f" too. Tangent transfer sees inputs without labels for {TRANSFER} steps, SNIP 256 with"
        " labels, the others none."
    )
    yield ""
    heads = " | ".join(f"{100 * sparsity:g} % zero" for sparsity in SPARSITIES)
    yield f"| masks | {heads} |"
    yield f"|---|{'---|' * len(SPARSITIES)}"
    for name, method in METHODS.items():
        cells = []
        for sparsity in SPARSITIES:
            scores, idle, collapses = list[float](), list[float](), 0
            for seed in range(seeds):
                torch.manual_seed(seed)
                model, data = perceptron(*SIZES), sinusoids(4000, seed)
                masks = method(model, data, 1 - sparsity)
                collapsed, share = seen(stored(model, masks))
                collapses += collapsed
                idle.append(share)
                scores.append(accuracy(train(masked(model, masks), data, TRAINING), test))
            cells.append(f"{ranged(scores)}; {ranged(idle)}; {collapses} of {seeds}")
        yield f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    write("tangents", __doc__, report, 2)
