"""Tar archives against Python's tarfile on the same bytes."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modlint_plugins.archives.tar.archive import is_tar, walk
from modlint_plugins.archives.tar.header import BLOCK

LARGEST = 1 << 20
PAYLOAD = b"payload" * 30


def summed(block: bytes) -> bytes:
    """A header with the checksum that it needs."""
    plain = block[:148] + b" " * 8 + block[156:]
    return plain[:148] + f"{sum(plain):06o}\0 ".encode() + plain[156:]


def header(
    name: str, nbytes: int, kind: bytes = b"0", *, size: bytes | None = None, rest: bytes = b""
) -> bytes:
    block = bytearray(BLOCK)
    block[: len(name)] = name.encode()
    block[100:108] = b"0000644\0"
    block[108:124] = b"0000000\0" * 2
    block[124:136] = size or f"{nbytes:011o}\0".encode()
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[257:265] = b"ustar  \0" if kind == b"S" else b"ustar\x0000"
    block[386 : 386 + len(rest)] = rest
    return summed(bytes(block))


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def member(name: str, data: bytes, kind: bytes = b"0") -> bytes:
    return header(name, len(data), kind) + padded(data)


def pax(records: dict[str, str] | list[tuple[str, str]], kind: bytes = b"x") -> bytes:
    """An extended header."""
    body = b""
    for key, value in records.items() if isinstance(records, dict) else records:
        line = f" {key}={value}\n".encode()
        length = len(line) + 1
        while len(str(length)) + len(line) != length:
            length += 1
        body += str(length).encode() + line
    return member("pax", body, kind)


def octal(value: int) -> bytes:
    return f"{value:011o}\0".encode()


_RUNS = [(3, 100), (512, 110)]
_SPARSE_SIZE = 700


def sparse_old(*, extended: bool = False) -> bytes:
    runs = b"".join(octal(start) + octal(nbytes) for start, nbytes in _RUNS)
    rest = runs.ljust(96, b"\0") + bytes([extended]) + octal(_SPARSE_SIZE)
    block = bytearray(BLOCK)
    block[:24] = octal(640) + octal(10)
    more = bytes(block) if extended else b""
    data = PAYLOAD + (b"0123456789" if extended else b"")
    return header("sparse", len(data), b"S", rest=rest) + more + padded(data)


def sparse_pax(version: str, **more: str) -> bytes:
    numbers = [str(number) for run in _RUNS for number in run]
    match version:
        case "0.0":
            records = [("GNU.sparse.size", str(_SPARSE_SIZE)), ("GNU.sparse.numblocks", "2")]
            for start, nbytes in _RUNS:
                records += [
                    ("GNU.sparse.offset", str(start)), ("GNU.sparse.numbytes", str(nbytes))
                ]  # fmt: skip
            data = PAYLOAD
        case "0.1":
            records = [
                ("GNU.sparse.size", str(_SPARSE_SIZE)),
                ("GNU.sparse.map", ",".join(numbers)),
            ]
            data = PAYLOAD
        case _:
            records = [
                ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"),
                ("GNU.sparse.name", "sparse"), ("GNU.sparse.realsize", str(_SPARSE_SIZE)),
            ]  # fmt: skip
            data = padded("\n".join(["2", *numbers, ""]).encode()) + PAYLOAD
    return pax([*records, *more.items()]) + member("ignored", data)


PARTS = {
    "plain": member("plain", PAYLOAD),
    "old": member("old", b"content", b"\0"),
    "folder": header("folder/", 0, b"5"),
    "folder with a size": header("folder/", 600, b"\0"),
    "link": header("link", 0, b"2"),
    "hard link": header("hard", 0, b"1"),
    "contiguous": member("contiguous", b"content", b"7"),
    "unknown type": member("unknown", PAYLOAD, b"Z"),
    "long name": member("long", b"x" * 300 + b"\0", b"L") + member("short", PAYLOAD),
    "base 256": header("wide", 0, size=b"\x80" + (210).to_bytes(11, "big")) + padded(PAYLOAD),
    "blanks in octal": header("blank", 0, size=b" 0_322 \0    ") + padded(PAYLOAD),
    "old sparse": sparse_old(),
    "old sparse, extended": sparse_old(extended=True),
    "sparse 0.0": sparse_pax("0.0"),
    "sparse 0.1": sparse_pax("0.1"),
    "sparse 1.0": sparse_pax("1.0"),
    "sparse 1.0 with a size": sparse_pax("1.0", size="999"),
    "size with an underscore": pax({"size": "2_10"}) + member("u", PAYLOAD[:3]),
    "size with a sign and blanks": pax({"size": " +210 "}) + member("s", PAYLOAD),
    "size that is no number": pax({"size": "many"}) + member("n", PAYLOAD),
    "two pax headers": pax({"size": "7"}) + pax({"size": "210"}) + member("two", PAYLOAD),
    "path": pax({"path": "a/b"}) + member("p", PAYLOAD),
    "global size": pax({"size": "100"}, b"g") + member("global", PAYLOAD),
    "global path": pax({"path": "everywhere", "comment": "x"}, b"g"),
    "Solaris": pax({"path": "solaris"}, b"X") + member("x", PAYLOAD),
    "zeros": bytes(BLOCK),
    "junk": b"\xff" * BLOCK,
}


def read_by_tarfile(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What tarfile makes of the bytes, up to where it raises."""
    try:
        archive = tarfile.open(  # noqa: SIM115
            fileobj=io.BytesIO(data), mode="r:", encoding="utf-8", errors="backslashreplace"
        )
    except Exception:
        return
    while True:
        try:
            info = archive.next()
        except Exception:
            return
        if info is None:
            return
        if info.isfile() and info.size <= LARGEST and _ends(info):
            try:
                file = archive.extractfile(info)
                yield info.name, file.read() if file is not None else b""
            except Exception:
                continue


