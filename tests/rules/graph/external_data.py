"""Cases of GRF006."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from rule_cases import Case, Expected

NBYTES = 16


def split(offsets: dict[str, int], held: int | None = 64, **more: str) -> Callable[[Path], Path]:
    """A model of 2×2 tensors at these offsets of a file of `held` bytes, None for no file."""

    def write(folder: Path) -> Path:
        tensors = []
        for name, offset in offsets.items():
            tensor = onnx.numpy_helper.from_array(np.ones((2, 2), np.float32), name)
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            entries = {"location": "w.bin", "offset": str(offset), "length": str(NBYTES)}
            for key, text in (entries | more).items():
                tensor.external_data.add(key=key, value=text)
            tensors.append(tensor)
        nodes = [helper.make_node("Sum", ["x", *offsets], ["y"])]
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 2]) for n in "xy"]
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
        onnx.save(helper.make_model(graph), folder / "model.onnx")
        if held is not None:
            (folder / "w.bin").write_bytes(bytes(held))
        return folder / "model.onnx"

    return write


def fails(kind: str, message: str) -> tuple[Expected, ...]:
    return (Expected("fail", "error", "high", values={"kind": kind}, message=message),)


CASES = (
    Case("data that is there passes", split({"a": 0, "b": 16}), (Expected("pass"),)),
    Case("one tensor under two names passes", split({"a": 0, "b": 0}), (Expected("pass"),)),
    Case(
        "a file that is not there",
        split({"a": 0}, held=None),
        fails("missing-external-data", "'w.bin', which is not beside the model"),
    ),
    Case(
        "a key that runtimes refuse",
        split({"a": 0}, script="w.bin"),
        fails("external-data-key", "external data of key 'script'"),
    ),
    Case(
        "a file that ends too early",
        split({"a": 0, "b": 16}, held=31),
        fails("external-data-range", "reaches to byte 32 of 'w.bin', which has 31"),
    ),
    Case(
        "tensors that share bytes",
        split({"a": 0, "b": 8}),
        fails("external-data-overlap", "'a' and 'b' share bytes of 'w.bin'"),
    ),
)
