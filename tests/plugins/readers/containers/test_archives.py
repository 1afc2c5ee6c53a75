"""Archives and compressed files that hold checkpoints, made by the programs that write them."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from joblib import numpy_pickle_compat

from modlint.checkpoint import Checkpoint, Status
from modlint.engine.load import load
from modlint_plugins.readers import contained, modlint_readers

Read = Callable[[Path], Checkpoint]
STATE = {"fc.weight": torch.arange(6.0).reshape(2, 3), "fc.bias": torch.ones(2)}


def saved(value: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(*members: tuple[str, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def stored(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def called(checkpoint: Checkpoint) -> list[tuple[str | None, str]]:
    return [
        (trace.member, use.qualified)
        for trace in checkpoint.pickles
        for use in trace.uses
        if use.use == "called" and not use.followed
    ]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_of_checkpoints(tmp_path: Path, load_any: Read, method: int) -> None:
    content = zipped(("a/policy.pth", saved(STATE)), ("readme.txt", b"text"), method=method)
    path = stored(tmp_path / "agent.zip", content)

    checkpoint = load_any(path)

    assert checkpoint.status is Status.CHECKED
    assert list(checkpoint.tensors) == ["a/policy.pth!fc.weight", "a/policy.pth!fc.bias"]
    tensor = checkpoint.tensors["a/policy.pth!fc.weight"]
    assert tensor.key == "fc.weight"
    assert bytes(tensor.storage.read()) == STATE["fc.weight"].numpy().tobytes()
    assert tensor.storage.member == "a/policy.pth!archive/data/0"
    if method == zipfile.ZIP_STORED:
        assert tensor.offset is not None
        assert content[tensor.offset :][:24] == STATE["fc.weight"].numpy().tobytes()
    else:
        assert tensor.offset is None
    assert {trace.member for trace in checkpoint.pickles} == {"a/policy.pth!archive/data.pkl"}
    assert "a/policy.pth!archive/version" in {member.name for member in checkpoint.members}


def test_stable_baselines_archive(tmp_path: Path, load_any: Read, hostile: object) -> None:
    encoded = base64.b64encode(pickle.dumps(hostile)).decode()
    data = {"policy_class": {":type:": "x", ":serialized:": encoded}, "verbose": 1}
    members = (
        ("data", json.dumps(data, indent=4).encode()),
        ("policy.pth", saved(STATE)),
        ("_stable_baselines3_version", b"2.3.2"),
    )

    checkpoint = load_any(stored(tmp_path / "agent.zip", zipped(*members)))

    assert checkpoint.format == "stable-baselines3"
    assert list(checkpoint.tensors) == ["policy.pth!fc.weight", "policy.pth!fc.bias"]
    assert called(checkpoint) == [("data!policy_class", "posix.system")]


@pytest.mark.parametrize("key", [r":\u0073erialized:", r"\u003aserialized\u003A"])
def test_stable_baselines_key_is_found_as_json_spells_it(
    tmp_path: Path, load_any: Read, hostile: object, key: str
) -> None:
    encoded = base64.b64encode(pickle.dumps(hostile)).decode()
    data = " " * 5000 + f'{{"policy_class": {{"{key}": "{encoded}"}}}}'
    path = stored(tmp_path / "agent.zip", zipped(("data", data.encode())))
    assert called(load_any(path)) == [("data!policy_class", "posix.system")]


def test_torch_model_archive_in_a_compressed_tar(
    tmp_path: Path, load_any: Read, hostile: object
) -> None:
    inner = zipped(("MAR-INF/MANIFEST.json", b"{}"), ("handler.pkl", pickle.dumps(hostile)))
    path = stored(tmp_path / "m.mar", gzip.compress(tarred(("d/x.mar", inner), ("w.pt", b"text"))))

    checkpoint = load_any(path)

    assert called(checkpoint) == [("gzip!d/x.mar!handler.pkl", "posix.system")]


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_tar_of_checkpoints(tmp_path: Path, load_any: Read, format: int) -> None:
    name = "folder/" * 30 + "ü.pth"
    content = tarred(("a.txt", b"text"), (name, saved(STATE)), format=format)

    checkpoint = load_any(stored(tmp_path / "a.tar", content))

    assert list(checkpoint.tensors) == [f"{name}!fc.weight", f"{name}!fc.bias"]
    tensor = checkpoint.tensors[f"{name}!fc.bias"]
    assert tensor.offset is not None
    assert content[tensor.offset :][:8] == STATE["fc.bias"].numpy().tobytes()


def test_tar_link_out_of_the_archive(tmp_path: Path, load_any: Read) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        link = tarfile.TarInfo("a/link.pt")
        link.type, link.linkname = tarfile.SYMTYPE, "../../etc/passwd"
        archive.addfile(link)
        inside = tarfile.TarInfo("a/fine.pt")
        inside.type, inside.linkname = tarfile.SYMTYPE, "../b.pt"
        archive.addfile(inside)

    checkpoint = load_any(stored(tmp_path / "a.tar", stream.getvalue()))

    (remark,) = (r for r in checkpoint.remarks if r.kind == "path-escape")
    assert (remark.member, remark.offset) == ("a/link.pt", 0)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zlib": zlib.compress,
}


@pytest.mark.parametrize("codec", COMPRESS)
def test_compressed_checkpoint(
    tmp_path: Path, load_any: Read, assert_same_elements: Any, codec: str
) -> None:
    path = stored(tmp_path / "a.pt", COMPRESS[codec](saved(STATE)))

    checkpoint = load_any(path)

    assert checkpoint.format == f"{codec}+torch-zip"
    assert_same_elements(checkpoint, STATE)
    assert checkpoint.pickles[0].member == f"{codec}!archive/data.pkl"


@pytest.mark.parametrize("codec", COMPRESS)
def test_payload_before_the_damage_is_traced(
    tmp_path: Path, load_any: Read, hostile: object, codec: str
) -> None:
    noise = torch.randint(256, (1_500_000,), dtype=torch.uint8).numpy().tobytes()
    whole = COMPRESS[codec](pickle.dumps(hostile) + noise)
    path = stored(tmp_path / "a.pkl", whole[: -len(whole) // 10])

    checkpoint = load_any(path)

    assert checkpoint.status is Status.UNREADABLE
    assert (codec, "posix.system") in called(checkpoint)
    assert "truncated" in checkpoint.faults[0].message
    assert checkpoint.faults[0].help == "download or save it again"


def test_several_gzip_streams_are_one_file(
    tmp_path: Path, load_any: Read, assert_same_elements: Any
) -> None:
    content = saved(STATE)
    path = stored(tmp_path / "a", gzip.compress(content[:500]) + gzip.compress(content[500:]))
    assert_same_elements(load_any(path), STATE)


def test_pickle_behind_the_compressed_data(tmp_path: Path, load_any: Read, hostile: object) -> None:
    path = stored(tmp_path / "a", gzip.compress(saved(STATE)) + pickle.dumps(hostile))

    checkpoint = load_any(path)

    assert ("trailing bytes", "posix.system") in called(checkpoint)
    assert "trailing-bytes" in {remark.kind for remark in checkpoint.remarks}


def test_inflating_ends_at_the_limit(
    tmp_path: Path, load_any: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contained, "FREE", 1 << 20)
    path = stored(tmp_path / "a", gzip.compress(bytes(1 << 22)))

    (fault,) = load_any(path).faults

    assert fault.kind == "limit"
    assert "1,048,576 bytes" in fault.message


def test_bombs_in_a_zip_end_at_the_limit(
    tmp_path: Path, load_any: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contained, "MAX_KEPT", 1 << 20)
    bomb = zipped(("a.pkl", bytes(1 << 21)), method=zipfile.ZIP_DEFLATED)

    checkpoint = load_any(stored(tmp_path / "a.zip", bomb))

    assert checkpoint.status is Status.UNREADABLE
    assert "1,048,576 bytes" in checkpoint.faults[0].message


def test_ratio_in_a_zip_is_limited(
    tmp_path: Path, load_any: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contained, "FREE", 1 << 20)
    bomb = zipped(("a.pkl", bytes(1 << 21)), method=zipfile.ZIP_DEFLATED)

    (fault,) = load_any(stored(tmp_path / "a.zip", bomb)).faults

    assert "2,097,152 bytes, more than 100 times its size" in fault.message


def test_members_end_at_the_limit(
    tmp_path: Path, load_any: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contained, "MAX_MEMBERS", 5)
    many = zipped(*((f"{n}.txt", b"text") for n in range(9)))

    (fault,) = load_any(stored(tmp_path / "a.zip", many)).faults

    assert fault.message == "holds more than 5 members"


def test_nesting_ends_at_the_limit(tmp_path: Path, load_any: Read, hostile: object) -> None:
    content = pickle.dumps(hostile)
    for depth in range(3):
        content = zipped((f"{depth}.zip", content))
    checkpoint = load_any(stored(tmp_path / "a.zip", content))
    assert called(checkpoint) == [("2.zip!1.zip!0.zip", "posix.system")]

    checkpoint = load_any(stored(tmp_path / "b.zip", zipped(("3.zip", content))))

    assert not called(checkpoint)
    assert "nested more than 3 deep" in checkpoint.faults[0].message


def test_encrypted_member_is_a_fault(tmp_path: Path, load_any: Read) -> None:
    content = bytearray(zipped(("a.pt", bytes(range(200)) * 3)))
    directory = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[directory + 8] |= 1

    checkpoint = load_any(stored(tmp_path / "a.zip", bytes(content)))

    assert checkpoint.status is Status.UNREADABLE
    assert "encrypted" in checkpoint.faults[0].message


def test_7z_in_a_zip_is_a_fault(tmp_path: Path, load_any: Read) -> None:
    inner = b"7z\xbc\xaf\x27\x1c" + bytes(32)

    checkpoint = load_any(stored(tmp_path / "a.zip", zipped(("a.7z", inner))))

    assert checkpoint.status is Status.UNREADABLE
    assert checkpoint.faults[0].member == "a.7z"


@pytest.mark.parametrize(
    ("format", "content"),
    [
        ("zip", zipped(("a.txt", b"text"))),
        ("zip", zipped()),
        ("tar", tarred(("a.txt", b"text"))),
        ("gzip", gzip.compress(b"text", mtime=0)),
        ("xz", lzma.compress(b"text")),
    ],
)
def test_archives_without_checkpoints_are_none(
    tmp_path: Path, load_any: Read, format: str, content: bytes
) -> None:
    checkpoint = load_any(stored(tmp_path / "a.pt", content))

    assert checkpoint.status is Status.NOT_A_CHECKPOINT
    assert checkpoint.format == format


def test_broken_member_does_not_hide_the_others(
    tmp_path: Path, load_any: Read, hostile: object
) -> None:
    content = zipped(("a.bin", bytes(range(250)) * 9), ("b.pkl", pickle.dumps(hostile)), method=8)
    broken = bytearray(content)
    broken[60:80] = b"\xff" * 20

    checkpoint = load_any(stored(tmp_path / "a.zip", bytes(broken)))

    assert called(checkpoint) == [("b.pkl", "posix.system")]
    assert checkpoint.faults[0].member == "a.bin"


def test_damaged_archives_do_not_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    members = (("a.pt", saved(STATE)), ("b.npy", b"\x93NUMPY"))
    compressed = gzip.compress(tarred(*members), mtime=0)
    for whole in (zipped(*members), tarred(*members), compressed):
        for cut in range(8, len(whole), 1 + len(whole) // 40):
            for content in (whole[:cut], whole[:cut] + b"\xff" * 8 + whole[cut + 8 :]):
                path.write_bytes(content)
                read = load(path, tuple(modlint_readers()))
                assert not any("internal" in fault.message for one in read for fault in one.faults)


def test_many_small_bombs_end_at_the_limit(
    tmp_path: Path, load_any: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contained, "MAX_FREE", 3 << 20)
    bombs = zipped(*((f"{n}.pkl", bytes(1 << 20)) for n in range(6)), method=zipfile.ZIP_DEFLATED)

    faults = load_any(stored(tmp_path / "a.zip", bombs)).faults

    assert [fault.member for fault in faults] == ["3.pkl", "4.pkl", "5.pkl"]
    assert "3,145,728 bytes beyond 100 times" in faults[0].message


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_only_zipfile_inflates(
    tmp_path: Path, load_any: Read, hostile: object, method: int
) -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([hostile]), allow_pickle=True)
    content = zipped(("evil.npy", stream.getvalue()), method=method)

    checkpoint = load_any(stored(tmp_path / "a.npz", content))

    assert called(checkpoint) == [("evil.npy", "posix.system")]


def test_every_reading_of_a_zip_is_examined(
    tmp_path: Path, load_any: Read, hostile: object
) -> None:
    evil = pickle.dumps(hostile)
    first, second = zipped(("a.pkl", bytes(len(evil)))), zipped(("a.pkl", evil))
    content = first[: first.rindex(b"PK\x05\x06")] + second

    checkpoint = load_any(stored(tmp_path / "a.zip", content))

    assert [use for _, use in called(checkpoint)] == ["posix.system"]
    assert "ambiguous-archive" in {remark.kind for remark in checkpoint.remarks}


@pytest.mark.parametrize("shift", [0, 16])
def test_a_zip_behind_another_file(
    tmp_path: Path, load_any: Read, hostile: object, shift: int
) -> None:
    """Offsets may count from before the first member: zipfile only looks at the end."""
    archive = bytearray(zipped(("a.pkl", pickle.dumps(hostile))))
    end, directory = archive.rindex(b"PK\x05\x06"), archive.index(b"PK\x01\x02")
    archive[end + 16 : end + 20] = struct.pack("<I", directory + shift)
    archive[directory + 42 : directory + 46] = struct.pack("<I", shift)
    path = stored(tmp_path / "a.zip", b"GIF89a" + bytes(40) + bytes(archive))

    checkpoints = load(path, tuple(modlint_readers()))

    (zip_tail,) = (one for one in checkpoints if one.format == "zip-tail")
    assert called(zip_tail) == [("a.pkl", "posix.system")]
    assert "leading-bytes" in {remark.kind for remark in zip_tail.remarks}


def test_a_damaged_member_is_examined_as_far_as_it_goes(
    tmp_path: Path, load_any: Read, hostile: object
) -> None:
    noise = bytes(random.Random(0).choices(b"abcdefgh", k=50_000))
    content = bytearray(zipped(("a.pkl", pickle.dumps(hostile) + noise), method=8))
    at = content.index(b"PK\x01\x02") - 500
    content[at : at + 50] = b"\xff" * 50

    checkpoint = load_any(stored(tmp_path / "a.zip", bytes(content)))

    assert called(checkpoint) == [("a.pkl", "posix.system")]
    assert [fault.member for fault in checkpoint.faults] == ["a.pkl"]


def test_what_follows_damage_in_a_tar_is_examined(
    tmp_path: Path, load_any: Read, hostile: object
) -> None:
    model = saved(STATE)
    content = tarred(("a.pt", model), ("b.pkl", pickle.dumps(hostile)))
    behind = 512 + len(model) + -len(model) % 512
    damaged = content[:behind] + b"\xff" * 512 + content[behind:]

    checkpoint = load_any(stored(tmp_path / "a.tar", damaged))

    assert ("b.pkl", "posix.system") in called(checkpoint)
    assert "damaged header" in checkpoint.faults[0].message
    assert "a.pt!fc.weight" in checkpoint.tensors


def test_a_sparse_member_of_a_tar_is_put_together(
    tmp_path: Path, load_any: Read, hostile: object
) -> None:
    """GNU's format 1.0: a map of its runs precedes the bytes."""
    evil = pickle.dumps(hostile)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        runs = f"1\n0\n{len(evil)}\n".encode().ljust(512, b"\0")
        entry = tarfile.TarInfo("a.pkl")
        entry.size = len(runs) + len(evil)
        entry.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.realsize": str(len(evil)),
        }
        archive.addfile(entry, io.BytesIO(runs + evil))

    checkpoint = load_any(stored(tmp_path / "a.tar", stream.getvalue()))

    assert called(checkpoint) == [("a.pkl", "posix.system")]


def test_joblibs_old_container(tmp_path: Path, load_any: Read, hostile: object) -> None:
    path = tmp_path / "a.pkl"
    with path.open("wb") as file:
        numpy_pickle_compat.write_zfile(file, pickle.dumps(hostile))

    assert called(load_any(path)) == [("joblib-zfile", "posix.system")]


def test_a_second_gzip_member_behind_zeros(tmp_path: Path, load_any: Read, hostile: object) -> None:
    whole = pickle.dumps(hostile)
    content = gzip.compress(whole[:20]) + bytes(600) + gzip.compress(whole[20:])
    assert called(load_any(stored(tmp_path / "a.gz", content))) == [("gzip", "posix.system")]
