"""Writes small checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 2097152\n"


def write_weights(path: Path, *, nan: bool = False, seed: int = 0) -> None:
    """Two fully connected layers of random weights."""
    random = np.random.default_rng(seed)
    weights = {
        "fc1.weight": random.standard_normal((32, 16), dtype=np.float32),
        "fc2.weight": random.standard_normal((8, 32), dtype=np.float32),
    }
    if nan:
        weights["fc1.weight"][3, 5] = np.nan
    save_file(weights, path, {"format": "pt"})


def recipe(page: Path, name: str) -> str:
    """The YAML below a mark of a page."""
    text = page.read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->\n\n```yaml\n")[1].split("```")[0]
