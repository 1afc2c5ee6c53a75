"""Lines 25 to 30 of the list: PyTorch, ONNX, safetensors, shard indices."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from threats.build import (
    DATA,
    RUN,
    Finding,
    Threat,
    Torch,
    alone,
    header,
    onnx_external,
    runs,
    safetensors,
    tar_entry,
    tensor,
    text,
    zip_archive,
    zipped,
)

Written = tuple[Path, tuple[Finding, ...]]
_HEADED = b"\x80\x02" + RUN
_TAR = (
    tar_entry(b"storages", b"\x80\x02K\x00.")
    + tar_entry(b"tensors", b"\x80\x02K\x00.")
    + tar_entry(b"pickle", _HEADED)
    + bytes(1024)
)
_SETITEM = b"\x80\x02K\x05" + text("k") + b"K\x01s."
_ON_LISTED = b"\x80\x02ctorch\nSize\n" + text("k") + b"K\x01s."


def _torch(line: int, title: str, files: Torch, *findings: Finding) -> Threat:
    return Threat(line, title, zipped("model.pt", zip_archive(files.entries()), *findings))


def _fmt(member: str | None, offset: int | None, message: str) -> Finding:
    return Finding("FMT001", "error", member, offset, message)


_PYTORCH = (
    Threat(
        25,
        "a tar archive, which weights_only let through",
        alone(
            "model.pt",
            _TAR,
            Finding("SEC001", "error", "pickle", len(_HEADED) - 2, "os.system('id')"),
        ),
    ),
    _torch(
        26,
        "SETITEM on a number",
        Torch(pickle=_SETITEM),
        _fmt("model/data.pkl", 12, "SETITEM on what is no dict"),
    ),
    _torch(
        26,
        "SETITEM on a listed class",
        Torch(pickle=_ON_LISTED),
        _fmt("model/data.pkl", 22, "SETITEM on what is no dict"),
    ),
    _torch(
        26,
        "a storage of fewer bytes than its count",
        Torch(pickle=b"\x80\x02}" + text("w") + tensor(elements=1 << 20) + b"s."),
        _fmt("model/data/0", None, "holds 16 bytes"),
    ),
    _torch(
        27,
        "a refused pickle with a call that a fallback would run",
        Torch(pickle=_HEADED[:-1] + b"\xff"),
        runs("model/data.pkl", _HEADED),
        _fmt("model/data.pkl", len(_HEADED), "cannot be interpreted to its end"),
    ),
    _torch(
        27,
        "an archive without data.pkl and a loose pickle",
        Torch(pickle=_HEADED),
        runs("model/data.pkl", _HEADED),
    ),
)


def _outside(location: str, *messages: str) -> Callable[[Path], Written]:
    """A model in a folder, and a file outside of it that is as large as the tensor."""

    def write(folder: Path) -> Written:
        inside = folder / "model"
        inside.mkdir()
        (folder / "secret").write_bytes(DATA)
        place = location.replace("{folder}", str(folder))
        path = inside / "model.onnx"
        path.write_bytes(onnx_external(place))
        return path, (Finding("SEC007", "error", None, None, *messages or ("outside",)),)

    return write


def _link(folder: Path) -> Written:
    path, _ = _outside("data")(folder)
    (path.parent / "data").symlink_to(folder / "secret")
    return path, (Finding("SEC007", "error", None, None, "outside"),)


def _hard_link(folder: Path) -> Written:
    path, _ = _outside("data")(folder)
    os.link(folder / "secret", path.parent / "data")
    return path, (Finding("SEC007", "error", None, None, "hard link"),)


def _range(**entries: str) -> Callable[[Path], Written]:
    def write(folder: Path) -> Written:
        (folder / "data").write_bytes(DATA)
        path = folder / "model.onnx"
        path.write_bytes(onnx_external("data", **entries))
        return path, (Finding("FMT001|GRF006", "error", None, None, "tensor 'w'"),)

    return write


def _allocation(folder: Path) -> Written:
    (folder / "data").write_bytes(DATA)
    path = folder / "model.onnx"
    path.write_bytes(onnx_external("data", elements=1 << 40))
    return path, (Finding("FMT001|GRF006", "error", None, None, "tensor 'w'"),)


_ONNX = (
    Threat(28, "external data at ../", _outside("../secret")),
    Threat(28, "external data behind a folder and back", _outside("a/../../secret")),
    Threat(28, "external data at an absolute path", _outside("{folder}/secret")),
    Threat(28, "external data with backslashes", _outside("..\\secret")),
    Threat(28, "external data behind a symbolic link", _link),
    Threat(28, "external data behind a hard link", _hard_link),
    Threat(28, "external data past the end", _range(offset="8", length="16")),
    Threat(28, "external data at a negative offset", _range(offset="-8")),
    Threat(28, "external data of four terabytes", _allocation),
)


def _tensors(title: str, content: bytes, *findings: Finding) -> Threat:
    return Threat(29, title, alone("model.safetensors", content, *findings))


def _huge(folder: Path) -> Written:
    path = folder / "model.safetensors"
    with path.open("wb") as file:
        file.write((100_000_001).to_bytes(8, "little") + b'{"a":1')
        file.truncate(100_000_100)
    return path, (_fmt(None, 0, "100,000,001 bytes"),)


_ONE = header({"a": (0, 16)})
_TWICE = _ONE[:-1] + b"," + _ONE[1:]
_HOLE = header({"a": (0, 16), "b": (20, 24)})
_OVERLAP = header({"a": (0, 16), "b": (8, 24)})
_KEYS = _ONE.replace(b'"dtype": "F32"', b'"dtype": "F32", "dtype": "I32"')
_SAFETENSORS = (
    Threat(29, "a header over 100 MB", _huge),
    _tensors(
        "a name twice", safetensors(_TWICE, DATA), Finding("FMT013", "error", None, None, "'a'")
    ),
    _tensors("a key twice in a tensor", safetensors(_KEYS, DATA), _fmt(None, None, "twice")),
    _tensors(
        "a hole",
        safetensors(_HOLE, bytes(24)),
        _fmt(None, 8 + len(_HOLE) + 16, "belong to no tensor"),
    ),
    _tensors(
        "an overlap",
        safetensors(_OVERLAP, bytes(24)),
        _fmt(None, 8 + len(_OVERLAP) + 8, "overlaps"),
    ),
    _tensors(
        "trailing bytes",
        safetensors(_ONE, DATA + b"tail"),
        _fmt(None, 8 + len(_ONE) + 16, "4 bytes after the last tensor"),
    ),
    _tensors(
        "a pickle behind the tensors",
        safetensors(_ONE, DATA + _HEADED),
        _fmt(None, 8 + len(_ONE) + 16, "after the last tensor"),
    ),
    _tensors(
        "a shape that overflows",
        safetensors(_ONE.replace(b"[4]", b"[4611686018427387904, 4]"), DATA),
        _fmt(None, None, ""),
    ),
    _tensors(
        "a range past the end", safetensors(header({"a": (0, 1 << 40)}), DATA), _fmt(None, None, "")
    ),
    _tensors(
        "a hundred thousand brackets",
        safetensors(b'{"__metadata__":' + b"[" * 100_000, b""),
        _fmt(None, 24, ""),
    ),
)


def _index(name: str, shard: str) -> Threat:
    """An index beside nothing, which names a shard that lies outside of its folder."""

    def write(folder: Path) -> Written:
        inside = folder / "model"
        inside.mkdir()
        (folder / "secret.safetensors").write_bytes(safetensors(_ONE, DATA))
        place = shard.replace("{folder}", str(folder))
        content = {"metadata": {"total_size": 16}, "weight_map": {"a": place}}
        path = inside / name
        path.write_text(json.dumps(content))
        return path, (Finding("SEC007", "error", place, None, "out of the folder"),)

    return Threat(30, f"{name} names {shard}", write)


THREATS = (
    *_PYTORCH,
    *_ONNX,
    *_SAFETENSORS,
    *(
        _index(name, shard)
        for name in ("model.safetensors.index.json", "pytorch_model.bin.index.json")
        for shard in (
            "../secret.safetensors",
            "{folder}/secret.safetensors",
            "..\\secret.safetensors",
        )
    ),
)
