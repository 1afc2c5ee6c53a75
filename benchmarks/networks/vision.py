"""Architectures of torchvision and timm, where these are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from truth.zoo.architecture import Architecture, images

# name → image size
CLASSIFIERS = {
    "vgg11": 32, "resnet18": 32, "resnet50": 32,
    "resnext50_32x4d": 32, "densenet121": 32, "googlenet": 32,
    "inception_v3": 75, "mobilenet_v2": 32, "mobilenet_v3_small": 32, "efficientnet_b0": 32,
    "efficientnet_v2_s": 32, "shufflenet_v2_x0_5": 32, "squeezenet1_1": 32, "mnasnet0_5": 32,
    "regnet_y_400mf": 32, "convnext_tiny": 32, "swin_t": 32,
}  # fmt: skip
TIMM = {
    "resnet26d": 32, "seresnet18": 32, "resnest14d": 32, "res2net50_26w_4s": 32,
    "ghostnet_050": 32, "hardcorenas_a": 32, "mobilenetv4_conv_small_035": 32,
    "tf_efficientnet_b0": 32, "repvgg_a0": 32, "convmixer_768_32": 32, "mixer_s32_224": 224,
    "deit_tiny_patch16_224": 224, "xcit_nano_12_p16_224": 224, "dla34": 32, "cspresnet50": 32,
    "vovnet39a": 32, "edgenext_xx_small": 64, "poolformerv2_s12": 32,
}  # fmt: skip


def architectures() -> list[Architecture]:
    """What can be built here."""
    found: list[Architecture] = []
    if importlib.util.find_spec("torchvision"):
        declare_operators()
        found += [_torchvision(n, partial(_classifier, n), s) for n, s in CLASSIFIERS.items()]
        found += [_torchvision(n, build, s) for n, (build, s) in _OTHERS.items()]
        if importlib.util.find_spec("timm"):
            found += [
                Architecture(f"timm_{n}", partial(_timm, n), images(2, 3, s, s), "timm")
                for n, s in TIMM.items()
            ]
    return found


@cache
def declare_operators() -> None:
    """Beside another build of torch its compiled operators are missing; only detectors use them."""
    spec = importlib.util.find_spec("torchvision")
    assert spec is not None
    try:
        torch.ops.load_library(str(Path(str(spec.origin)).with_name("_C.so")))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)


_KEPT: list[Any] = []


def _torchvision(name: str, build: Callable[[], nn.Module], size: int) -> Architecture:
    return Architecture(f"torchvision_{name}", build, images(2, 3, size, size), "torchvision")


def _classifier(name: str) -> nn.Module:
    import torchvision

    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    if name == "inception_v3":
        more["aux_logits"] = False
    if name == "googlenet":
        more["aux_logits"] = False
    model = getattr(torchvision.models, name)(weights=None, num_classes=10, **more)
    assert isinstance(model, nn.Module)
    return model


def _vit() -> nn.Module:
    from torchvision.models import VisionTransformer

    return VisionTransformer(32, 8, 2, 4, 24, 36, num_classes=5)


def _segmentation() -> nn.Module:
    from torchvision.models import segmentation

    return segmentation.lraspp_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=5
    )


def _pyramid() -> nn.Module:
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

    return resnet_fpn_backbone(backbone_name="resnet18", weights=None)


def _timm(name: str) -> nn.Module:
    import timm

    model = timm.create_model(name, pretrained=False, num_classes=10)
    if name == "repvgg_a0":  # where a ReLU shuts an identity off, the oracle sees no edge
        for path, module in model.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.bias)
                nn.init.constant_(module.weight, 1.0 if path.endswith("identity") else 0.1)
    return model


_OTHERS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "vit": (_vit, 32),
    "lraspp": (_segmentation, 64),
    "resnet18_fpn": (_pyramid, 64),
}
