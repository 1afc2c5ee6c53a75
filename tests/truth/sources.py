"""One architecture written the ways people store it."""

from __future__ import annotations

import contextlib
import io
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from truth import symbolics

Inputs = tuple[Any, ...]
Writer = Callable[[nn.Module, Inputs, Path], None]


def _onnx(module: nn.Module, inputs: Inputs, path: Path, *, dynamo: bool) -> None:
    if not dynamo:
        symbolics.register()
    torch.onnx.export(
        module,
        inputs,
        str(path),
        dynamo=dynamo,
        **({"external_data": False, "verbose": False} if dynamo else {}),
    )


def _program(module: nn.Module, inputs: Inputs, path: Path) -> None:
    torch.export.save(torch.export.export(module, inputs, strict=False), str(path))


def _traced(module: nn.Module, inputs: Inputs, path: Path) -> None:
    torch.jit.trace(module, inputs, check_trace=False, strict=False).save(str(path))  # type: ignore[no-untyped-call]


def _scripted(module: nn.Module, inputs: Inputs, path: Path) -> None:
    torch.jit.script(module).save(str(path))


def _folder(module: nn.Module, inputs: Inputs, path: Path) -> None:
    if not hasattr(module, "save_pretrained"):
        raise NotImplementedError("no config.json: not of transformers")
    module.save_pretrained(path)


def _state(module: nn.Module, inputs: Inputs, path: Path) -> None:
    torch.save(module.state_dict(), path)


def _safetensors(module: nn.Module, inputs: Inputs, path: Path) -> None:
    seen: set[int] = set()
    tensors = {}
    for name, value in module.state_dict().items():
        if value.data_ptr() not in seen or not value.numel():
            tensors[name] = value.clone().contiguous()
        seen.add(value.data_ptr())
    save_file(tensors, path, {"format": "pt"})


SOURCES: dict[str, tuple[str, Writer]] = {
    "onnx-ts": ("ts.onnx", lambda m, x, p: _onnx(m, x, p, dynamo=False)),
    "onnx-dynamo": ("dynamo.onnx", lambda m, x, p: _onnx(m, x, p, dynamo=True)),
    "pt2": ("pt2", _program),
    "torchscript": ("traced.pt", _traced),
    "torchscript-script": ("scripted.pt", _scripted),
    "config": ("folder", _folder),
    "pt": ("pt", _state),
    "safetensors": ("safetensors", _safetensors),
}


def write(source: str, module: nn.Module, inputs: Inputs, folder: Path) -> Path:
    """Write the module as this source into a folder, once.

    Raises:
        Exception: whatever the exporter raises; nothing is left behind then.
    """
    ending, writer = SOURCES[source]
    path = folder / f"model.{ending}"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"partial.{ending}"
    _remove(partial)
    try:
        with torch.no_grad(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.backends.mha.set_fastpath_enabled(False)  # one operator that no exporter knows
            writer(module, inputs, partial)
    except BaseException:
        _remove(partial)
        raise
    partial.rename(path)
    return path


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
