"""A state_dict in each container that PyTorch's users write."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

FORMATS = ("pt", "legacy", "section", "safetensors", "sharded")


def save_as(state: dict[str, torch.Tensor], folder: Path, container: str) -> Path:
    """Write the state_dict in a folder, and return the path that is checked."""
    state = {name: tensor.detach().contiguous().clone() for name, tensor in state.items()}
    if container == "safetensors":
        save_file(state, folder / "model.safetensors", {"format": "pt"})
        return folder / "model.safetensors"
    if container == "sharded":
        return _sharded(state, folder)
    if container == "section":
        torch.save({"epoch": 3, "state_dict": state}, folder / "model.pt")
        return folder / "model.pt"
    legacy = container == "legacy"
    torch.save(state, folder / "model.pt", _use_new_zipfile_serialization=not legacy)
    return folder / "model.pt"


def _sharded(state: dict[str, torch.Tensor], folder: Path) -> Path:
    names, half = sorted(state), (len(state) + 1) // 2
    shards = {
        "model-00001-of-00002.safetensors": names[:half],
        "model-00002-of-00002.safetensors": names[half:],
    }
    for shard, held in shards.items():
        save_file({name: state[name] for name in held}, folder / shard, {"format": "pt"})
    index = {
        "metadata": {"total_size": sum(t.numel() * t.element_size() for t in state.values())},
        "weight_map": {name: shard for shard, held in shards.items() for name in held},
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder / "model.safetensors.index.json"
