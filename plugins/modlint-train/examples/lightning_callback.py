"""A Lightning callback that adds a clusterability penalty to any LightningModule's gradients.

    trainer = Trainer(callbacks=[Clusterability(lambda module: FixedPartition(module).penalty)])

`ClusterabilityPenalty` is built likewise: `Clusterability(ClusterabilityPenalty, weight=0.1)`. The
penalty's gradient is added after that of the loss, so the module's training_step stays as it is. It
does not pass through a gradient scaler: use it with 32-bit or bfloat16 precision.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

Penalty = Callable[[], torch.Tensor]


class Clusterability(Callback):
    """Adds weight · penalty to the loss of every step.

    Args:
        build: makes the penalty of the module, once it is where it trains.
        weight: λ.
        attribute: of the LightningModule that holds the network; unset, the module itself.
    """

    def __init__(
        self,
        build: Callable[[torch.nn.Module], Penalty],
        weight: float = 1.0,
        attribute: str | None = None,
    ) -> None:
        self.build, self.weight, self.attribute = build, weight, attribute
        self.penalty: Penalty

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Build the penalty."""
        del trainer
        module = getattr(pl_module, self.attribute) if self.attribute else pl_module
        self.penalty = self.build(module)

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add its gradient, by an equal part in each of the batches that are accumulated."""
        penalty = self.penalty()
        pl_module.log("clusterability", penalty.detach())
        (self.weight / trainer.accumulate_grad_batches * penalty).backward()
