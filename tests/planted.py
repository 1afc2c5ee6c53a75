"""Planted faults and near misses: files that a rule must name, and files that it must not."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file

Write = Callable[[Path], Path]


def found(title: str, write: Write, severity: str, number: int = 1, **options: Any) -> Case:
    """A file in which the rule finds something, `number` times."""
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return Case(title, write, (Expected("fail", severity),) * number, named)


def silent(title: str, write: Write, outcome: str = "pass", **options: Any) -> Case:
    """A file that the rule passes, or does not apply to."""
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return Case(title, write, (Expected(outcome),), named)


def onnx_file(model: onnx.ModelProto) -> Write:
    """Writes an ONNX model."""

    def write(folder: Path) -> Path:
        onnx.save(model, folder / "model.onnx")
        return folder / "model.onnx"

    return write


def torch_file(content: Any, name: str = "model.pt", **how: Any) -> Write:
    """Writes what `torch.save` writes."""

    def write(folder: Path) -> Path:
        torch.save(content, folder / name, **how)
        return folder / name

    return write


def safetensors_file(tensors: Mapping[str, torch.Tensor]) -> Write:
    """Writes a safetensors file; tensors that share memory are copied."""

    def write(folder: Path) -> Path:
        copies = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
        save_file(copies, folder / "model.safetensors", {"format": "pt"})
        return folder / "model.safetensors"

    return write


def in_containers(title: str, tensors: Mapping[str, torch.Tensor]) -> Iterable[tuple[str, Write]]:
    """The same tensors as a zip, a legacy file, inside a section, and as safetensors."""
    state = dict(tensors)
    yield f"{title}, zip", torch_file(state)
    yield f"{title}, legacy", torch_file(state, _use_new_zipfile_serialization=False)
    yield f"{title}, in a section", torch_file({"epoch": 3, "state_dict": state}, "last.ckpt")
    yield f"{title}, safetensors", safetensors_file(state)


def exported(module: torch.nn.Module, *inputs: torch.Tensor, **options: Any) -> Write:
    """Writes what an exporter of PyTorch's writes: that by TorchScript with `dynamo=False`."""

    def write(folder: Path) -> Path:
        path = folder / "model.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporters' own deprecations
            torch.onnx.export(module, inputs, str(path), verbose=False, **options)
        return path

    return write
