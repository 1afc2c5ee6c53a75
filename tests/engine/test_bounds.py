"""What tensors may view in all, and what is said where they view more."""

from __future__ import annotations

from pathlib import Path

import torch
from support import check_json

from modlint.checkpoint import Storage, Tensor
from modlint.dtypes import DTYPES
from modlint.engine import bounds


def tensor(storage: Storage, elements: int) -> Tensor:
    return Tensor("w", DTYPES["float32"], (elements,), (0,), storage)


def storage(nbytes: int, offset: int | None = None) -> Storage:
    return Storage("0", nbytes, lambda: memoryview(b""), offset=offset)


def test_ordinary_sharing_is_within_the_limit() -> None:
    large = storage(8 << 30, 64)
    assert bounds.excess([tensor(large, 2 << 30)] * 8) is None


def test_storages_at_one_place_of_the_file_count_once() -> None:
    same = [tensor(storage(1 << 30, 64), 1 << 28) for _ in range(40)]
    assert bounds.most_viewed(same) == bounds.FREE + bounds.MAX_REPEATS * (1 << 30)
    assert bounds.excess(same) is not None
    elsewhere = [tensor(storage(1 << 30, 64 + n), 1 << 28) for n in range(40)]
    assert bounds.excess(elsewhere) is None


def test_what_lies_past_the_limit_is_not_examined_and_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save({f"w{n}": torch.ones(1).expand(150_000_000) for n in range(3)}, path)
    report = check_json("--select", "FMT001,NUM001", path)
    told = {(v["rule"], v["outcome"]) for v in report["files"][0]["verdicts"]}
    assert {("FMT001", "fail"), ("NUM001", "inconclusive")} <= told
