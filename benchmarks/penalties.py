"""The penalties of the published table, as what each adds to the weights' gradients.

Filan et al., arXiv 2103.03386: coefficient 5e-5 in front of the sum over weights, biases not
included. The rows that the paper calls L2 were trained with an L1 penalty on the first layer;
"l2" here is the penalty that their name says.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

COEFFICIENT = 5e-5


def l1(weights: list[nn.Parameter]) -> None:
    """Add the gradient of Σ|w|, 0 at 0."""
    for weight in weights:
        weight.grad.add_(weight.detach().sign(), alpha=COEFFICIENT)


def l1_first_layer(weights: list[nn.Parameter]) -> None:
    """Add the gradient of Σ|w| over the first layer: the published "L2"."""
    l1(weights[:1])


def l2(weights: list[nn.Parameter]) -> None:
    """Add the gradient of Σw²."""
    for weight in weights:
        weight.grad.add_(weight.detach(), alpha=2 * COEFFICIENT)


PENALTIES: dict[str, Callable[[list[nn.Parameter]], None]] = {
    "l1": l1,
    "l1-first-layer": l1_first_layer,
    "l2": l2,
}
