"""Cases of SEC002."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import onnx_models
import torch
import zip_tricks
from rule_cases import Case, Expected
from safetensors.torch import save_file
from zip_tricks import model

ELF = b"\x7fELF\x02\x01\x01" + bytes(57)


def tensor_of(content: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def torchscript(folder: Path) -> Path:
    return zip_tricks.torchscript(folder / "model.pt", torch.nn.Linear(2, 2), notes="hello")


def program(folder: Path) -> Path:
    save_file({"w": tensor_of(ELF)}, folder / "model.safetensors")
    return folder / "model.safetensors"


def windows_program(folder: Path) -> Path:
    content = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(60)
    torch.save({"w": tensor_of(content)}, folder / "model.pt")
    return folder / "model.pt"


def two_letters(folder: Path) -> Path:
    torch.save({"w": tensor_of(b"MZ" + bytes(126))}, folder / "model.pt")
    return folder / "model.pt"


def extra_member(folder: Path) -> Path:
    return zip_tricks.with_member(model(folder), "model/data/77", b"payload" * 8)


def gap(folder: Path) -> Path:
    return zip_tricks.with_gap(model(folder), b"payload" * 8)


def program_in_gap(folder: Path) -> Path:
    return zip_tricks.with_gap(model(folder), ELF)


def whole_module_in_the_old_format(folder: Path) -> Path:
    path = folder / "model.pt"
    torch.save(torch.nn.Linear(2, 2), path, _use_new_zipfile_serialization=False)
    return path


def after_pickle(folder: Path) -> Path:
    path = folder / "model.pt"
    torch.save({"w": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    return zip_tricks.with_tail(path, b"\xff" * 32)


def nested_pickle(folder: Path) -> Path:
    content = {"weights": [1.0, 2.0], "blob": pickle.dumps({"hidden": 1})}
    (folder / "model.pkl").write_bytes(pickle.dumps(content))
    return folder / "model.pkl"


def onnx_model(first: bytes = b"") -> Callable[[Path], Path]:
    """A model whose weight begins with these fields."""

    def write(folder: Path) -> Path:
        made = onnx_models.model(onnx_models.node("MatMul", "x w", "y"))
        weight = first + onnx_models.WEIGHT.SerializeToString()
        graph = made.graph.SerializeToString() + onnx_models.field(5, weight)
        made.ClearField("graph")
        data = made.SerializeToString() + onnx_models.field(7, graph)
        (folder / "model.onnx").write_bytes(data)
        return folder / "model.onnx"

    return write


CASES = (
    Case("what torch writes passes", model, (Expected("pass", target=("file", "model.pt")),)),
    Case("code, debug records and extra files pass", torchscript, (Expected("pass"),)),
    Case(
        "a program in a tensor is an error",
        program,
        (Expected("fail", "error", "high", ("tensor", "w"), {"what": "an ELF program"}),),
    ),
    Case(
        "so is a Windows program",
        windows_program,
        (Expected("fail", "error", values={"what": "a Windows program"}),),
    ),
    Case("two letters are no program", two_letters, (Expected("pass"),)),
    Case(
        "a whole module of torch's old format passes",
        whole_module_in_the_old_format,
        (Expected("pass"),),
    ),
    Case(
        "a member that nothing refers to is a warning",
        extra_member,
        (
            Expected(
                "fail",
                "warning",
                target=("member", "model/data/77"),
                values={"kind": "unreferenced-member"},
                message="56 bytes",
            ),
        ),
    ),
    Case(
        "bytes between members are a warning",
        gap,
        (Expected("fail", "warning", values={"kind": "gap"}, message="56 bytes"),),
    ),
    Case(
        "a program there is an error",
        program_in_gap,
        (Expected("fail", "error", values={"kind": "hidden-program"}, message="an ELF program"),),
    ),
    Case(
        "bytes after the storages are a warning",
        after_pickle,
        (Expected("fail", "warning", values={"kind": "trailing-bytes"}, message="32 bytes"),),
    ),
    Case(
        "a pickle within bytes is a warning",
        nested_pickle,
        (Expected("fail", "warning", values={"kind": "hidden-pickle"}),),
    ),
    Case("what onnx writes passes", onnx_model(), (Expected("pass"),)),
    Case(
        "a field that onnx does not know is a warning",
        onnx_model(onnx_models.field(99, b"payload" * 8)),
        (
            Expected(
                "fail",
                "warning",
                values={"kind": "unknown-field"},
                message="56 bytes lie in field 99 of a TensorProto",
            ),
        ),
    ),
    Case(
        "a field that a second one hides is a warning",
        onnx_model(onnx_models.field(9, b"payload" * 8)),
        (Expected("fail", "warning", values={"kind": "repeated-field"}, message="raw_data"),),
    ),
    Case(
        "a program in it is an error",
        onnx_model(onnx_models.field(9, ELF)),
        (Expected("fail", "error", values={"kind": "hidden-program"}, message="an ELF program"),),
    ),
    Case(
        "elements that nothing reads are a warning",
        onnx_model(onnx_models.field(4, bytes(36))),
        (Expected("fail", "warning", values={"kind": "unread-data"}, message="float_data"),),
    ),
)
