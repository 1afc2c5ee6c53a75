"""Lines 40, 41, 43, 44, 54 and 56: what a name, a layout or a table must not decide."""

from __future__ import annotations

import json
from pathlib import Path

from threats.boxes import HEALTHY, npy, npy_header, program, torch_archive, weights
from threats.build import (
    ANYWHERE,
    DATA,
    RUN,
    STATE,
    Entry,
    Finding,
    Threat,
    Torch,
    alone,
    header,
    safetensors,
    zip_archive,
)
from threats.literature.paths import hides
from threats.pickled import AT, PAYLOAD, called, ended, raw

_PROMISED = Finding("FMT001|SEC001|SEC006", "warning|error", ANYWHERE, None)


def _cased(name: str, *more: Entry) -> bytes:
    return zip_archive([Entry(name, PAYLOAD), Entry("model/version", b"3\n"), *more]).content


_CASES = (
    *(
        Threat(40, f"the pickle as {name}", hides("m.pt", _cased(name), name))
        for name in ("model/DATA.PKL", "model/Data.Pkl", "MODEL/DATA.PKL", "model/data.PKL")
    ),
    Threat(
        40,
        "the pickle as DATA.PKL, in an archive in a pickle",
        hides(
            "m.pkl",
            ended(called(("torch.storage", "_load_from_bytes"), raw(_cased("model/DATA.PKL")))),
        ),
    ),
    Threat(
        40,
        "the pickle as DATA.PKL, beside a healthy one of another folder",
        hides("m.pt", _cased("model/DATA.PKL", Entry("x/data.pkl", STATE)), "model/DATA.PKL"),
    ),
)

_HTML = b"<!DOCTYPE html><html><head><title>Access to model x/y is restricted</title></head></html>"
_PROMISES = {
    "an archive of PyTorch as .safetensors": ("m.safetensors", HEALTHY),
    "a pickle as .safetensors": ("m.safetensors", STATE),
    "an archive of PyTorch as .onnx": ("m.onnx", HEALTHY),
    "a page of HTML as .safetensors": ("m.safetensors", _HTML),
    "a pickle as .gguf": ("m.gguf", STATE),
}
_PROMISING = tuple(
    Threat(41, title, alone(name, content, _PROMISED))
    for title, (name, content) in _PROMISES.items()
)

_OBJECTS = npy(npy_header(), PAYLOAD)
_IN_ARRAY = len(_OBJECTS) - len(PAYLOAD) + AT
_DECOYS = {
    "x/data.pkl": Entry("x/data.pkl", STATE),
    "x/version": Entry("x/version", b"3\n"),
    "archive_format": Entry("x/archive_format", b"pt2"),
    "extern_modules": Entry("x/.data/extern_modules", b""),
    "a table of weights": Entry("x/data/weights/model_weights_config.json", b'{"config": {}}'),
    "constants.pkl": Entry("x/constants.pkl", b"\x80\x02)."),
    "MANIFEST.json": Entry("MAR-INF/MANIFEST.json", b"{}"),
}
_LAYOUTS = (
    *(
        Threat(
            43,
            f"an array of objects beside a decoy, {name}",
            hides(
                "a.npz", zip_archive([decoy, Entry("a.npy", _OBJECTS)]).content, "a.npy", _IN_ARRAY
            ),
        )
        for name, decoy in _DECOYS.items()
    ),
    *(
        Threat(
            43,
            f"an array of objects in {folder}",
            hides(
                "a.npz",
                zip_archive([*Torch().entries(), Entry(f"{folder}a.npy", _OBJECTS)]).content,
                offset=_IN_ARRAY,
            ),
        )
        for folder in ("model/extra/", "model/.data/", "model/code/", "model/data/x/", "__MACOSX/")
    ),
    *(
        Threat(
            43,
            f"a pickle of protocol 0 in {folder}",
            hides(
                "m.pt",
                zip_archive([*Torch().entries(), Entry(f"{folder}x", RUN)]).content,
                offset=AT - 2,
            ),
        )
        for folder in ("model/extra/", "model/.data/", "model/code/", "model/data/x/", "__MACOSX/")
    ),
)


def _table(title: str, *members: Entry) -> Threat:
    return Threat(44, title, hides("m.pt2", program(*members)))


_TABLE = "data/weights/model_weights_config.json"
_TABLES = (
    _table(
        "a table that calls a pickle raw bytes",
        Entry(_TABLE, weights("weight_0", pickled=False)),
        Entry("data/weights/weight_0", PAYLOAD),
    ),
    _table(
        "a table that calls an archive raw bytes",
        Entry(_TABLE, weights("weight_0", pickled=False)),
        Entry("data/weights/weight_0", torch_archive(PAYLOAD)),
    ),
    _table(
        "a table that names the inputs of another folder",
        Entry(_TABLE, weights("../sample_inputs/model.pt", pickled=False)),
        Entry("data/sample_inputs/model.pt", torch_archive(PAYLOAD)),
    ),
    _table(
        "a table beside the inputs",
        Entry("data/sample_inputs/x_constants_config.json", weights("model.pt", pickled=False)),
        Entry("data/sample_inputs/model.pt", torch_archive(PAYLOAD)),
    ),
)


def _escaped(key: str, shard: str) -> Threat:
    """An index whose keys are escaped, which leads out of its folder."""

    def write(folder: Path) -> tuple[Path, tuple[Finding, ...]]:
        inside = folder / "model"
        inside.mkdir()
        (folder / "secret.safetensors").write_bytes(safetensors(header({"a": (0, 16)}), DATA))
        content = json.dumps({"weight_map": {"a": shard}}).replace("weight_map", key)
        path = inside / "model.safetensors.index.json"
        path.write_text(content)
        return path, (Finding("SEC007", "error", ANYWHERE, None),)

    return Threat(54, f"an index with {key} of {shard}", write)


_ONE = header({"a": (0, 16)})
_JSON = (
    _escaped("weight\\u005fmap", "../secret.safetensors"),
    _escaped("\\u0077eight_map", "../secret.safetensors"),
    _escaped("weight_map", b"\\u002e./secret.safetensors".decode("unicode_escape")),
    Threat(
        54,
        "a tensor twice, once by an escape",
        alone(
            "m.safetensors",
            safetensors(_ONE[:-1] + b"," + _ONE[1:].replace(b'"a"', b'"\\u0061"'), DATA),
            Finding("FMT013|FMT001", "error", ANYWHERE, None),
        ),
    ),
)


def _header_of(nbytes: int) -> Threat:
    """A healthy file whose length begins as a pickle's header does."""
    content = safetensors(_ONE.ljust(nbytes), DATA)
    return Threat(56, f"a safetensors header of {nbytes} bytes", alone("m.safetensors", content))


_LENGTHS = tuple(map(_header_of, (640, 896, 1152, 1408)))

THREATS = (*_CASES, *_PROMISING, *_LAYOUTS, *_TABLES, *_JSON, *_LENGTHS)
