"""Cases of SEC007."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import zip_tricks
from onnx import TensorProto, helper
from rule_cases import Case, Expected
from zip_tricks import model


def with_member(name: str) -> Callable[[Path], Path]:
    return lambda folder: zip_tricks.with_member(model(folder), name, b"x")


def with_link(folder: Path) -> Path:
    path = model(folder)
    info = zipfile.ZipInfo("model/extra/link")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    return path


def external(location: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        tensor = onnx.numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
        raw = tensor.raw_data
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
        (folder / "w.bin").write_bytes(raw)
        value = helper.make_tensor_value_info
        node = helper.make_node("MatMul", ["x", "w"], ["y"])
        ends = [value(name, TensorProto.FLOAT, [1, 2]) for name in "xy"]
        graph = helper.make_graph([node], "g", ends[:1], ends[1:], [tensor])
        onnx.save(helper.make_model(graph), folder / "model.onnx")
        return folder / "model.onnx"

    return write


def escapes(message: str, member: str) -> tuple[Expected, ...]:
    return (Expected("fail", "error", "high", ("member", member), message=message),)


CASES = (
    Case("an ordinary archive passes", model, (Expected("pass", target=("file", "model.pt")),)),
    Case(
        "an absolute name",
        with_member("/etc/cron.d/job"),
        escapes("has an absolute name", "/etc/cron.d/job"),
    ),
    Case("a drive", with_member("C:\\evil.dll"), escapes("has an absolute name", "C:\\evil.dll")),
    Case(
        "a name that climbs",
        with_member("model/extra/../../../job"),
        escapes("climbs out with '..'", "model/extra/../../../job"),
    ),
    Case(
        "a name that climbs, with the mark of a container in it",
        with_member("../job!x.yaml"),
        escapes("climbs out with '..'", "../job!x.yaml"),
    ),
    Case("two dots within a name pass", with_member("model/extra/a..b"), (Expected("pass"),)),
    Case("a symbolic link", with_link, escapes("is a symbolic link", "model/extra/link")),
    Case("external data beside the model passes", external("w.bin"), (Expected("pass"),)),
    Case(
        "external data elsewhere",
        external("../w.bin"),
        (Expected("fail", "error", values={"kind": "path-escape"}, message="'../w.bin'"),),
    ),
)
