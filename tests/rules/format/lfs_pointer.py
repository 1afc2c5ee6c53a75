"""Cases of FMT002."""

from __future__ import annotations

from pathlib import Path

import torch
from rule_cases import Case, Expected

OID = "sha256:" + "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"


def pointer(folder: Path) -> Path:
    path = folder / "model.safetensors"
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid {OID}\nsize 44655331\n")
    return path


def healthy(folder: Path) -> Path:
    torch.save({"w": torch.ones(2)}, folder / "model.pt")
    return folder / "model.pt"


CASES = (
    Case(
        "a pointer is an error",
        pointer,
        (
            Expected(
                "fail",
                "error",
                "high",
                ("file", "model.safetensors"),
                {"oid": OID, "size": 44655331},
                "(44,655,331 bytes): not downloaded",
            ),
        ),
    ),
    Case("a checkpoint passes", healthy, (Expected("pass", target=("file", "model.pt")),)),
)
