"""Loading paths of torch, joblib, NumPy and pandas: where each of their loaders finds a pickle."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zlib
from pathlib import Path

from threats.boxes import (
    gzipped_tar,
    npy,
    npy_header,
    program,
    stacked,
    tar_of,
    torch_archive,
    weights,
)
from threats.build import (
    ANYWHERE,
    CALL,
    DATA,
    Entry,
    Finding,
    Threat,
    Torch,
    Writer,
    alone,
    runs,
    zip_archive,
)
from threats.pickled import AT, PAYLOAD, called, dict_of, ended, number, pushed, raw, rebuilt, text

Written = tuple[Path, tuple[Finding, ...]]
GROUP = "path"
_SYSTEM = "os.system('id')"


def path(title: str, write: Writer, line: int = 43) -> Threat:
    """A loader and the form in which it takes a pickle."""
    return Threat(line, title, write, GROUP)


def hides(
    name: str, content: bytes, member: str | None = ANYWHERE, offset: int | None = AT
) -> Writer:
    """One file with a payload in it."""
    return alone(name, content, Finding("SEC001", "error", member, offset, _SYSTEM))


def folder_of(files: dict[str, bytes], *findings: Finding) -> Writer:
    """A folder, which is checked whole."""

    def write(folder: Path) -> Written:
        place = folder / "model"
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        return place, findings

    return write


CALLS = Finding("SEC001", "error", ANYWHERE, None, _SYSTEM)
"""The payload, somewhere in a folder."""


def _five() -> list[Threat]:
    names = ("magic number", "protocol", "system", "object", "keys of storages")
    out = []
    for index, name in enumerate(names):
        content = stacked({index: CALL + b"0"})
        out.append(
            path(
                f"torch.load, stacked pickles: the {name}",
                alone("m.pt", content, runs(None, content)),
            )
        )
    return out


def _tar(hostile: str) -> Threat:
    parts = {"storages": b"\x80\x02K\x00.", "tensors": b"\x80\x02K\x00.", "pickle": b"\x80\x02}."}
    content = tar_of(*({**parts, hostile: PAYLOAD}).items())
    return path(f"torch.load, tar archive: {hostile}", hides("m.pt", content, hostile))


_ARCHIVE = torch_archive(PAYLOAD)
_TORCHSCRIPT = [
    Entry("model/constants.pkl", PAYLOAD),
    Entry("model/code/__torch__.py", b"class M(Module):\n  pass\n"),
]
_PACKAGE = [
    Entry("p/.data/extern_modules", b"os\n"),
    Entry("p/.data/version", b"6\n"),
    Entry("p/byteorder", b"little"),
    Entry("p/model/w.pkl", PAYLOAD),
]
_NO_TENSORS = b'{"config": {}}'


def _second_table() -> bytes:
    """A second table of weights calls the pickle of the inputs a tensor's raw bytes."""
    return program(
        Entry("data/weights/model_weights_config.json", _NO_TENSORS),
        Entry("data/sample_inputs/other_weights_config.json", weights("model.pt", pickled=False)),
        Entry("data/sample_inputs/model.pt", torch_archive(PAYLOAD)),
    )


def _pickled_in(folder: str, table: str) -> bytes:
    return program(
        Entry(f"data/{folder}/{table}", weights("weight_0", pickled=True)),
        Entry(f"data/{folder}/weight_0", torch_archive(PAYLOAD)),
    )


_TORCH = (
    path(
        "torch.load, zip archive",
        hides("m.pt", zip_archive(Torch(pickle=PAYLOAD).entries()).content, "model/data.pkl"),
    ),
    *_five(),
    *map(_tar, ("storages", "tensors", "pickle")),
    path(
        "torch.storage._load_from_bytes, a zip archive in a pickle",
        hides("m.pkl", ended(called(("torch.storage", "_load_from_bytes"), raw(_ARCHIVE)))),
    ),
    path(
        "torch.storage._load_from_bytes, stacked pickles in a pickle",
        hides(
            "m.pkl",
            ended(called(("torch.storage", "_load_from_bytes"), raw(stacked({3: CALL + b"0"})))),
            offset=None,
        ),
    ),
    path(
        "torch.jit.load, constants.pkl",
        hides(
            "m.pt",
            zip_archive(Torch(more=tuple(_TORCHSCRIPT)).entries()).content,
            "model/constants.pkl",
        ),
    ),
    path(
        "torch.package.PackageImporter.load_pickle",
        hides("m.pt", zip_archive(_PACKAGE).content, "p/model/w.pkl"),
    ),
    path(
        "torch.export.load, weights",
        hides("m.pt2", _pickled_in("weights", "model_weights_config.json")),
    ),
    path(
        "torch.export.load, constants",
        hides("m.pt2", _pickled_in("constants", "model_constants_config.json")),
    ),
    path(
        "torch.export.load, sample inputs",
        hides("m.pt2", program(Entry("data/sample_inputs/model.pt", torch_archive(PAYLOAD)))),
    ),
    path(
        "torch.export.load, sample inputs that a second table calls weights",
        hides("m.pt2", _second_table()),
        44,
    ),
    path(
        "torch.export.load, before PyTorch 2.7",
        hides(
            "m.pt2",
            zip_archive(
                [
                    Entry("version", b"8.8"),
                    Entry("serialized_exported_program.json", b"{}"),
                    Entry("serialized_state_dict.pt", torch_archive(PAYLOAD)),
                ]
            ).content,
        ),
    ),
    path(
        "torch.distributed.checkpoint, .metadata",
        folder_of({".metadata": PAYLOAD, "__0_0.distcp": torch_archive()}, CALLS),
    ),
    path(
        "torch.distributed.checkpoint, .distcp",
        folder_of(
            {".metadata": b"\x80\x02}.", "__0_0.distcp": DATA * 4 + torch_archive(PAYLOAD)}, CALLS
        ),
    ),
)

