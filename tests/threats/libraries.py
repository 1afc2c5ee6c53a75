"""Lines 38, 42 and 43 of the list: what loaders of other libraries run beside the weights."""

from __future__ import annotations

import json
import struct

from threats.boxes import HEALTHY, tar_of, torch_archive
from threats.build import ANYWHERE, RUN, Finding, Threat, alone, tensor, text
from threats.literature.paths import CALLS, folder_of
from threats.pickled import dict_of, ended

_ERROR = Finding("SEC003", "error", ANYWHERE, None)
_WARNING = Finding("SEC003", "warning", ANYWHERE, None)
_NUL = Finding("SEC001", "error", None, None, ".system('id')")


def packed(value: object) -> bytes:
    """MessagePack of maps, lists, texts and bytes."""
    match value:
        case dict():
            items = b"".join(packed(part) for pair in value.items() for part in pair)
            return b"\xdf" + struct.pack(">I", len(value)) + items
        case list():
            return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(packed, value))
        case bytes():
            return b"\xc6" + struct.pack(">I", len(value)) + value
        case str():
            return b"\xdb" + struct.pack(">I", len(value.encode())) + value.encode()
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    return b"\xce" + struct.pack(">I", int(str(value)))


_OBJECTS = {b"nd": True, b"type": "|O", b"kind": b"O", b"shape": [1], b"data": RUN}
_NUMBERS = {b"nd": True, b"type": "<f4", b"kind": b"", b"shape": [64], b"data": bytes(256)}
_STATE = packed({"weights": _NUMBERS, "observations": _OBJECTS})
_SHIM = packed({"nodes": [], "shims": [packed({"config": {}, "state": RUN})]})

_PLAIN_NUMBERS = b"I1001\n.(dp0\n."
_STACKED = b"L119547037146038801333356L\n." + _PLAIN_NUMBERS
_STORAGE = b"cx\0y\nFloatStorage\n0" + b"(" * 10_001
_SHIMS = {
    "of thirteen bytes": (b"cos\nabort\n)R.", Finding("SEC001", "error", ANYWHERE, None, "abort")),
    "behind a magic number of protocol 0": (_STACKED + RUN, CALLS),
    "behind a storage of no module and many MARKs": (
        _STACKED + _STORAGE + b"1" * 10_001 + RUN,
        Finding("SEC001", "error", ANYWHERE, None, "could not be interpreted"),
    ),
    "in an old tar file": (
        tar_of(("storages", b"K\0."), ("tensors", b"K\0."), ("pickle", RUN)),
        CALLS,
    ),
}
_SCALARS = {b"nd": False, b"type": "<f8", b"data": b"\x80\x04c" + bytes(5)}

_NUL_NAMES = {
    "behind a NUL": b"cos\0\nsystem\n(S'id'\ntR.junk",
    "behind a NUL and more": b"cos\0abc\nsystem\n(S'id'\ntR.\0",
    "behind a NUL, by OBJ": b"(cos\0\nsystem\nS'id'\no.junk",
    "behind a NUL, by INST": b"(S'id'\nios\0\nsystem\n.junk",
}


def _weights(**texts: str) -> bytes:
    meta = dict_of(**{key: text(value) for key, value in texts.items()})
    return torch_archive(ended(dict_of(meta=meta, state_dict=dict_of(w=tensor())), proto=2))


_CONFIGURATION = "model = dict(type='RTMDet', data=dict(path='data/', backend='disk'))\n"
_ACTING = "open('x', 'w').write('x')\n"


def _plans(name: str) -> bytes:
    network = {
        "network_class_name": name,
        "arch_kwargs": {"repo_or_dir": "a/b", "model": "c", "conv_op": "torch.nn.Conv3d"},
        "_kw_requires_import": ["conv_op"],
    }
    return json.dumps({"configurations": {"3d": {"architecture": network}}}).encode()


def _allennlp(name: str) -> bytes:
    model = {"type": "x", "embedders": {"any": {"type": name, "x": 1}}}
    return json.dumps({"dataset_reader": {"type": "x"}, "model": model}).encode()


def _mecab(option: str) -> bytes:
    words = {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}
    return json.dumps({**words, "mecab_kwargs": {"mecab_option": option}}).encode()


