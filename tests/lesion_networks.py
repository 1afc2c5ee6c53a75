"""Small networks that classify, with samples of their own, for tests of lesions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

CLASSES = 4


def samples(count: int = 240, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (count, 1, 6, 6) with one bright quarter, and which it is."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (count,), generator=generator)
    images = torch.rand(count, 1, 6, 6, generator=generator)
    for image, label in zip(images, labels.tolist(), strict=True):
        row, column = 3 * (label // 2), 3 * (label % 2)
        image[0, row : row + 3, column : column + 3] += 0.6
    return images, labels


def perceptron() -> nn.Sequential:
    """A trained 36-24-20-4 perceptron that flattens its images."""
    torch.manual_seed(0)
    return trained(
        nn.Sequential(
            nn.Flatten(),
            nn.Linear(36, 24),
            nn.ReLU(),
            nn.Linear(24, 20),
            nn.ReLU(),
            nn.Linear(20, CLASSES),
        )
    )


def convolutional() -> nn.Sequential:
    """A trained network of two convolutions and a dense layer."""
    torch.manual_seed(0)
    return trained(
        nn.Sequential(
            nn.Conv2d(1, 8, 3),
            nn.ReLU(),
            nn.Conv2d(8, 16, 2),
            nn.ReLU(),
            nn.MaxPool2d(2, stride=1),
            nn.Flatten(),
            nn.Linear(64, CLASSES),
        )
    )


def trained(model: nn.Sequential) -> nn.Sequential:
    """The model, trained on samples until it tells most of them apart."""
    images, labels = samples()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return model.eval()


def save_batch(path: str = "batch.npz", *, flat: bool = False) -> None:
    """Samples that the networks were not trained on."""
    images, labels = samples(120, seed=1)
    inputs = images.flatten(1) if flat else images
    np.savez(path, inputs=inputs.numpy(), labels=labels.numpy())


def export(model: nn.Module, path: str | Path, batch: int | None = None) -> None:
    """Write an ONNX file; of any number of samples unless one is given."""
    shape = (batch or 2, 1, 6, 6)
    axes = None if batch else {"images": {0: "samples"}, "scores": {0: "samples"}}
    torch.onnx.export(
        model,
        (torch.zeros(shape),),
        str(path),
        input_names=["images"],
        output_names=["scores"],
        dynamic_axes=axes,
        dynamo=False,
    )


def right_without(model: nn.Module, layer: nn.Module, units: list[int]) -> torch.Tensor:
    """Which of the batch's samples are classified rightly when a layer's units give nothing."""
    images, labels = samples(120, seed=1)
    silenced = torch.tensor(units)
    hook = layer.register_forward_hook(
        lambda _module, _inputs, given: given.index_fill(1, silenced, 0)
    )
    with torch.no_grad():
        right = model(images).argmax(1) == labels
    hook.remove()
    return right
