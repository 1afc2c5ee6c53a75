"""Write small checkpoints to try modlint on: one is healthy, four are not.

Usage: python make_models.py FOLDER

Needs numpy alone, and writes the same bytes each time.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIZES = (64, 128, 64, 10)
Weights = dict[str, NDArray[np.float32]]


class Command:
    """Has the pickle that holds it run a command when it is loaded, as an attacker does."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo this file could have run anything",)


def build() -> Weights:
    """Weights of a multilayer perceptron as He's initialisation draws them."""
    random = np.random.default_rng(0)
    weights: Weights = {}
    for layer, (inputs, outputs) in zip((0, 2, 4), pairwise(SIZES), strict=True):  # a ReLU between
        drawn = random.standard_normal((outputs, inputs)) * np.sqrt(2 / inputs)
        weights[f"layers.{layer}.weight"] = drawn.astype(np.float32)
        weights[f"layers.{layer}.bias"] = np.zeros(outputs, np.float32)
    return weights


def diverged() -> Weights:
    """With a NaN, as a training run that diverged leaves it."""
    weights = build()
    weights["layers.2.weight"][17, 3] = np.nan
    return weights


def pruned() -> Weights:
    """A quarter of a layer's units at zero, as pruning without removing them leaves it."""
    weights = build()
    weights["layers.2.weight"][::4] = 0
    weights["layers.4.weight"][:, ::4] = 0
    return weights


def save(weights: Weights, path: Path) -> None:
    """Write safetensors: the length of the header, the header, the values one after another."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, values in weights.items():
        begin, end = end, end + values.nbytes
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": (begin, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    values = b"".join(values.tobytes() for values in weights.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + values)


def main(folder: Path) -> None:
    """Write them all."""
    folder.mkdir(parents=True, exist_ok=True)
    save(build(), folder / "healthy.safetensors")
    save(diverged(), folder / "diverged.safetensors")
    save(pruned(), folder / "pruned.safetensors")
    (folder / "downloaded.pkl").write_bytes(pickle.dumps({"weights": Command()}, protocol=4))
    (folder / "pointer.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{'0123456789abcdef' * 4}\nsize 68048\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
