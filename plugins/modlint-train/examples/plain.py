"""Train a digit classifier whose neurons fall into clusters, in plain PyTorch.

    python plain.py model.pt && modlint check --select CLU001 model.pt

Needs scikit-learn, for its 1,797 images of 8×8 pixels.
"""

from __future__ import annotations

import sys

import torch
from modlint_train import FixedPartition
from sklearn.datasets import load_digits
from torch import nn

TRAINING_IMAGES, EPOCHS, WEIGHT = 1_500, 40, 0.3


def main(path: str) -> None:
    """Train and save."""
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.data, dtype=torch.float32) / 16
    labels = torch.tensor(digits.target)
    model = nn.Sequential(
        nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(),
        nn.Linear(96, 10),
    )  # fmt: skip
    partition = FixedPartition(model, clusters=10)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(TRAINING_IMAGES).split(64):
            optimiser.zero_grad()
            task = nn.functional.cross_entropy(model(images[batch]), labels[batch])
            (task + WEIGHT * partition.penalty()).backward()
            optimiser.step()
    right = model(images[TRAINING_IMAGES:]).argmax(1) == labels[TRAINING_IMAGES:]
    print(f"accuracy {right.double().mean():.3f}, share within clusters {partition.share():.3f}")
    torch.save(model.state_dict(), path)


if __name__ == "__main__":
    main(*sys.argv[1:])
