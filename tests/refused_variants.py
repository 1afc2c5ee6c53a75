"""Variants of what torch.save writes: some of them torch loads, others it refuses."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable, Iterator

import torch
from safetensors.torch import save

Members = dict[str, bytes]
Change = Callable[[Members], Members]

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_ENTRY = 46
"""Bytes of an entry of a zip's central directory, before the member's name."""
_FLAGS, _DISK, _ATTRIBUTES, _OFFSET = 8, 34, 38, 42


def written(zipped: bool = True) -> bytes:
    """A small state_dict as torch.save writes it."""
    stream = io.BytesIO()
    state = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2)}
    torch.save(state, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def members(content: bytes | None = None) -> Members:
    """The members of its archive, or of another."""
    with zipfile.ZipFile(io.BytesIO(content or written())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(content: Members, compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of the members, in their order."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return stream.getvalue()


def named(change: Callable[[str], str]) -> bytes:
    """The archive with other names."""
    return zipped({change(name): data for name, data in members().items()})


def having(name: str, data: bytes) -> bytes:
    """The archive with other data in one member, or with one more."""
    return zipped(members() | {f"archive/{name}": data})


def without(name: str) -> bytes:
    """The archive without a member."""
    return zipped({n: data for n, data in members().items() if n != f"archive/{name}"})


def pickled(change: Callable[[bytes], bytes]) -> bytes:
    """The archive with another pickle."""
    return having("data.pkl", change(members()["archive/data.pkl"]))


def sparse(change: Callable[[bytes], bytes]) -> bytes:
    """The archive of a sparse tensor with another pickle."""
    stream = io.BytesIO()
    torch.save({"s": torch.eye(3).to_sparse()}, stream)
    content = members(stream.getvalue())
    return zipped(content | {"archive/data.pkl": change(content["archive/data.pkl"])})


def legacy(change: Callable[[bytes], bytes]) -> bytes:
    """The old format with other bytes."""
    return change(written(zipped=False))


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Puts some bytes in the place of others that are there once or more."""

    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new)

    return change


def ops(value: object) -> bytes:
    """The pickle of a number, without PROTO and STOP."""
    return pickle.dumps(value, 2)[2:-1]


def variants() -> Iterator[tuple[str, bytes]]:
    """Names of files, and their content."""
    yield from _names()
    yield from _contents()
    yield from _pickles()
    yield from _plain_pickles()
    yield from _whole_files()


def _names() -> Iterator[tuple[str, bytes]]:
    yield "no_folder.pt", named(lambda name: name.partition("/")[2])
    yield "deeper_folder.pt", named(lambda name: f"deep/{name}")
    yield "other_folder.pt", named(lambda name: name.replace("archive", "a.b c"))
    yield "two_folders.pt", named(lambda name: name.replace("archive/data/0", "other/data/0"))
    yield "backslashes.pt", named(lambda name: name.replace("/", "\\"))
    yield "capital_pickle.pt", named(lambda name: name.replace("data.pkl", "DATA.PKL"))
    yield "capital_storages.pt", named(lambda name: name.replace("data/", "Data/"))
    yield "capital_version.pt", named(lambda name: name.replace("version", "VERSION"))
    yield "capital_byteorder.pt", named(lambda name: name.replace("byteorder", "ByteOrder"))
    yield "capitals.pt", named(str.upper)
    yield "capital_folder.pt", named(lambda name: name.replace("archive/data/0", "ARCHIVE/data/0"))
    yield "both_cases.pt", having("DATA.PKL", members()["archive/data.pkl"])
    yield "one_more.pt", having("extra/note.txt", b"a note")


