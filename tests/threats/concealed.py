"""Where a payload, or the trick that hides it, could be overlooked: places that no loader reads."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path

from threats.build import (
    RUN,
    Entry,
    Finding,
    Threat,
    Torch,
    Zip,
    alone,
    central_record,
    end_record,
    local_header,
    runs,
    safetensors,
    tar_entry,
    text,
    zip_archive,
    zipped,
)

_HEADED = b"\x80\x02" + RUN
_ELF = b"\x7fELF\x02\x01\x01" + bytes(200)
_NOTHING = b"\0\0\0\xff\xff"
"""A deflate block that gives nothing."""


def _in_member(name: str) -> Threat:
    entries = [*Torch().entries(), Entry(name, RUN)]
    return Threat(
        12, f"protocol 0 in {name}", zipped("m.pt", zip_archive(entries), runs(name, RUN))
    )


def _flood() -> bytes:
    """Three hundred harmless oddities of one kind before the one that counts."""
    odd = [Entry(f"model/extra/{n}", b"abcd", local_name=f"model/extra/{n}x") for n in range(300)]
    return zip_archive([*Torch().entries(), *odd]).content + _ELF


def _commented() -> Zip:
    """A payload in the archive's comment, which no reader takes for a member."""
    whole = zip_archive(Torch().entries())
    content = whole.content[:-2] + struct.pack("<H", len(_HEADED)) + _HEADED
    return Zip(content, whole.headers, whole.records, whole.directory, whole.end)


def _gzip() -> bytes:
    """A clean archive, compressed, with a payload in the header's extra field."""
    plain = gzip.compress(zip_archive(Torch().entries()).content, mtime=0)
    extra = struct.pack("<H", len(_HEADED)) + _HEADED
    return plain[:3] + bytes([plain[3] | 4]) + plain[4:10] + extra + plain[10:]


def _barren(count: int) -> Zip:
    """Entries that share one stream which takes long and gives nothing."""
    stream = _NOTHING * 200_000
    entry = Entry("model/extra/x", b"a", deflate=True, raw=stream)
    clean = Torch().entries()
    whole = zip_archive([*clean, entry])
    records = b"".join(map(central_record, clean, whole.headers))
    records += central_record(entry, whole.headers[-1]) * count
    end = end_record(len(clean) + count, whole.directory, len(records))
    content = whole.content[: whole.directory] + records + end
    return Zip(content, whole.headers, whole.records, whole.directory, len(content) - len(end))


def _views(count: int, elements: int) -> bytes:
    """A state_dict of tensors of stride 0: each repeats one storage of four numbers."""
    storage = text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x04"
    one = (
        b"ctorch._utils\n_rebuild_tensor_v2\n((" + storage + b"tQK\x00J"
        + struct.pack("<i", elements) + b"\x85K\x00\x85\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip
    return b"\x80\x02}(" + b"".join(text(f"w{n}") + one for n in range(count)) + b"u."


def _crowd(count: int) -> bytes:
    names = json.dumps({f"w{n}": _EMPTY for n in range(100_000)}).encode()
    return _repeated(".safetensors", safetensors(names), count)


_EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}


def _opcodes(count: int) -> bytes:
    return _repeated(".pkl", b"\x80\x02" + b"N0" * 500_000 + b"N.", count)


def _repeated(suffix: str, content: bytes, count: int) -> bytes:
    """An archive whose directory lists one member under many names."""
    body = local_header(Entry(f"0{suffix}", content)) + content
    entries = [Entry(f"{n}{suffix}", content) for n in range(count)]
    records = b"".join(central_record(entry, 0) for entry in entries)
    return body + records + end_record(count, len(body), len(records))


def _pax(size: str) -> bytes:
    """A tar whose extended header states a size that is no number."""
    entry = f" size={size}\n".encode()
    record = next(f"{n}".encode() + entry for n in range(9999) if n == len(f"{n}") + len(entry))
    return tar_entry(b"x", record, kind=b"x") + tar_entry(b"a.pkl", b"\x80\x02}.") + bytes(1024)


def _index(
    shard: str, prepare: Callable[[Path], None]
) -> Callable[..., tuple[Path, tuple[Finding]]]:
    def write(folder: Path) -> tuple[Path, tuple[Finding]]:
        prepare(folder)
        path = folder / "model.safetensors.index.json"
        path.write_text(json.dumps({"weight_map": {"w": shard}}))
        return path, (Finding("FMT003", "error", shard, None, "is missing"),)

    return write


