"""Cases of FMT001."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file


def tensors(folder: Path) -> Path:
    save_file({"w": torch.ones(64, 64)}, folder / "model.safetensors")
    return folder / "model.safetensors"


def truncated(folder: Path) -> Path:
    path = tensors(folder)
    path.write_bytes(path.read_bytes()[:-100])
    return path


def holding(content: bytes, name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def torch_named(name: str, **options: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save({"w": torch.ones(64, 64)}, folder / name, **options)  # type: ignore[arg-type]
        return folder / name

    return write


def tensors_named(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        save_file({"w": torch.ones(64, 64)}, folder / name)
        return folder / name

    return write


def scripted(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(torch.nn.Linear(4, 4)).save(folder / "model.ckpt")
    return folder / "model.ckpt"


def misnamed(severity: str, message: str) -> tuple[Expected, ...]:
    return (Expected("fail", severity, values={"fault": "wrong-name"}, message=message),)


HEALTHY = (Expected("pass", values={"faults": 0}),)
LEGACY = {"_use_new_zipfile_serialization": False}


def unknown(name: str, severity: str, message: str) -> tuple[Expected, ...]:
    return (Expected("fail", severity, target=("file", name), message=message),)


TEXT = b"import os; import sys\n"

CASES = (
    Case("a whole file passes", tensors, (Expected("pass", values={"faults": 0}),)),
    Case("a truncated file is an error", truncated, (Expected("fail", "error", "high"),)),
    Case(
        "an empty file is said to be empty",
        holding(b"", "model.pt"),
        unknown("model.pt", "error", "the file is empty"),
    ),
    Case(
        "an empty file of no checkpoint's name is a note",
        holding(b"", "notes.txt"),
        unknown("notes.txt", "note", "the file is empty"),
    ),
    Case(
        "something else under a checkpoint's name is an error",
        holding(TEXT, "model.PTH"),
        unknown("model.PTH", "error", "is a text file, not a checkpoint"),
    ),
    Case(
        "something else under another name is a note",
        holding(TEXT, "notes.bin"),
        unknown("notes.bin", "note", "is a text file, not a checkpoint"),
    ),
    Case(
        "a torch archive under the name of safetensors is an error",
        torch_named("model.safetensors"),
        misnamed("error", "is named .safetensors and holds torch-zip, with pickles that may run"),
    ),
    Case(
        "so is a legacy file",
        torch_named("model.safetensors", **LEGACY),
        misnamed("error", "holds torch-legacy"),
    ),
    Case(
        "a torch archive under the name of ONNX is an error",
        torch_named("model.onnx"),
        misnamed("error", "ONNX runtimes refuse it"),
    ),
    Case(
        "safetensors under the name of ONNX are an error",
        tensors_named("model.onnx"),
        misnamed("error", "is named .onnx and holds safetensors: "),
    ),
    Case(
        "a torch archive under the name of GGUF is an error",
        torch_named("model.gguf"),
        misnamed("error", "llama.cpp refuses it"),
    ),
    Case(
        "safetensors under a name of PyTorch's are a warning",
        tensors_named("pytorch_model.bin"),
        misnamed("warning", "torch.load refuses it"),
    ),
    *(
        Case(f"PyTorch's own formats may be named {name}", torch_named(name, **options), HEALTHY)
        for name in ("model.bin", "model.ckpt", "model.pth", "model.model", "model.dat")
        for options in ({}, LEGACY)
    ),
    Case("TorchScript may be named .ckpt", scripted, HEALTHY),
    Case("safetensors may have any other name", tensors_named("model.sft"), HEALTHY),
)
