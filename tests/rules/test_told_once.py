"""A fault is told once, whatever number of rules see it."""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from support import no_progress

from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings
from modlint.verdict import Outcome, Severity, Verdict


def without_external_data(folder: Path) -> Path:
    tensors = []
    for name in ("a", "b"):
        tensor = onnx.numpy_helper.from_array(np.ones((2, 2), np.float32), name)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="w.bin")
        tensors.append(tensor)
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 2]) for n in "xy"]
    node = helper.make_node("Sum", ["x", "a", "b"], ["y"])
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph), folder / "model.onnx")
    return folder / "model.onnx"


def naming_twice(folder: Path) -> Path:
    entry = json.dumps({"dtype": "F32", "shape": [1], "data_offsets": [0, 4]})
    header = f'{{"w": {entry}, "w": {entry}}}'.encode()
    content = struct.pack("<Q", len(header)) + header + bytes(4)
    (folder / "model.safetensors").write_bytes(content)
    return folder / "model.safetensors"


def past_its_storage(folder: Path) -> Path:
    weight = torch.ones(4, 4)
    torch.save({"w": weight.as_strided((4, 4), (4, 1))}, folder / "model.pt")
    content = (folder / "model.pt").read_bytes()
    # the shape (4, 4) of the pickle becomes (4, 90)
    assert content.count(b"K\x04K\x04\x86") == 1
    (folder / "model.pt").write_bytes(content.replace(b"K\x04K\x04\x86", b"K\x04K\x5a\x86"))
    return folder / "model.pt"


WRITERS = {without_external_data: "GRF006", naming_twice: "FMT013", past_its_storage: "SEC004"}


def verdicts(path: Path, *select: str) -> tuple[Verdict, ...]:
    settings = Settings(select=select, device="cpu")
    configuration = Configuration(settings, None, path.parent)
    (file,) = check([path], configuration, load_registry(), no_progress).files
    return file.verdicts


@pytest.mark.parametrize(("write", "teller"), WRITERS.items())
def test_the_rule_that_tells_a_fault_is_enough(
    write: Callable[[Path], Path], teller: str, tmp_path: Path
) -> None:
    found = verdicts(write(tmp_path), "ALL")
    failed = [verdict for verdict in found if verdict.outcome is Outcome.FAIL]
    rules = Counter(verdict.rule for verdict in failed)
    assert rules[teller]
    assert not rules["FMT001"]
    assert max(Counter(verdict.message for verdict in failed).values()) == 1
    (unread,) = [verdict for verdict in found if verdict.rule == "FMT001"]
    assert unread.outcome is Outcome.INCONCLUSIVE
    assert f"{teller} ({rules[teller]})" in unread.message


@pytest.mark.parametrize("write", WRITERS)
def test_without_that_rule_the_fault_is_a_finding(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    found = verdicts(write(tmp_path), "FMT001")
    assert {verdict.outcome for verdict in found} == {Outcome.FAIL}
    assert {verdict.severity for verdict in found} == {Severity.ERROR}
