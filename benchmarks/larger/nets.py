"""torchvision's networks with seeded weights, and the files that modlint reads."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from benchmarks.networks.vision import declare_operators

NAMES = ("vgg16", "vgg19", "resnet18", "resnet34", "resnet50", "inception_v3")
PUBLISHED = {
    "vgg16": ("7.80", "8.213"),
    "vgg19": ("7.33", "7.655"),
    "resnet18": ("7.90", "8.508"),
    "resnet34": ("6.32", "6.375"),
    "resnet50": ("4.13", "4.185"),
    "inception_v3": ("2.906", "2.938"),
}
"""n-cut of the trained network and the mean of its shuffles, ten clusters, arXiv 2103.03386."""


def built(name: str, seed: int) -> nn.Module:
    """A network with fresh weights, whose batch norms scale each channel otherwise."""
    declare_operators()
    import torchvision

    torch.manual_seed(seed)
    more = {"aux_logits": False, "init_weights": False} if name == "inception_v3" else {}
    model: nn.Module = getattr(torchvision.models, name)(weights=None, **more).eval()
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            part.running_var.uniform_(0.5, 2.0)
    return model


def written(model: nn.Module, path: Path) -> Path:
    """The network as a program of torch.export or, where the name ends so, as ONNX."""
    image = torch.zeros(1, 3, 224, 224)
    if path.suffix == ".onnx":
        torch.onnx.export(model, (image,), path, dynamo=False)
    else:
        torch.export.save(torch.export.export(model, (image,)), path)
    return path
