"""A model of torchvision or timm, and an example image."""

from __future__ import annotations

import importlib
from typing import Any

import torch

_SIDE = 224
_SIDES = {"inception_v3": 299}


def model_of(library: str, name: str, classes: int | None) -> Any:
    """The model, with as many outputs.

    Raises:
        ImportError: the library is not installed.
    """
    module = importlib.import_module(library)
    outputs = 0 if classes is None else classes
    if library == "timm":
        return module.create_model(name, pretrained=False, num_classes=outputs).eval()
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return module.models.get_model(name, weights=None, num_classes=outputs, **more).eval()


def inputs_of(model: Any, name: str) -> tuple[torch.Tensor]:
    """One image of the size that the model is made for."""
    stated = getattr(model, "default_cfg", None) or {}
    side = _SIDES.get(name, _SIDE)
    return (torch.ones(1, *stated.get("input_size", (3, side, side))),)