def _contents() -> Iterator[tuple[str, bytes]]:
    storage = members()["archive/data/0"]
    yield "short_storage.pt", having("data/0", storage[:-4])
    yield "long_storage.pt", having("data/0", storage + b"abcd")
    yield "empty_storage.pt", having("data/0", b"")
    yield "no_storage.pt", without("data/0")
    yield "no_pickle.pt", without("data.pkl")
    yield "no_version.pt", without("version")
    yield "no_byteorder.pt", without("byteorder")
    yield "no_format_version.pt", without(".format_version")
    yield "no_id.pt", without(".data/serialization_id")
    for number, text in enumerate((b"99\n", b"0\n", b"1\n", b"10\n", b"11\n", b"abc\n", b"")):
        yield f"version_{number}.pt", having("version", text)
    for number, text in enumerate((b"big", b"middle", b"BIG", b"little\n", b"")):
        yield f"byteorder_{number}.pt", having("byteorder", text)
    yield "format_version.pt", having(".format_version", b"99")
    yield "alignment.pt", having(".storage_alignment", b"abc")


def _pickles() -> Iterator[tuple[str, bytes]]:
    yield "empty_pickle.pt", pickled(lambda _: b"")
    yield "cut_pickle.pt", pickled(lambda data: data[:-5])
    yield "tail_of_pickle.pt", pickled(lambda data: data + b"tail")
    yield "unknown_storage.pt", pickled(replaced(b"FloatStorage", b"FloutStorage"))
    yield "other_device.pt", pickled(replaced(b"\x03\x00\x00\x00cpu", b"\x04\x00\x00\x00cuda"))
    yield "unknown_device.pt", pickled(replaced(b"\x03\x00\x00\x00cpu", b"\x03\x00\x00\x00xyz"))
    yield "other_tag.pt", pickled(replaced(b"storage", b"Storage"))
    yield "too_large.pt", pickled(replaced(b"K\x02K\x03\x86", b"K\x02K\x09\x86"))
    yield "too_far.pt", pickled(replaced(b"K\x03K\x01\x86", b"K\x09K\x01\x86"))
    yield "negative_size.pt", pickled(replaced(b"K\x02K\x03\x86", b"J\xfe\xff\xff\xffK\x03\x86"))
    yield "negative_stride.pt", pickled(replaced(b"K\x03K\x01\x86", b"J\xff\xff\xff\xffK\x01\x86"))
    yield "fewer_strides.pt", pickled(replaced(b"K\x03K\x01\x86", b"K\x01\x85"))
    yield "size_of_text.pt", pickled(replaced(b"K\x02K\x03\x86", b"X\x01\x00\x00\x00aK\x03\x86"))
    yield "missing_memo.pt", pickled(lambda data: data[:-2] + b"h\xf0" + data[-2:])
    yield "popped_too_far.pt", pickled(lambda data: data[:-1] + b"000.")
    yield "two_values.pt", pickled(lambda data: data[:-1] + b"K\x01.")
    yield "fewer_arguments.pt", pickled(replaced(b"\x89ccoll", b"ccoll"))
    yield "more_arguments.pt", pickled(replaced(b"\x89ccoll", b"\x89\x89\x89ccoll"))
    yield "called_truth.pt", pickled(lambda data: data[:-1] + b"\x88)R0.")
    yield "short_id.pt", pickled(lambda data: data[:-1] + b"X\x07\x00\x00\x00storage\x85Q0.")
    yield "empty_id.pt", pickled(lambda data: data[:-1] + b")Q0.")
    yield "key_twice.pt", pickled(lambda data: data[:-1] + b"X\x01\x00\x00\x00wK\x01s.")
    yield "sparse.pt", sparse(lambda data: data)
    yield "other_layout.pt", sparse(replaced(b"torch.sparse_coo", b"torch.sparse_foo"))
    yield "protocol_9.pt", pickled(lambda data: b"\x80\x09" + data[2:])


def directory(member: str, field: int, value: bytes) -> bytes:
    """The archive with another value in a member's entry of the central directory."""
    content = bytearray(zipped(members()))
    name = f"archive/{member}".encode()
    entry = content.rindex(name) - _ENTRY
    assert content[entry : entry + 4] == b"PK\x01\x02"
    content[entry + field : entry + field + len(value)] = value
    return bytes(content)


def marked_as_folder(member: str) -> bytes:
    """The archive with a member that has bytes and that its attributes call a folder.

    torch takes it for one, extracts nothing, and hands out whatever was in memory.
    """
    return directory(member, _ATTRIBUTES, b"\x10")


