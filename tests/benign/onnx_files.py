"""Models of ONNX, written by both of torch's exporters and by onnx itself."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benign.collection import Collection

FILES = Collection("onnx")


class Attention(nn.Module):
    """Embedding, self-attention and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        inputs = self.embedding(tokens)
        outputs, _ = self.attention(inputs, inputs, inputs, need_weights=False)
        return self.head(outputs.mean(1))


NETWORKS: dict[str, Callable[[], tuple[nn.Module, torch.Tensor]]] = {
    "mlp": lambda: (nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)), torch.ones(2, 6)),
    "cnn": lambda: (
        nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(27, 2)
        ),
        torch.ones(1, 1, 5, 5),
    ),
    "attention": lambda: (Attention(), torch.ones(2, 4, dtype=torch.long)),
    "lstm": lambda: (nn.LSTM(4, 3), torch.ones(5, 1, 4)),
}


def exported(folder: Path, name: str, **options: Any) -> Path:
    torch.manual_seed(0)
    network, inputs = NETWORKS[name]()
    with chdir(folder), redirect_stdout(io.StringIO()):
        torch.onnx.export(network.eval(), (inputs,), "model.onnx", verbose=False, **options)
    return folder / "model.onnx"


def _add(name: str, dynamo: bool, **options: Any) -> None:
    exporter = "torch.export" if dynamo else "TorchScript"
    said = "".join(f", {key.replace('_', ' ')}" for key, value in options.items() if value)
    FILES.add(
        f"{name} through {exporter}{said}",
        lambda folder: exported(folder, name, dynamo=dynamo, **options),
    )


for _name in NETWORKS:
    _add(_name, dynamo=False)
for _name in ("mlp", "cnn", "attention"):
    _add(_name, dynamo=True, external_data=False)
_add("mlp", dynamo=True, external_data=True)
_add("mlp", dynamo=False, dynamic_axes={"input": {0: "batch"}}, input_names=["input"])


@FILES.file()
def weights_in_a_file_beside_it(folder: Path) -> Path:
    import onnx

    path = exported(folder, "cnn", dynamo=False)
    model = onnx.load(path)
    onnx.save(
        model,
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="weights.bin",
        size_threshold=0,
    )
    assert (folder / "weights.bin").stat().st_size
    return path
