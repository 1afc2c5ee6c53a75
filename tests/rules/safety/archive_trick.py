"""Cases of SEC006."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx_models
import torch
import zip_tricks
from rule_cases import Case, Expected
from zip_tricks import entry, model, patched, record

DATA = "model/data.pkl"
STORAGE = "model/data/0"
Write = Callable[[Path], Path]


def bent(change: Callable[[Path], Path]) -> Write:
    return lambda folder: change(model(folder))


def wrong_crc(path: Path) -> Path:
    info = entry(path, STORAGE)
    start = path.read_bytes().index(b"\x00\x00\x80\x3f", info.header_offset)
    return patched(path, start, b"\x01")


def renamed(path: Path) -> Path:
    return patched(path, entry(path, STORAGE).header_offset + 30, b"model/data/9")


def duplicate(path: Path) -> Path:
    zip_tricks.with_member(path, "model/data/X", b"\0" * 64)
    return patched(path, record(path.read_bytes(), "model/data/X") + 46, STORAGE.encode())


def unlisted(path: Path) -> Path:
    return zip_tricks.with_gap(path, b"PK\x03\x04" + bytes(40))


def second_end(path: Path) -> Path:
    data = path.read_bytes()
    return zip_tricks.with_tail(path, data[data.rindex(zip_tricks.END) :])


def polyglot(folder: Path) -> Path:
    path = folder / "model.pt"
    torch.save({"w": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    return zip_tricks.with_tail(path, model(folder / "other").read_bytes())


def shadowing(folder: Path) -> Path:
    other = onnx_models.node("Abs", "a", "b")
    function = onnx_models.function(other, name="Relu", domain="", opsets={"": 17})
    made = onnx_models.model(onnx_models.node("Relu", "x", "y"), functions=[function])
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    return folder / "model.onnx"


def tricked(kind: str, message: str, member: str | None, file: str = "model.pt") -> Expected:
    target = ("file", file) if member is None else ("member", member)
    return Expected("fail", "error", "high", target, {"kind": kind}, message)


CASES = (
    Case("what torch writes passes", model, (Expected("pass", target=("file", "model.pt")),)),
    Case(
        "a wrong checksum is an error",
        bent(wrong_crc),
        (tricked("bad-checksum", "where the archive states", STORAGE),),
    ),
    Case(
        "a checksum of zero is none",
        bent(lambda path: zip_tricks.with_crc(path, STORAGE, 0)),
        (Expected("pass"),),
    ),
    Case(
        "a member marked as encrypted",
        bent(lambda path: zip_tricks.with_flag(path, DATA, 0x1)),
        (tricked("encrypted-member", "flag 0x1", DATA),),
    ),
    Case(
        "a member marked as patch data",
        bent(lambda path: zip_tricks.with_flag(path, DATA, 0x20)),
        (tricked("odd-flags", "flag 0x20", DATA),),
    ),
    Case(
        "a member marked as strongly encrypted",
        bent(lambda path: zip_tricks.with_flag(path, DATA, 0x40)),
        (tricked("odd-flags", "flag 0x40", DATA),),
    ),
    Case(
        "a member of another name in its own header",
        bent(renamed),
        (tricked("name-mismatch", "is called 'model/data/9' in its own header", STORAGE),),
    ),
    Case(
        "two members of one name",
        bent(duplicate),
        (
            tricked("duplicate-member", "several members are called", STORAGE),
            tricked("name-mismatch", "is called 'model/data/X'", STORAGE),
        ),
    ),
    Case(
        "a member that the directory does not list",
        bent(unlisted),
        (tricked("unlisted-member", "44 bytes hold a member", None),),
    ),
    Case(
        "two end records",
        bent(second_end),
        (tricked("second-directory", "two end records", None),),
    ),
    Case(
        "an archive behind another file's bytes",
        polyglot,
        (
            tricked("polyglot", "pickle and zip in one file", None),
            tricked("leading-bytes", "a zip archive stands behind", None),
        ),
    ),
    Case(
        "an archive of another kind within",
        bent(lambda path: zip_tricks.with_member(path, "model/extra/a", b"7z\xbc\xaf\x27\x1c")),
        (tricked("nested-archive", "is itself a 7z archive", "model/extra/a"),),
    ),
    Case(
        "a function in place of an operator is a warning",
        shadowing,
        (Expected("fail", "warning", values={"kind": "shadowed-operator"}, message="'Relu'"),),
    ),
)