def _plain_pickles() -> Iterator[tuple[str, bytes]]:
    yield "set_in_itself.pkl", b"\x80\x04\x8f\x94(h\x00\x90."
    yield "set_of_lists.pkl", b"\x80\x04\x8f(]\x90."
    yield "list_in_itself.pkl", b"\x80\x02]q\x00h\x00a."
    yield "key_of_lists.pkl", b"\x80\x02}]K\x01s."
    yield "key_of_tuples_of_lists.pkl", b"\x80\x02}]\x85K\x01s."
    yield "frozen_set_of_dicts.pkl", b"\x80\x04(}\x91."
    yield "append_to_a_dict.pkl", b"\x80\x02}K\x01a."
    yield "append_to_a_tuple.pkl", b"\x80\x02)K\x01a."
    yield "item_of_a_list.pkl", b"\x80\x02]K\x01K\x02s."
    yield "odd_items.pkl", b"\x80\x02}(K\x01u."
    yield "added_to_a_list.pkl", b"\x80\x04](K\x01\x90."
    yield "state_of_a_number.pkl", b"\x80\x02K\x01}b."
    yield "called_number.pkl", b"\x80\x02K\x01)R."
    yield "instance_of_a_number.pkl", b"\x80\x02K\x01)\x81."
    yield "unmarked.pkl", b"\x80\x02K\x01t."
    yield "nothing.pkl", b"\x80\x02."
    yield "no_stop.pkl", b"\x80\x02K\x01"
    yield "bad_text.pkl", b"\x80\x02X\x01\x00\x00\x00\xff."
    yield "bad_escape.pkl", b"V\\u12\n."
    yield "bad_integer.pkl", b"Ix1\n."
    yield "bad_float.pkl", b"Fx1\n."
    yield "bad_string.pkl", b"Sabc\n."
    yield "long_text.pkl", b"\x80\x04\x8d\xff\x00\x00\x00\x00\x00\x00\x00abc."
    yield "unknown_opcode.pkl", b"\x80\x02K\x01\xff."
    yield "id_without_a_loader.pkl", b"\x80\x02K\x01Q."
    yield "extension.pkl", b"\x80\x02\x82\x01."
    yield "number_as_module.pkl", b"\x80\x04K\x01\x8c\x01a\x93."


def _whole_files() -> Iterator[tuple[str, bytes]]:
    yield "healthy.pt", written()
    yield "compressed.pt", zipped(members(), zipfile.ZIP_DEFLATED)
    yield "bzip2.pt", zipped(members(), zipfile.ZIP_BZIP2)
    yield "cut.pt", written()[:-30]
    yield "half.pt", written()[:800]
    yield "zeros_behind.pt", written() + bytes(100)
    yield "other_disk.pt", directory("data/0", _DISK, b"\x01")
    yield "encrypted.pt", directory("data/0", _FLAGS, b"\x01")
    yield "other_offset.pt", directory("data/0", _OFFSET, b"\xff\xff")
    yield "text_before.pt", b"some text" + written()
    yield "zip.safetensors", written()
    yield "legacy.safetensors", written(zipped=False)
    yield "healthy.safetensors", save({"w": torch.ones(3)})
    yield "tensors.pt", save({"w": torch.ones(3)}, {"format": "pt"})
    yield "legacy_cut.pt", legacy(lambda data: data[:-10])
    yield "legacy_half.pt", legacy(lambda data: data[:200])
    yield "legacy_tail.pt", legacy(lambda data: data + bytes(100))
    yield "legacy_magic.pt", legacy(replaced(ops(_MAGIC), ops(_MAGIC + 1)))
    yield "legacy_protocol.pt", legacy(replaced(ops(_PROTOCOL), ops(_PROTOCOL + 1)))
    yield "legacy_big.pt", legacy(replaced(b"\x88X\n\x00\x00\x00type", b"\x89X\n\x00\x00\x00type"))
    yield "legacy_length.pt", legacy(replaced((6).to_bytes(8, "little"), (5).to_bytes(8, "little")))
