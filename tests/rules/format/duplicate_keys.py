"""Cases of FMT013."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import zip_tricks
from rule_cases import Case, Expected
from zip_tricks import model


def header(folder: Path) -> Path:
    one = json.dumps({"dtype": "F32", "shape": [1], "data_offsets": [0, 4]})
    text = f'{{"w":{one},"w":{one}}}'.encode()
    path = folder / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    return path


def members(folder: Path) -> Path:
    path = model(folder)
    zip_tricks.with_member(path, "model/data/X", bytes(64))
    at = zip_tricks.record(path.read_bytes(), "model/data/X") + 46
    return zip_tricks.patched(path, at, b"model/data/0")


def paths(folder: Path) -> Path:
    torch.save({"a": {"b": torch.ones(2)}, "c": torch.ones(2)}, folder / "model.pt")
    return folder / "model.pt"


CASES = (
    Case("names given once pass", paths, (Expected("pass", target=("file", "model.pt")),)),
    Case(
        "a header that names a tensor twice",
        header,
        (Expected("fail", "error", "high", values={"kind": "duplicate-key"}),),
    ),
    Case(
        "an archive with two members of one name",
        members,
        (
            Expected(
                "fail",
                "error",
                target=("member", "model/data/0"),
                values={"kind": "duplicate-member"},
            ),
        ),
    ),
)
