"""Archives, told by the names of their members."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

from modlint.checkpoint import CHECKPOINT_EXTENSIONS
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.readers.recognised_format import Format
from modlint_plugins.readers.recognised_magic import NPY_HEADER, OBJECTS_HELP, holds_objects
from modlint_plugins.readers.zip_archive import LOCAL_MAGIC, Archive, Member

_LOADED = (*CHECKPOINT_EXTENSIONS, ".pkl", ".pickle")
_EMPTY_ZIP = b"PK\x05\x06"
_EXPORT = "check the model as safetensors, as a PyTorch state_dict or as ONNX"
_UNPACK = "unpack it and check what is inside"
_EXPORTED = Format(
    "exported-program",
    "a program that torch.export saved (.pt2)",
    "save the module's state_dict, or export it to ONNX, and check that",
    holds_weights=True,
)
_OLD_TORCHSCRIPT = Format(
    "torchscript-json",
    "a TorchScript archive as PyTorch 1.0 to 1.3 wrote it (model.json)",
    "load it with torch.jit.load and save it again",
    holds_weights=True,
)
_DISTRIBUTED = Format(
    "distcp",
    "a part of a distributed checkpoint (several PyTorch archives, one behind the other)",
    "join the parts with torch.distributed.checkpoint.format_utils.dcp_to_torch_save",
    holds_weights=True,
)
_KERAS = Format("keras", "a Keras 3 archive", _EXPORT, holds_weights=True)
_TORCH_TAR = Format(
    "torch-tar",
    "a tar archive as torch.save wrote before PyTorch 0.1.10",
    "if you trust its source, load it with torch.load(…, weights_only=False) and save the "
    "state_dict again",
    holds_weights=True,
)
_TAR = Format("tar", "a tar archive", _UNPACK)
_ZIP = Format("zip", "a zip archive", _UNPACK)
_DAMAGED_ZIP = Format(
    "zip", "a zip archive that is cut off or damaged", "save or download it again"
)
_NPZ = Format(
    "npz", "a zip of NumPy arrays (.npz)", "check a checkpoint of PyTorch, safetensors or ONNX"
)
_NPZ_OBJECTS = Format(
    "npz",
    "a zip of NumPy arrays, some of pickled Python objects (loading them can run code)",
    OBJECTS_HELP,
    holds_weights=True,
)


def classify_zip(source: Source) -> Format | None:
    """What a zip archive holds, by the names in its directory."""
    if bytes(source.view[:4]) not in (LOCAL_MAGIC, _EMPTY_ZIP):
        return None
    if _is_concatenated(source):
        return _DISTRIBUTED
    try:
        archive = Archive(source.view)
    except UnreadableError:
        return _DAMAGED_ZIP
    names = [member.name for member in archive.entries]
    return _exported(names) or _bundle(names) or _arrays(archive) or _ZIP


def _is_concatenated(source: Source) -> bool:
    """Whether other archives stand before the last one, so that its directory lies further on.

    PyTorch writes 76 bytes of zip64 end records between a directory and its end record.
    """
    tail = bytes(source.view[-(65_535 + 22) :])
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < 22:
        return False
    size, offset = struct.unpack_from("<II", tail, end + 12)
    found = source.nbytes - len(tail) + end - size
    directories = (bytes(source.view[max(at, 0) :][:4]) for at in (found - 76, found))
    return found - 76 > offset and b"PK\x01\x02" in directories


def classify_tar(source: Source) -> Format | None:
    """What a tar archive holds, by the names of its members."""
    if bytes(source.view[257:262]) != b"ustar":
        return None
    names = {name.removeprefix("./") for name in islice(_tar_names(source), 100)}
    return _TORCH_TAR if {"pickle", "storages"} <= names else _TAR


def _exported(names: list[str]) -> Format | None:
    """What PyTorch and Keras write as one model."""
    leaves = {name.rpartition("/")[2] for name in names}
    if "archive_format" in leaves or "serialized_exported_program.json" in leaves:
        return _EXPORTED
    if "model.weights.h5" in leaves:
        return _KERAS
    nested = {name.partition("/")[2] for name in names}
    return _OLD_TORCHSCRIPT if "model.json" in nested else None


def _bundle(names: list[str]) -> Format | None:
    """Archives that carry checkpoints as their members."""
    inner = [name for name in names if name.lower().endswith(_LOADED)]
    if not inner:
        return None
    listed = ", ".join(inner[:3]) + (f" and {len(inner) - 3} more" if len(inner) > 3 else "")
    help_ = f"unzip it and check {listed}"
    if "_stable_baselines3_version" in names or {"data", "policy.pth"} <= set(names):
        what = "a Stable-Baselines3 archive"
        return Format("stable-baselines3", what, help_, holds_weights=True)
    if "MAR-INF/MANIFEST.json" in names:
        return Format("torch-model-archive", "a TorchServe archive (.mar)", help_, True)
    return Format(
        "zip", f"a zip archive of checkpoints or pickles ({listed})", help_, holds_weights=True
    )


def _arrays(archive: Archive) -> Format | None:
    """What numpy.savez wrote; arrays of objects are pickles."""
    if not archive.entries or not all(m.name.endswith(".npy") for m in archive.entries):
        return None
    return _NPZ_OBJECTS if any(_holds_objects(archive, m) for m in archive.entries) else _NPZ


def _holds_objects(archive: Archive, member: Member) -> bool:
    try:
        return holds_objects(bytes(archive.peek(member, NPY_HEADER)))
    except UnreadableError:
        return False


def _tar_names(source: Source) -> Iterator[str]:
    """Names of a tar archive's members; stops where a header is damaged."""
    at = 0
    while at + 512 <= source.nbytes:
        header = bytes(source.view[at : at + 512])
        if header[257:262] != b"ustar":
            return
        yield header[:100].rstrip(b"\0").decode("utf-8", "replace")
        try:
            size = int(header[124:136].strip(b" \0") or b"0", 8)
        except ValueError:
            return
        at += 512 + -(-size // 512) * 512
