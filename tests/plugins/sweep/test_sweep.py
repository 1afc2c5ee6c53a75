"""The sweep finds by content what no reader explains, wherever it lies."""

from __future__ import annotations

import base64
import gzip
import io
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from modlint.engine.load import load
from modlint.engine.registry import Registry, load_registry
from modlint.source import open_source
from modlint_plugins.sweep.walk import MAX_DEPTH, ContentSweep

RUN = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R."
OLD = b"cos\nsystem\n(S'id'\ntR."
ELF = b"\x7fELF\x02\x01\x01" + bytes(200)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def swept(path: Path) -> tuple[set[str], list[str]]:
    """Globals that the sweep alone finds in a file, and the kinds of its remarks."""
    found = ContentSweep().sweep(open_source(path), ())
    return {use.qualified for trace in found.pickles for use in trace.uses}, [
        remark.kind for remark in (*found.remarks, *found.faults)
    ]


def zipped(content: bytes, name: str = "a/b.bin", method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def tarred(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("x")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def array(content: bytes) -> bytes:
    """An array of bytes whose first ones are a pickle."""
    out = io.BytesIO()
    np.save(out, np.frombuffer(content, np.uint8))
    return out.getvalue()


CARRIERS: dict[str, Callable[[bytes], bytes]] = {
    "itself": lambda content: content,
    "zip": zipped,
    "deflated": lambda content: zipped(content, method=zipfile.ZIP_DEFLATED),
    "bzip2 in zip": lambda content: zipped(content, method=zipfile.ZIP_BZIP2),
    "lzma in zip": lambda content: zipped(content, method=zipfile.ZIP_LZMA),
    "zip in zip": lambda content: zipped(zipped(content)),
    "behind a picture": lambda content: b"GIF89a" + bytes(50) + zipped(content),
    "tar": tarred,
    "tar in gzip": lambda content: gzip.compress(tarred(content)),
    "gzip in zip": lambda content: zipped(gzip.compress(content)),
    "zlib": zlib.compress,
    "a literal": pickle.dumps,
    "base64 in JSON": lambda content: b'{"a": "' + base64.b64encode(content) + b'"}',
    "base64 in a literal": lambda content: pickle.dumps(base64.b64encode(content).decode()),
    "hexadecimal in text": lambda content: b"data: " + content.hex().encode(),
    "behind another pickle": lambda content: pickle.dumps(1) + content,
    "array": array,
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("payload", [RUN, OLD], ids=["headed", "protocol 0"])
def test_a_pickle_is_found_wherever_it_lies(carrier: str, payload: bytes, tmp_path: Path) -> None:
    if payload is OLD and carrier in ("array", "a literal"):
        pytest.skip("no loader looks for a pickle without a header there")
    path = tmp_path / "file"
    path.write_bytes(CARRIERS[carrier](payload))
    assert "os.system" in swept(path)[0]


@pytest.mark.parametrize("name", ["x/extra/lib.so", "x/.data/run", "x/code/a"])
@pytest.mark.parametrize("program", [ELF, b"#!/bin/sh\nid\n"], ids=["ELF", "script"])
def test_a_program_is_found_whatever_its_name(name: str, program: bytes, tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "m.pt")
    with zipfile.ZipFile(tmp_path / "m.pt", "a") as archive:
        archive.writestr(name, program)
    assert "hidden-program" in swept(tmp_path / "m.pt")[1]


def test_libraries_of_aotinductor_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "m.pt2").write_bytes(zipped(ELF, "m/data/aotinductor/model/a.so"))
    assert swept(tmp_path / "m.pt2")[1] == ["native-library"]


def write_torch(folder: Path) -> Path:
    torch.save({"w": torch.ones(2), "n": [1, 2]}, folder / "m.pt")
    return folder / "m.pt"


def write_legacy(folder: Path) -> Path:
    torch.save({"w": torch.ones(2)}, folder / "m.pt", _use_new_zipfile_serialization=False)
    return folder / "m.pt"


def write_safetensors(folder: Path) -> Path:
    save_file({"w": torch.ones(2)}, folder / "m.safetensors", {"format": "pt"})
    return folder / "m.safetensors"


def write_objects(folder: Path) -> Path:
    np.savez(folder / "m.npz", a=np.ones(3), b=np.array([{"x": 1}], dtype=object))
    return folder / "m.npz"


def write_pickle(folder: Path) -> Path:
    (folder / "m.pkl").write_bytes(pickle.dumps({"w": np.ones(3)}) + pickle.dumps(2))
    return folder / "m.pkl"


WRITERS = (write_torch, write_legacy, write_safetensors, write_objects, write_pickle)


@pytest.mark.parametrize("write", WRITERS)
def test_nothing_is_said_twice_of_a_healthy_file(
    write: Callable[[Path], Path], tmp_path: Path, registry: Registry
) -> None:
    path = write(tmp_path)
    alone = load(path, registry.readers)
    both = load(path, registry.readers, registry.sweeps)
    assert [c.pickles for c in alone] == [c.pickles for c in both]
    assert [c.remarks for c in alone] == [c.remarks for c in both]
    assert [c.faults for c in alone] == [c.faults for c in both]


def test_containers_within_containers_end_somewhere(tmp_path: Path) -> None:
    content = RUN
    for _ in range(MAX_DEPTH + 2):
        content = zipped(content)
    (tmp_path / "a.zip").write_bytes(content)
    assert swept(tmp_path / "a.zip") == (set(), ["limit"])


def test_a_reader_that_fails_hides_nothing(tmp_path: Path, registry: Registry) -> None:
    """The legacy file breaks off in its second pickle; the payload stands behind it."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    (tmp_path / "m.pt").write_bytes(magic + RUN)
    (checkpoint,) = load(tmp_path / "m.pt", registry.readers, registry.sweeps)
    assert "os.system" in {use.qualified for trace in checkpoint.pickles for use in trace.uses}


def test_more_pickles_than_are_interpreted_are_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "many.bin"
    path.write_bytes(b"\x80\x02N." * 100_001 + RUN)
    _, kinds = swept(path)
    assert "unsearched" in kinds
