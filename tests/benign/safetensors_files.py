"""Files of safetensors, among them those whose header's length begins like a pickle."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from benign.collection import Collection

FILES = Collection("safetensors")


@FILES.file()
def every_type(folder: Path) -> Path:
    names = """
        float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 float8_e8m0fnu int64 int32
        int16 int8 uint64 uint32 uint16 uint8 bool complex64
    """
    tensors = {name: torch.ones(8).to(getattr(torch, name)) for name in names.split()}
    save_file(
        tensors | {"scalar": torch.tensor(1.0), "empty": torch.ones(0, 3)}, folder / "a.safetensors"
    )
    return folder / "a.safetensors"


@FILES.file()
def metadata_of_every_sort(folder: Path) -> Path:
    metadata = {
        "format": "pt",
        "config": json.dumps({"layers": [1, 2], "name": "é"}),
        "modelspec.sai_model_spec": "1.0.0",
        "ss_tag_frequency": json.dumps({"img": {"a cat": 3}}),
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    }
    save_file({"weight": torch.ones(2)}, folder / "a.safetensors", metadata=metadata)
    return folder / "a.safetensors"


def header_length(path: Path) -> int:
    with path.open("rb") as file:
        return int.from_bytes(file.read(8), "little")


def _add_lengths(first: int, last: int) -> None:
    def write(folder: Path) -> Path:
        lengths = range(first, last, 8)
        for wanted in lengths:
            path = folder / f"header_{wanted}.safetensors"
            name = "lora_A.weight".ljust(wanted - 100, "x")
            save_file({name: torch.ones(4)}, path)
            spare = wanted - header_length(path)
            save_file({name + "x" * spare: torch.ones(4)}, path)
            assert header_length(path) == wanted
        return folder

    FILES.add(f"headers of {first} to {last} bytes", write)


for _first in range(560, 1500, 188):
    _add_lengths(_first // 8 * 8, min(_first + 188, 1504) // 8 * 8)


def _add_adapter(length: int) -> None:
    def write(folder: Path) -> Path:
        path = folder / "adapter_model.safetensors"
        save_file({"w".ljust(length - 100, "x"): torch.ones(4)}, path)
        spare = length - header_length(path)
        save_file({"w".ljust(length - 100 + spare, "x"): torch.ones(4)}, path)
        return path

    FILES.add(f"header that begins like a pickle, {length} bytes", write)


for _length in (640, 896, 1152, 1408):
    _add_adapter(_length)