_BESIDE = {
    "a base of mmengine": ({"c.yaml": b'_base_: ["./b.py"]\n', "b.py": _ACTING}, _WARNING),
    "a base of mmengine, in a list": ({"c.yml": b"_base_:\n- ./b.py\n", "b.py": _ACTING}, _WARNING),
    "Python that mmengine takes for its configuration": (
        {"rtmdet.py": _CONFIGURATION + _ACTING},
        _WARNING,
    ),
    "a service of BentoML": ({"bento.yaml": b"service: s:Svc\n", "src/s.py": _ACTING}, _WARNING),
    "a prediction of cog": ({"cog.yaml": b'predict: "p.py:P"\n', "p.py": _ACTING}, _WARNING),
    "the network of nnU-Net": ({"plans.json": _plans("torch.hub.load")}, _ERROR),
    **{
        f"a dictionary of MeCab, {option}": (
            {"tokenizer_config.json": _mecab(option)},
            Finding("SEC003", "warning", ANYWHERE, None, "MeCab"),
        )
        for option in ("-d m/dic -r m/dicrc", "-Owakati -dm/dic", "--userdic=x", "-d /usr/../tmp")
    },
    "a type of AllenNLP": ({"config.json": _allennlp("timeit.timeit")}, _ERROR),
    "a component of Rasa": (
        {"metadata.json": b'{"uses": "webbrowser.open", "constructor_name": "load"}'},
        _ERROR,
    ),
    "a step that PaddleDetection evaluates": (
        {"infer_cfg.yml": b"Preprocess:\n- type: open('x', 'w').write\n"},
        _ERROR,
    ),
    "a download of ultralytics": (
        {"data.yaml": b"train: x\nnames: [a]\ndownload: open('x', 'w')\n"},
        _WARNING,
    ),
    "a stage of Spark": (
        {"metadata/part-00000": b'{"class": "os.x", "sparkVersion": "3.5.0"}'},
        _ERROR,
    ),
}
_SILENT = {
    "a base of mmengine that computes": {"c.yaml": b"_base_: ./b.py\n", "b.py": _CONFIGURATION},
    "a script that nobody names": {"c.yaml": b"seed: 1\n", "train.py": _ACTING},
    "the network of nnU-Net": {
        "plans.json": _plans("dynamic_network_architectures.architectures.unet.PlainConvUNet")
    },
    "a type of AllenNLP": {"config.json": _allennlp("allennlp.models.BasicClassifier")},
    "a type that is no name": {"config.json": b'{"model": {"type": "code.python"}}'},
    "a type of mmengine": {"config.json": b'{"model": {"type": "mmpretrain.ResNet"}}'},
    "steps of PaddleDetection": {"infer_cfg.yml": b"Preprocess:\n- type: Resize\n"},
    "a download of ultralytics": {
        "data.yaml": b"train: x\nnames: [a]\ndownload: https://example.org/x.zip\n"
    },
    "a state of MessagePack": {
        "state.msgpck": packed({"weights": _NUMBERS, "step": 3, "loss": _SCALARS})
    },
    **{
        f"options of MeCab, {option}": {"tokenizer_config.json": _mecab(option)}
        for option in ("", "-Owakati", "-d /usr/lib/mecab/dic/ipadic")
    },
}


def _bytes(files: dict[str, bytes | str]) -> dict[str, bytes]:
    return {name: held.encode() if isinstance(held, str) else held for name, held in files.items()}


THREATS = (
    *(Threat(42, f"a module {title}", alone("x.dat", c, _NUL)) for title, c in _NUL_NAMES.items()),
    Threat(43, "a pickle that msgpack_numpy loads", alone("x.msgpck", _STATE, CALLS)),
    Threat(43, "the same in a folder", folder_of({"checkpoint/state.msgpck": _STATE}, CALLS)),
    Threat(43, "a pickle that thinc loads", folder_of({"tok2vec/model": _SHIM}, CALLS)),
    *(
        Threat(
            43,
            f"a pickle in MessagePack {title}",
            folder_of({"model.pt": HEALTHY, "tok2vec/model": packed({"shims": [held]})}, finding),
        )
        for title, (held, finding) in _SHIMS.items()
    ),
    *(
        Threat(38, f"{key} that mmengine runs", alone("x.pth", _weights(**{key: held}), _ERROR))
        for key in ("cfg", "config")
        for held in (_CONFIGURATION + _ACTING,)
    ),
    Threat(
        38,
        "silent: cfg of mmengine",
        alone("x.pth", _weights(cfg=_CONFIGURATION, config="mode: open\n", open="a = open('x')")),
    ),
    *(
        Threat(38, title, folder_of({"model.pt": HEALTHY, **_bytes(dict(files))}, finding))
        for title, (files, finding) in _BESIDE.items()
    ),
    Threat(
        38,
        "the network of nnU-Net, above its weights",
        folder_of({"fold_0/model.pth": HEALTHY, "plans.json": _plans("torch.hub.load")}, _ERROR),
    ),
    *(
        Threat(38, f"silent: {title}", folder_of({"model.pt": HEALTHY, **_bytes(dict(files))}))
        for title, files in _SILENT.items()
    ),
    *(
        Threat(43, f"silent: a tar archive that begins with {name}", alone("x.tar", tar_of(
            (name, b'{"a": 1}\n'), ("model.pt", HEALTHY)
        )))
        for name in ("config.json", "code/info.txt", "checkpoint.txt")
    ),
)  # fmt: skip
