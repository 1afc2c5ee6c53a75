"""Zip archives in all their readings, against Python's zipfile on the same bytes."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modlint.engine.load import load
from modlint_plugins.archives.zip.archive import Archive
from modlint_plugins.archives.zip.audit import audit
from modlint_plugins.archives.zip.directory import extra_fields, pytorch_directory
from modlint_plugins.archives.zip.readings import distinct, reading_remarks, readings
from modlint_plugins.readers.containers.zip.reader import ZipReader

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
CENTRAL, END = b"PK\x01\x02", b"PK\x05\x06"
LARGEST = 1 << 20


def zipped(*members: tuple[str, bytes], method: int = 0, comment: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.comment = comment
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def test_zeros_behind_extra_fields_are_padding_and_other_bytes_are_not() -> None:
    field = struct.pack("<HH", 7, 2) + b"ab"
    assert list(extra_fields(field + bytes(3))) == [(7, b"ab")]
    assert list(extra_fields(field + b"\0c")) == [(7, b"ab"), (0, b"\0c")]


def shifted(data: bytes, by: int) -> bytes:
    """The archive with `by` added to the offset of its directory."""
    end = data.rindex(END)
    (start,) = struct.unpack_from("<I", data, end + 16)
    return data[: end + 16] + struct.pack("<I", start + by) + data[end + 20 :]


def wide(data: bytes, start: int, nbytes: int, located: int, *, more: bytes = b"") -> bytes:
    """The archive with a 64-bit end record, and a locator that leads to `located`."""
    end = data.rindex(END)
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, nbytes, start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, located, 1)
    return data[:end] + more + record + locator + data[end:]


def read_by_zipfile(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What zipfile makes of the bytes, as much of each member as it gives."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception:
        return
    for info in archive.filelist:
        if info.file_size > LARGEST:
            continue
        try:
            yield info.filename, archive.open(info).read()
        except Exception:  # zipfile raises whatever it likes on damaged members
            continue


def contents(data: bytes) -> set[bytes]:
    return {
        bytes(archive.content(member, LARGEST).view)
        for archive, member in distinct(readings(memoryview(data)))
    }


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """One or two archives, each in one of the ways that loaders differ about."""
    names = st.text("ab/.ü", min_size=1, max_size=6)
    members = st.lists(st.tuples(names, st.binary(max_size=60)), max_size=3)
    parts = [
        zipped(*draw(members), method=draw(st.sampled_from(METHODS)), comment=draw(comments))
        for comments in [st.just(b""), st.binary(max_size=30)][: draw(st.integers(1, 2))]
    ]
    between = draw(st.binary(max_size=40))
    data = between.join(parts)
    if draw(st.booleans()):
        data = draw(st.binary(max_size=40)) + data
    if draw(st.booleans()):
        data = shifted(data, draw(st.integers(0, 50)))
    return data


@given(archives(), st.randoms(use_true_random=False), st.integers(0, 3))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_whatever_zipfile_reads_is_among_the_readings(
    data: bytes, chance: random.Random, changes: int
) -> None:
    damaged = bytearray(data)
    for _ in range(changes):
        damaged[chance.randrange(len(damaged))] = chance.choice((0, 1, 5, 8, 45, 255))
    found = contents(bytes(damaged))
    for name, content in read_by_zipfile(bytes(damaged)):
        assert content in found, name


def test_the_directory_before_the_end_record() -> None:
    """PyTorch finds the directory where it is said to be, zipfile just before the end record."""
    first, second = zipped(("a", b"harmless")), zipped(("a", b"evilevil"))
    data = first[: first.rindex(END)] + second
    assert [content for _, content in read_by_zipfile(data)] == [b"evilevil"]

    pytorch, other = readings(memoryview(data))

    assert bytes(pytorch.content(pytorch.entries[0]).view) == b"harmless"
    assert bytes(other.content(other.entries[0]).view) == b"evilevil"
    assert [remark.kind for remark in reading_remarks(pytorch)] == ["second-directory"]


@pytest.mark.parametrize("method", METHODS)
def test_methods_that_zipfile_reads(method: int) -> None:
    content = b"weights" * 1000
    data = zipped(("a", content), method=method)

    (archive,) = readings(memoryview(data))
    (member,) = archive.entries

    assert bytes(archive.read(member)) == content
    assert b"".join(archive.chunks(member)) == content
    assert bytes(archive.peek(member, 5)) == content[:5]
    assert archive.content(member).problem is None


def test_an_empty_member_that_is_compressed_begins_with_nothing() -> None:
    data = zipped(("a", b""), method=zipfile.ZIP_DEFLATED)
    assert data[8:10] == b"\x08\0"

    (archive,) = readings(memoryview(data))

    assert bytes(archive.peek(archive.entries[0], 5)) == b""


@pytest.mark.parametrize("method", METHODS[1:])
def test_what_can_be_had_of_a_damaged_member(method: int) -> None:
    blocks = 2_500_000 if method == zipfile.ZIP_BZIP2 else 300_000  # bzip2 gives whole blocks
    noise = random.Random(0).choices(b"abcdefgh", k=blocks)
    data = bytearray(zipped(("a", b"payload" + bytes(noise)), method=method))
    at = data.index(CENTRAL) - 1000
    data[at : at + 50] = b"\xff" * 50

    (archive,) = readings(memoryview(bytes(data)))
    content = archive.content(archive.entries[0])

    assert content.problem is not None
    assert bytes(content.view[:7]) == b"payload"


def test_content_ends_at_the_limit() -> None:
    (archive,) = readings(memoryview(zipped(("a", bytes(1 << 22)), method=zipfile.ZIP_BZIP2)))

    content = archive.content(archive.entries[0], 1000)

    assert len(content.view) == 1000
    assert content.problem == "inflates to more than 1,000 bytes, the limit"


def test_pytorch_reads_no_bzip2() -> None:
    data = memoryview(zipped(("m/data.pkl", b"pickle"), method=zipfile.ZIP_BZIP2))
    archive = Archive(data)
    content = archive.content(archive.entries[0])
    assert content.problem == "is compressed by method 12, which PyTorch does not read"


@pytest.mark.parametrize("located", ["there", "elsewhere"])
def test_the_64_bit_record_before_its_locator(located: str) -> None:
    """Python up to 3.12 takes the record before the locator, PyTorch the one that it names."""
    harmless = zipped(("a", b"harmless"))
    evil = zipped(("a", b"evil"))
    at = len(harmless)
    start = evil.index(CENTRAL)
    nbytes = evil.rindex(END) - start
    record = struct.pack(
        "<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1,
        harmless.rindex(END) - harmless.index(CENTRAL), harmless.index(CENTRAL),
    )  # fmt: skip
    data = harmless + record + evil
    place = at if located == "elsewhere" else len(data) - 22
    data = wide(data, start, nbytes, place)

    assert b"evil" in contents(data)
    if located == "elsewhere":
        assert b"harmless" in contents(data)
        first = readings(memoryview(data))[0]
        assert "second-directory" in {remark.kind for remark in reading_remarks(first)}


@pytest.mark.parametrize(
    ("path", "alias"),
    [("evil.pkl", "evil.pkl"), ("a\0b", None), ("", None), ("größe", "größe")],
)
def test_unicode_paths(path: str, alias: str | None) -> None:
    name = b"good.txt"
    field = b"\x01" + struct.pack("<I", zlib.crc32(name)) + path.encode()
    info = zipfile.ZipInfo(name.decode())
    info.extra = struct.pack("<HH", 0x7075, len(field)) + field
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(info, b"x")

    (member,) = readings(memoryview(stream.getvalue()))[0].entries

    assert member.alias == ("a" if path == "a\0b" else alias)


def test_a_transcribed_name_is_no_alias() -> None:
    """Old archivers write letters that a name cannot hold as others, and the path beside it."""
    name = b"gr\x94\xe1e.pt"
    field = b"\x01" + struct.pack("<I", zlib.crc32(name)) + "größe.pt".encode()
    data = bytearray(zipped(("12345678", b"x")))
    at = data.index(CENTRAL)
    data[30:38] = data[at + 46 : at + 54] = name
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    data[at + 30 : at + 32] = struct.pack("<H", len(extra))
    data[at + 54 : at + 54] = extra
    end = data.rindex(END)
    data[end + 12 : end + 16] = struct.pack("<I", end - at)

    (member,) = readings(memoryview(bytes(data)))[0].entries

    assert member.alias is None


def test_members_are_found_as_pytorch_finds_them(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"w": torch.ones(2)}, path)
    data = path.read_bytes()
    lower = Archive(memoryview(data))
    assert lower.folder == "m"
    assert lower.find("M/DATA.PKL") is lower.members["m/data.pkl"]
    upper = data.replace(b"m/data.pkl", b"m/DATA.PKL").replace(b"m/data/0", b"m/DATA/0")
    path.write_bytes(upper)
    assert torch.load(path)["w"].tolist() == [1.0, 1.0]

    archive = Archive(memoryview(upper))

    member = archive.find("m/data.pkl")
    assert member is not None
    assert member.name == "m/DATA.PKL"
    assert archive.find("m/data/0") is not None


def test_an_archive_without_a_folder_is_refused_by_pytorch(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(zipped(("data.pkl", b"\x80\x02}."), ("version", b"3\n")))
    with pytest.raises(RuntimeError, match="not in a subdirectory"):
        torch.load(path)
    assert Archive(memoryview(path.read_bytes())).folder is None


def test_healthy_archives_have_one_reading(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"w": torch.ones(1000)}, path)
    inner = path.read_bytes()
    for data in (inner, zipped(("inner.pt", inner)), zipped(("a", b"x"), comment=b"hello")):
        (archive,) = readings(memoryview(data))
        assert archive.directory.shift == 0
        assert not list(reading_remarks(archive))


def test_a_reading_over_a_limit_is_kept_up_to_there():
    data = zipped(*((f"{n}", b"x") for n in range(3)))
    end = data.rindex(END)
    entry = data[data.index(CENTRAL) : data.index(CENTRAL, data.index(CENTRAL) + 4)]
    more = entry * 100_000
    (nbytes,) = struct.unpack_from("<I", data, end + 12)
    longer = data[:end] + more + data[end : end + 12]
    longer += struct.pack("<I", nbytes + len(more)) + data[end + 16 :]
    (archive,) = readings(memoryview(longer))
    assert archive.problem is not None
    assert "more than 100,000 members" in str(archive.problem)
    assert len(archive.entries) == 100_000


def test_members_that_share_bytes_are_examined_up_to_a_limit(tmp_path: Path) -> None:
    data = zipped(("a", bytes(range(256)) * 40))
    start, end = data.index(CENTRAL), data.rindex(END)
    entry = data[start:end]
    shared = data[:start] + entry * 500 + data[end : end + 8] + struct.pack("<HH", 500, 500)
    path = tmp_path / "m.zip"
    path.write_bytes(shared + struct.pack("<I", len(entry) * 500) + data[end + 16 :])
    (checkpoint,) = load(path, (ZipReader(),))
    faults = [fault for fault in checkpoint.faults if "members share bytes" in fault.message]
    assert faults
    assert all(fault.kind == "limit" for fault in faults[:1])


def test_an_offset_before_the_beginning_is_damage() -> None:
    view = memoryview(zipped(("a", b"x" * 40)))
    directory = pytorch_directory(view)
    for shift in (-10, -5000):
        archive = Archive(view, directory._replace(shift=shift))
        assert list(audit(archive))


def test_a_record_as_long_as_the_64_bit_end_makes_no_second_directory() -> None:
    """Counted back from the 32-bit record the directory is 76 bytes off, its first entry long.

    A nested archive 76 bytes behind its own header looks like a member there, as PyTorch's
    sample inputs do in some exported programs.
    """
    data = zipped(("n" * 30, b"first"), ("m" * 46, zipped(("inner", b"second"))))
    end = data.rindex(END)
    nbytes, start = struct.unpack_from("<2I", data, end + 12)
    data = wide(data, start, nbytes, end)
    assert data[start + 76 : start + 80] == CENTRAL
    (only,) = readings(memoryview(data))
    assert [member.name for member in only.entries] == [name for name, _ in read_by_zipfile(data)]
