"""Train small networks on scikit-learn's digits and save them in three formats.

Usage: python train.py FOLDER
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn

TRAINING_IMAGES = 1_500  # of 1,797


def load_images() -> tuple[Tensor, Tensor]:
    """Images in [0, 1], shape (1797, 1, 8, 8), and their digits, shape (1797,)."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    return images, torch.tensor(digits.target)


def build_mlp() -> nn.Sequential:
    """64-128-128-64-10, fully connected."""
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            fc1=nn.Linear(64, 128),
            relu1=nn.ReLU(),
            fc2=nn.Linear(128, 128),
            relu2=nn.ReLU(),
            fc3=nn.Linear(128, 64),
            relu3=nn.ReLU(),
            fc4=nn.Linear(64, 10),
        )
    )


def build_cnn() -> nn.Sequential:
    """Two convolutions with batch norm, and a linear head."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 16, 3, padding=1),
            norm1=nn.BatchNorm2d(16),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(16, 32, 3, padding=1),
            norm2=nn.BatchNorm2d(32),
            relu2=nn.ReLU(),
            pool=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            head=nn.Linear(32 * 4 * 4, 10),
        )
    )


def train(network: nn.Module, images: Tensor, digits: Tensor, epochs: int) -> None:
    """Minimise the cross-entropy with Adam, in batches of 50."""
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(50):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(images[batch]), digits[batch]).backward()
            optimiser.step()
    network.eval()


@torch.no_grad()
def accuracy(network: nn.Module, images: Tensor, digits: Tensor) -> float:
    """Share of the images whose digit is recognised."""
    return (network(images).argmax(1) == digits).float().mean().item()


def save(network: nn.Module, stem: Path) -> None:
    """Write the network as PyTorch, safetensors and ONNX."""
    torch.save(network.state_dict(), stem.with_suffix(".pt"))
    save_file(network.state_dict(), stem.with_suffix(".safetensors"), {"format": "pt"})
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # torch's own
        torch.onnx.export(
            network,
            (torch.zeros(1, 1, 8, 8),),
            stem.with_suffix(".onnx"),
            input_names=["image"],
            output_names=["logits"],
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def main(folder: Path) -> None:
    """Train, say how well, save."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision
    torch.set_num_threads(1)  # sums in one order, however many cores there are
    folder.mkdir(parents=True, exist_ok=True)
    images, digits = load_images()
    for name, build, epochs in (("mlp", build_mlp, 80), ("cnn", build_cnn, 10)):
        torch.manual_seed(1)
        network = build()
        train(network, images[:TRAINING_IMAGES], digits[:TRAINING_IMAGES], epochs)
        correct = accuracy(network, images[TRAINING_IMAGES:], digits[TRAINING_IMAGES:])
        print(f"trained {name}: accuracy {correct:.3f} on images it has not seen")
        save(network, folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
