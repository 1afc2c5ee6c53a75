"""Healthy files, written by the libraries whose files modlint reads."""

from __future__ import annotations

import importlib

from benign.collection import Benign

_COLLECTIONS = {
    "torch_tensors": ("FILES",),
    "torch_objects": ("FILES",),
    "torch_formats": ("FILES",),
    "python_values": ("FILES",),
    "numpy_files": ("FILES",),
    "safetensors_files": ("FILES",),
    "transformers_files": ("FILES", "ACCELERATE", "PEFT"),
    "lightning_files": ("FILES",),
    "layouts": ("FILES",),
    "sklearn_files": ("FILES",),
    "pandas_files": ("FILES",),
    "onnx_files": ("FILES",),
}

BENIGN: tuple[Benign, ...] = tuple(
    file
    for module, collections in _COLLECTIONS.items()
    for name in collections
    for file in getattr(importlib.import_module(f"benign.{module}"), name)
)
"""All of them."""
