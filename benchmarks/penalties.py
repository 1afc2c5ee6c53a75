"""The penalties of the published table, as what each adds to the weights' gradients.

Filan et al., arXiv 2103.03386: coefficient 5e-5 in front of the sum over weights, biases not
included. The rows that the paper calls L2 were trained with an L1 penalty on the first layer and
an L2 penalty on the others (`create_mlp_layers` in src/train_nn.py of the repository
dfilan/clusterability_in_neural_networks): "l2-as-published". "l2" is what the name says.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

COEFFICIENT = 5e-5


def l1(weights: list[nn.Parameter]) -> None:
    """Add the gradient of Σ|w|, 0 at 0."""
    for weight in weights:
        weight.grad.add_(weight.detach().sign(), alpha=COEFFICIENT)


def l2(weights: list[nn.Parameter]) -> None:
    """Add the gradient of Σw²."""
    for weight in weights:
        weight.grad.add_(weight.detach(), alpha=2 * COEFFICIENT)


def l2_as_published(weights: list[nn.Parameter]) -> None:
    """Add the gradient of Σ|w| over the first layer and Σw² over the others."""
    l1(weights[:1])
    l2(weights[1:])


PENALTIES: dict[str, Callable[[list[nn.Parameter]], None]] = {
    "l1": l1,
    "l2-as-published": l2_as_published,
    "l2": l2,
}