_ZF = b"ZF" + hex(len(PAYLOAD)).encode().ljust(19) + zlib.compress(PAYLOAD)
_WRAPPER = ended(
    rebuilt(
        ("joblib.numpy_pickle_compat", "NDArrayWrapper"),
        dict_of(
            filename=text("m.joblib_01.npy"),
            subclass=pushed(("numpy", "ndarray")),
            allow_mmap=b"\x89",
        ),
    )
)
_OBJECTS = npy(npy_header(), PAYLOAD)
_DEFLATED = Entry("a.npy", _OBJECTS, deflate=True)
_IN_ARRAY = len(_OBJECTS) - len(PAYLOAD) + AT
_LZ4 = bytes.fromhex("04224d186040821b000080") + PAYLOAD + bytes(4)

_JOBLIB = (
    path("joblib.load, no compression", hides("m.joblib", PAYLOAD, None)),
    path("joblib.load, zlib", hides("m.joblib", zlib.compress(PAYLOAD))),
    path("joblib.load, gzip", hides("m.joblib", gzip.compress(PAYLOAD, mtime=0))),
    path("joblib.load, bz2", hides("m.joblib", bz2.compress(PAYLOAD))),
    path("joblib.load, xz", hides("m.joblib", lzma.compress(PAYLOAD))),
    path("joblib.load, lzma", hides("m.joblib", lzma.compress(PAYLOAD, lzma.FORMAT_ALONE))),
    path(
        "joblib.load, lz4",
        alone("m.joblib", _LZ4, Finding("FMT001", "error", ANYWHERE, None, "LZ4")),
    ),
    path("joblib.load, ZF, its container before 0.10", hides("m.joblib", _ZF), 51),
    path(
        "joblib.load, an array in a file beside it",
        folder_of({"m.joblib": _WRAPPER, "m.joblib_01.npy": _OBJECTS}, CALLS),
        51,
    ),
)

_NUMPY = (
    path("numpy.load, an .npy of objects", hides("a.npy", _OBJECTS, None, _IN_ARRAY)),
    path(
        "numpy.load, an .npz of objects",
        hides("a.npz", zip_archive([Entry("a.npy", _OBJECTS)]).content, "a.npy", _IN_ARRAY),
    ),
    path(
        "numpy.load, a deflated .npz of objects",
        hides(
            "a.npz",
            zip_archive([Entry("a.npy", _OBJECTS, deflate=True)]).content,
            "a.npy",
            _IN_ARRAY,
        ),
    ),
    path("numpy.load, a bare pickle", hides("a.npy", PAYLOAD, None)),
    path(
        "numpy.load, a bare pickle of protocol 0",
        alone("a.npy", PAYLOAD[2:], runs(None, PAYLOAD[2:])),
    ),
)

_PANDAS = (
    *(
        path(f"pandas.read_pickle, {suffix}", hides(f"frame.pkl{suffix}", squeeze(PAYLOAD)))
        for suffix, squeeze in (
            (".gz", lambda data: gzip.compress(data, mtime=0)),
            (".bz2", bz2.compress),
            (".xz", lzma.compress),
            (".zip", lambda data: zip_archive([Entry("frame.pkl", data)]).content),
            (".tar", lambda data: tar_of(("frame.pkl", data))),
            (".tar.gz", lambda data: gzipped_tar("frame.pkl", data)),
            (".tar.bz2", lambda data: gzipped_tar("frame.pkl", data, "w:bz2")),
            (".tar.xz", lambda data: gzipped_tar("frame.pkl", data, "w:xz")),
        )
    ),
    path(
        "pandas.read_pickle, .zst",
        alone(
            "frame.pkl.zst",
            b"\x28\xb5\x2f\xfd\x20"
            + bytes([len(PAYLOAD), 1 | len(PAYLOAD) << 3 & 0xFF, 0, 0])
            + PAYLOAD,
            Finding("FMT001", "error", ANYWHERE, None, "Zstandard"),
        ),
    ),
)

_TRANSFORMERS = json.dumps({"metadata": {}, "weight_map": {"w": "model.weights"}}).encode()
_INDEX = (
    path(
        "transformers, a shard under a name that its index chooses",
        folder_of(
            {
                "pytorch_model.bin.index.json": _TRANSFORMERS,
                "model.weights": torch_archive(PAYLOAD),
            },
            CALLS,
        ),
        45,
    ),
    path(
        "torch.load, an object of 300 harmless globals first",
        hides(
            "m.pt",
            torch_archive(
                ended(
                    b"".join(pushed(("collections", "OrderedDict")) + b"0" for _ in range(300)),
                    CALL,
                    proto=2,
                )
            ),
            "archive/data.pkl",
            None,
        ),
    ),
    path(
        "torch.load, a number before the payload",
        alone("m.pt", ended(number(1) + b"0", CALL), CALLS),
    ),
)

THREATS = (*_TORCH, *_JOBLIB, *_NUMPY, *_PANDAS, *_INDEX)