_DEEP = b"\x80\x02})" + b"\x85" * 100_000 + b"Ns."
_MASKED, _MASKED_BASE = (
    b"\x80\x02cnumpy.ma.core\n_mareconstruct\n(" + classes + b"K\x00\x85" + text("f") + b"tR."
    for classes in (b"cevil\nArray\ncnumpy\nndarray\n", b"cnumpy\nndarray\ncevil\nArray\n")
)
_TWO = [Entry("b/version", b"3\n"), *Torch().entries(), Entry("b/data.pkl", b"\x80\x02}.")]
_TAR = tar_entry(b"a.pkl", b"\x80\x02}.") + bytes(1024)

THREATS = (
    _in_member("model/extra/notes.txt"),
    _in_member("model/code/__torch__.py"),
    _in_member("model/.data/serialization_id"),
    Threat(
        3,
        "a program behind an archive of three hundred other names",
        alone("m.pt", _flood(), Finding("SEC002", "error", None, len(_flood()) - len(_ELF), "ELF")),
    ),
    Threat(
        14,
        "two folders with a data.pkl, of which PyTorch takes that of the first member",
        zipped(
            "m.pt", zip_archive(_TWO), Finding("SEC006", "error", None, None, "PyTorch reads 'b/'")
        ),
    ),
    Threat(
        9,
        "a pickle in the archive's comment",
        zipped(
            "m.pt",
            _commented(),
            Finding("SEC002", "warning", None, _commented().end + 22, "comment"),
        ),
    ),
    Threat(
        7,
        "a pickle in the header of a gzip stream",
        alone("m.pt.gz", _gzip(), Finding("SEC002", "warning", None, 12, "gzip header")),
    ),
    Threat(
        23,
        "a key of a hundred thousand nested tuples, whose hash overflows the stack",
        alone("m.pkl", _DEEP, Finding("FMT001", "error", None, len(_DEEP) - 2, "1,000 deep")),
    ),
    Threat(
        15,
        "a memo index of four billion, for which C takes as many entries",
        alone(
            "m.pkl", b"\x80\x02Nr" + b"\xff" * 4 + b".", Finding("FMT001", "error", None, 3, "memo")
        ),
    ),
    Threat(
        21,
        "a class that NumPy instantiates with what the file gives it",
        alone("m.pkl", _MASKED, Finding("SEC001", "error", None, None, "evil.Array")),
    ),
    Threat(
        21,
        "a class that NumPy takes for the base of a masked array",
        alone("m.pkl", _MASKED_BASE, Finding("SEC001", "error", None, None, "evil.Array")),
    ),
    Threat(
        14,
        "a pickle behind the end of a tar archive",
        alone(
            "m.tar", _TAR + _HEADED, Finding("SEC001", "error", "trailing bytes", len(_HEADED) - 2)
        ),
    ),
    Threat(
        14,
        "a program behind the end of a tar archive",
        alone("m.tar", _TAR + _ELF, Finding("SEC002", "error", None, len(_TAR), "ELF")),
    ),
    Threat(
        10,
        "members that inflate to nothing, out of the same bytes",
        zipped(
            "m.pt",
            _barren(1000),
            Finding("FMT001", "error", "model/extra/x", None, "gives nothing"),
        ),
    ),
    Threat(
        23,
        "tensors that repeat one storage of sixteen bytes",
        zipped(
            "m.pt",
            zip_archive(Torch(pickle=_views(8, 100_000_000)).entries()),
            Finding("FMT001", "error", None, None, "view 3,200,000,000 bytes"),
        ),
    ),
    Threat(
        10,
        "four names for one file of a hundred thousand tensors",
        alone("m.zip", _crowd(4), Finding("FMT001", "error", None, None, "250,000 tensors")),
    ),
    Threat(
        23,
        "ten pickles of a million opcodes, in one place",
        alone(
            "m.zip", _opcodes(10), Finding("SEC001", "error", "4.pkl", None, "5,000,000 opcodes")
        ),
    ),
    *(
        Threat(
            10,
            f"a tar header with a size of {what}",
            alone("m.tar", _pax(size), Finding("FMT001", "error", None, None, "a number or")),
        )
        for what, size in (("a raised two", "²" * 40), ("five thousand digits", "9" * 5000))
    ),
    *(
        Threat(30, f"an index that names {what}", _index(shard, prepare))
        for what, shard, prepare in (
            ("a file of five thousand letters", "x" * 5000, lambda folder: None),
            ("half a character", "\ud800", lambda folder: None),
            (
                "a file behind a loop of links",
                "loop/x",
                lambda folder: (folder / "loop").symlink_to("loop"),
            ),
        )
    ),
)
