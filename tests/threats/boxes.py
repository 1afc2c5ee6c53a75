"""Containers by hand that more than one threat needs: NumPy, tar, GGUF, archives of frameworks."""

from __future__ import annotations

import io
import json
import struct
import tarfile
from collections.abc import Mapping

from threats.build import MAGIC, STATE, Entry, Torch, tar_entry, text, zip_archive

HEALTHY = zip_archive(Torch().entries()).content
"""A PyTorch archive of one tensor."""


def npy(header: str | bytes, content: bytes, version: int = 1) -> bytes:
    """An .npy file with a header of these characters, padded as NumPy pads it."""
    raw = header.encode("latin-1") if isinstance(header, str) else header
    width = 2 if version == 1 else 4
    raw += b" " * (-(8 + width + len(raw) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(raw).to_bytes(width, "little") + raw + content


def npy_header(descr: str = "'|O'", shape: str = "(1,)", order: str = "False") -> str:
    """A header's dictionary, each value as it is spelled."""
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def torch_archive(pickle: bytes = STATE, *more: Entry, folder: str = "archive") -> bytes:
    """A PyTorch archive in a folder of its own."""
    entries = [
        Entry(entry.name.replace("model/", f"{folder}/", 1), entry.data)
        for entry in Torch(pickle=pickle).entries()
    ]
    return zip_archive([*entries, *more]).content


def stacked(pickles: Mapping[int, bytes]) -> bytes:
    """A file of PyTorch before 1.6, with opcodes put before the content of some of its five."""
    return b"".join(
        pickle[:2] + pickles.get(index, b"") + pickle[2:] for index, pickle in enumerate(_FIVE)
    )


_FIVE = (
    MAGIC,
    b"\x80\x02M\xe9\x03.",
    b"\x80\x02}" + text("little_endian") + b"\x88s.",
    b"\x80\x02}.",
    b"\x80\x02].",
)
"""The magic number, the protocol, the system, the object, the storages' keys."""


def tar_of(*members: tuple[str, bytes]) -> bytes:
    """A tar archive of ordinary members."""
    return b"".join(tar_entry(name.encode(), data) for name, data in members) + bytes(1024)


def pax(entries: Mapping[str, str]) -> bytes:
    """An extended header of tar: each record states its own length."""
    content = b""
    for key, value in entries.items():
        line = f" {key}={value}\n".encode()
        size = next(n for n in range(len(line), 9999) if n == len(str(n)) + len(line))
        content += str(size).encode() + line
    return tar_entry(b"PaxHeader", content, kind=b"x")


def sparse_tar(name: str, data: bytes) -> bytes:
    """A member as GNU tar's sparse format 1.0 stores it: a map of its pieces comes first."""
    piece_map = f"1\n0\n{len(data)}\n".encode().ljust(512, b"\0")
    head = pax(
        {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": name,
            "GNU.sparse.realsize": str(len(data)),
        }
    )
    return head + tar_entry(b"GNUSparseFile.0/x", piece_map + data) + bytes(1024)


def base_256(size: int) -> bytes:
    """A tar number of more than eight octal digits, as GNU writes it."""
    return b"\x80" + size.to_bytes(11, "big")


def with_size(entry: bytes, spelled: bytes) -> bytes:
    """A tar member whose size is spelled so, with the checksum that follows."""
    head = bytearray(entry[:512])
    head[124:136] = spelled.ljust(12, b"\0")
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    return bytes(head) + entry[512:]


def gzipped_tar(name: str, data: bytes, mode: str = "w:gz") -> bytes:
    """A compressed tar archive of one member, by the standard library."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def gguf(key: str, value: str) -> bytes:
    """A GGUF file without tensors and with one text in its header (version 3)."""
    one, two = key.encode(), value.encode()
    return (
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", len(one)) + one
        + struct.pack("<IQ", 8, len(two)) + two
    )  # fmt: skip


def keras(config: object, *more: Entry) -> bytes:
    """A Keras 3 archive with this architecture and no weights."""
    return zip_archive(
        [
            Entry("metadata.json", json.dumps({"keras_version": "3.5.0"}).encode()),
            Entry("config.json", json.dumps(config).encode()),
            *more,
        ]
    ).content


LAMBDA = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {
        "layers": [
            {
                "class_name": "Lambda",
                "config": {
                    "function": {
                        "class_name": "__lambda__",
                        "config": {"code": "4wEAAAA=", "defaults": None, "closure": None},
                    }
                },
            }
        ]
    },
}
"""A model of one Lambda layer; its code is the first five bytes of a marshalled one."""


def program(*more: Entry, name: str = "m") -> bytes:
    """An archive of torch.export since PyTorch 2.7, without a graph."""
    return zip_archive(
        [
            Entry(f"{name}/archive_format", b"pt2"),
            Entry(f"{name}/archive_version", b"0"),
            Entry(f"{name}/byteorder", b"little"),
            Entry(f"{name}/.data/version", b"3\n"),
            *(Entry(f"{name}/{entry.name}", entry.data) for entry in more),
        ]
    ).content


def weights(path: str, *, pickled: bool) -> bytes:
    """A table of tensors of a .pt2, with one entry."""
    meta = {
        "dtype": 7,
        "sizes": [{"as_int": 4}],
        "requires_grad": False,
        "device": {"type": "cpu", "index": None},
        "strides": [{"as_int": 1}],
        "storage_offset": {"as_int": 0},
        "layout": 7,
    }
    entry = {"path_name": path, "is_param": True, "use_pickle": pickled, "tensor_meta": meta}
    return json.dumps({"config": {"w": entry}}).encode()
