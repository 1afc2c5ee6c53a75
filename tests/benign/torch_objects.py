"""Whole modules, optimisers, schedulers and scalers, saved as objects."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.utils import fusion, parametrizations, prune
from torch.optim import lr_scheduler, swa_utils

from benign.collection import Collection, torch_saved
from benign.torch_tensors import MODULES

FILES = Collection("torch")


def small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 5), nn.GELU(approximate="tanh"), nn.Linear(5, 3))


for _name, _make in MODULES.items():
    FILES.add(f"whole module, {_name}", torch_saved(_make))


@FILES.saved()
def whole_module_of_many_layers() -> Any:
    return nn.Sequential(
        nn.ZeroPad2d(1),
        nn.Conv2d(3, 8, 3, padding_mode="reflect"),
        nn.SyncBatchNorm(8),
        nn.SiLU(),
        nn.PixelShuffle(2),
        nn.Upsample(scale_factor=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Softmax(dim=-1),
    )


@FILES.saved()
def whole_module_with_old_hooks() -> Any:
    return nn.Sequential(
        nn.utils.weight_norm(nn.Linear(4, 3)), nn.utils.spectral_norm(nn.Conv2d(1, 2, 3))
    )


@FILES.saved()
def state_dict_of_parametrizations() -> Any:
    net = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(4, 3)),
        parametrizations.spectral_norm(nn.Linear(3, 3)),
        parametrizations.orthogonal(nn.Linear(3, 3)),
    )
    return net.state_dict()


@FILES.saved("warning")
def whole_pruned_module() -> Any:
    net = nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 2))
    prune.l1_unstructured(net[0], "weight", amount=0.3)
    prune.random_unstructured(net[1], "weight", amount=0.2)
    return net


@FILES.saved()
def whole_data_parallel_module() -> Any:
    return nn.DataParallel(small())


@FILES.saved()
def whole_averaged_model() -> Any:
    return {
        "plain": swa_utils.AveragedModel(small()),
        "ema": swa_utils.AveragedModel(small()).state_dict(),
    }


@FILES.saved(most="warning")
def whole_quantised_module() -> Any:
    return torch.ao.quantization.quantize_dynamic(small(), {nn.Linear}, dtype=torch.qint8)


@FILES.saved()
def state_dict_of_a_quantised_module() -> Any:
    return torch.ao.quantization.quantize_dynamic(small(), {nn.Linear}).state_dict()


@FILES.saved()
def whole_module_prepared_for_quantisation() -> Any:
    net = nn.Sequential(
        torch.ao.quantization.QuantStub(), nn.Linear(3, 2), torch.ao.quantization.DeQuantStub()
    )
    net.qconfig = torch.ao.quantization.get_default_qconfig("fbgemm")
    prepared = torch.ao.quantization.prepare(net)
    prepared(torch.rand(4, 3))
    return prepared.state_dict()


@FILES.saved()
def whole_fused_module() -> Any:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    return fusion.fuse_conv_bn_eval(net[0], net[1])


@FILES.saved("warning")
def whole_module_with_partials_and_functions() -> Any:
    net = small()
    net.norm = functools.partial(nn.LayerNorm, eps=1e-6)
    net.activation = torch.nn.functional.relu
    net.other = torch.tanh
    net.build = nn.ReLU
    net.initialise = nn.init.xavier_uniform_
    return net


@FILES.saved()
def whole_module_with_a_stored_bound_method() -> Any:
    net = small()
    net.run = net[0].forward
    return net


@FILES.saved()
def whole_module_with_gradients() -> Any:
    net = small()
    net(torch.ones(2, 6)).sum().backward()
    return copy.deepcopy(net)


@FILES.saved("warning")
def whole_losses_and_distributions() -> Any:
    return {
        "loss": nn.CrossEntropyLoss(weight=torch.ones(3), label_smoothing=0.1),
        "normal": torch.distributions.Normal(torch.zeros(2), torch.ones(2)),
        "categorical": torch.distributions.Categorical(torch.ones(3) / 3),
    }


@FILES.saved("warning")
def whole_module_of_its_author() -> Any:
    return OwnNet()


class OwnNet(nn.Module):
    """A module that this file's author wrote, with all that a module's state can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.body = small()
        self.rnn = nn.LSTM(3, 2)
        self.scale = nn.Parameter(torch.ones(2))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("cache", torch.zeros(3), persistent=False)
        self.tied = self.body[0]
        self.register_forward_hook(watch)
        self.call = self.forward

    def forward(self, inputs: torch.Tensor) -> Any:
        return self.body(inputs)


def watch(module: nn.Module, inputs: Any, output: Any) -> None:
    """A hook that does nothing."""


def decay(epoch: int) -> float:
    return 0.5**epoch


def stepped(kind: type[torch.optim.Optimizer]) -> torch.optim.Optimizer:
    """An optimiser after one step."""
    if kind is torch.optim.SparseAdam:
        net: nn.Module = nn.Embedding(5, 3, sparse=True)
        inputs = torch.tensor([1, 2])
    else:
        net, inputs = nn.Sequential(nn.Linear(6, 5, bias=False), nn.Tanh()), torch.ones(2, 6)
    optimizer = kind(net.parameters(), lr=0.01)

    def loss() -> Any:
        optimizer.zero_grad()
        value = net(inputs).square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return optimizer


OPTIMISERS = sorted(
    (
        kind
        for kind in vars(torch.optim).values()
        if isinstance(kind, type)
        and issubclass(kind, torch.optim.Optimizer)
        and kind is not torch.optim.Optimizer
    ),
    key=lambda kind: kind.__name__,
)
for _kind in OPTIMISERS:
    FILES.add(
        f"whole {_kind.__name__}", torch_saved(functools.partial(stepped, _kind), "optimizer.pt")
    )
    FILES.add(
        f"state dict of {_kind.__name__}",
        torch_saved(lambda kind=_kind: stepped(kind).state_dict(), "optimizer.pt"),
    )

Made = Callable[[torch.optim.Optimizer], Any]
SCHEDULERS: dict[str, Made] = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 4]),
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 5),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 5),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=9),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.ConstantLR(o), lr_scheduler.ExponentialLR(o, 0.9)], [2]
    ),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(o), lr_scheduler.ExponentialLR(o, 0.9)]
    ),
    "SWALR": lambda o: swa_utils.SWALR(o, 0.05),
}


def scheduled(make: Made) -> Any:
    optimizer = torch.optim.SGD(nn.Linear(3, 2).parameters(), lr=0.1, momentum=0.9)
    return make(optimizer)


for _title, _scheduler in SCHEDULERS.items():
    FILES.add(f"whole {_title}", torch_saved(functools.partial(scheduled, _scheduler)))


@FILES.saved()
def state_dicts_of_schedulers() -> Any:
    states = {name: scheduled(make).state_dict() for name, make in SCHEDULERS.items()}
    lambdas = scheduled(lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 0.5**epoch))
    return states | {"LambdaLR": lambdas.state_dict(), "weight": torch.ones(1)}


@FILES.saved("warning")
def whole_scheduler_with_its_authors_function() -> Any:
    return scheduled(lambda o: lr_scheduler.LambdaLR(o, decay))


@FILES.saved()
def whole_grad_scaler() -> Any:
    return {"scaler": torch.amp.GradScaler("cpu"), "weight": torch.ones(2)}