def _ends(info: tarfile.TarInfo) -> bool:
    """Whether tarfile comes to an end: a map that goes backwards can send it in circles."""
    runs = [run for run in getattr(info, "sparse", None) or [] if run[1]]
    ends = [0, *(start + nbytes for start, nbytes in runs)]
    return all(0 <= end <= start for end, (start, _) in zip(ends, runs, strict=False))


def contents(data: bytes) -> set[tuple[str, bytes]]:
    tar = walk(memoryview(data))
    return {
        (entry.name, bytes(entry.content(memoryview(data), LARGEST).view))
        for entry in tar.entries
        if entry.regular
    }


@pytest.mark.parametrize("part", PARTS)
def test_each_kind_of_member(part: str) -> None:
    data = PARTS[part] + member("last", b"last") + bytes(2 * BLOCK)
    theirs = list(read_by_tarfile(data))
    assert {content for _, content in theirs} <= {content for _, content in contents(data)}
    assert set(theirs) <= contents(data)


def test_what_the_sparse_members_hold() -> None:
    """The cases are what they claim to be: tarfile finds the payload, with zeros between."""
    for part in ("old sparse", "sparse 0.0", "sparse 0.1", "sparse 1.0"):
        ((_, content),) = list(read_by_tarfile(PARTS[part] + bytes(1024)))
        assert content[3:103] + content[512:622] == PAYLOAD, part
        assert len(content) == _SPARSE_SIZE


@given(
    st.lists(st.sampled_from(list(PARTS)), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
    st.integers(0, 4),
)
def test_whatever_tarfile_reads_is_read(
    parts: list[str], chance: random.Random, changes: int
) -> None:
    data = bytearray(b"".join(PARTS[part] for part in parts) + bytes(2 * BLOCK))
    for _ in range(changes):
        at = chance.randrange(len(data))
        data[at] = chance.choice(b"\0 0123459+-_=\n\x80\xff")
        block = at // BLOCK * BLOCK
        if data[block + 257 : block + 262] == b"ustar":
            data[block : block + BLOCK] = summed(bytes(data[block : block + BLOCK]))
    found = contents(bytes(data))
    disputed = any(entry.disputed for entry in walk(memoryview(bytes(data))).entries)
    for name, content in read_by_tarfile(bytes(data)):
        assert (name, content) in found or disputed


@pytest.mark.parametrize("between", ["zeros", "junk"])
def test_what_python_stops_before_is_read_too(between: str) -> None:
    data = member("a", b"first") + PARTS[between] * 3 + member("b", PAYLOAD)
    assert [name for name, _ in read_by_tarfile(data)] == ["a"]

    tar = walk(memoryview(data))

    assert [entry.name for entry in tar.entries] == ["a", "b"]
    assert tar.last == 2 * BLOCK
    assert bool(tar.problems) == (between == "junk")
    assert tar.gaps == ([(2 * BLOCK, 5 * BLOCK)] if between == "junk" else [])


def test_a_truncated_member_is_given_as_far_as_it_goes() -> None:
    data = header("big", 10**9) + PAYLOAD

    (entry,) = walk(memoryview(data)).entries
    content = entry.content(memoryview(data))

    assert bytes(content.view) == PAYLOAD
    assert content.problem == "is truncated"


def test_members_behind_a_lying_size_are_found() -> None:
    data = header("big", 10**9) + member("hidden", PAYLOAD)
    assert "hidden" in {entry.name for entry in walk(memoryview(data)).entries}


def test_a_sparse_member_ends_at_the_limit() -> None:
    big = pax({"GNU.sparse.size": str(10**12), "GNU.sparse.map": "0,210"})
    data = big + member("x", PAYLOAD) + bytes(1024)

    (entry,) = walk(memoryview(data)).entries

    assert entry.content(memoryview(data)).problem == (
        "is sparse, of more than 1,073,741,824 bytes, the limit"
    )


def test_runs_that_overlap_are_told() -> None:
    data = pax({"GNU.sparse.size": "210", "GNU.sparse.map": "0,100,50,100"})
    data += member("x", PAYLOAD) + bytes(1024)

    (entry,) = walk(memoryview(data)).entries

    assert (
        entry.content(memoryview(data)).problem == "has a sparse map that readers take differently"
    )


def test_the_first_member_may_have_no_name() -> None:
    data = header("", 0).replace(b"ustar\x0000", bytes(8))
    data = summed(data) + member("evil", PAYLOAD)
    assert [name for name, _ in read_by_tarfile(data)] == ["", "evil"]
    assert is_tar(memoryview(data))


def test_text_is_no_tar() -> None:
    assert not is_tar(memoryview(b"0" * 1024))
    assert not is_tar(memoryview(b"ust"))
