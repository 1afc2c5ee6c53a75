"""Models of other libraries, whose loaders run code of the file or follow its numbers unchecked."""

from __future__ import annotations

import re

from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.readers.packed import holds_pickles
from modlint_plugins.readers.recognised.format import Format

_EXPORT = "check the model as safetensors, as a PyTorch state_dict or as ONNX"
_RUNS = "loading it may run what it holds: load it only from a source that you trust"
_UNCHECKED = (
    "its numbers are not read: a library follows them unchecked, so load it only from a source "
    "that you trust"
)

_R = Format("r", "an R object", _RUNS, holds_weights=True)
_JAVA = Format("java", "a serialized object of Java", _RUNS, holds_weights=True)
_MAGIC = (
    (re.compile(rb"RD[ABX][1-3]\n|[XB]\n\0\0\0[\x02\x03]|B\n[\x02\x03]\0\0\0|A\n[23]\n"), _R),
    (re.compile(rb"\xac\xed\0\x05"), _JAVA),
    (
        re.compile(rb"\xba\x16\x4f\x2f"),
        Format("fasttext", "a model of fastText", _UNCHECKED, holds_weights=True),
    ),
    (
        re.compile(rb"lCRF"),
        Format("crfsuite", "a model of CRFsuite", _UNCHECKED, holds_weights=True),
    ),
    (
        re.compile(rb"VOYA"),
        Format("voyager", "an index of Voyager", _UNCHECKED, holds_weights=True),
    ),
    (
        re.compile(rb"mmap lm http://kheafield\.com/code"),
        Format("kenlm", "a language model of KenLM", _UNCHECKED, holds_weights=True),
    ),
)
"""R: src/main/serialize.c and saveload.c; Java: Object Serialization Stream Protocol, 6.4.2; KenLM,
which transformers loads for speech (`Wav2Vec2ProcessorWithLM`): lm/binary_format.cc."""

_SAVED_TEXT = Format(
    "tf-saved-model", "a TensorFlow SavedModel as text", _EXPORT, holds_weights=True
)
_GRAPH_TEXT = Format("tf-graph", "a TensorFlow graph as text", _EXPORT, holds_weights=True)
_OPENVINO = Format("openvino", "a model of OpenVINO (IR)", _EXPORT, holds_weights=True)
_PADDLE = Format("paddle", "a program of PaddlePaddle", _EXPORT, holds_weights=True)
_NCNN = Format("ncnn", "a network of ncnn", _UNCHECKED, holds_weights=True)
_SVM = Format("libsvm", "a model of LIBSVM or LIBLINEAR", _UNCHECKED, holds_weights=True)
_START = 4096
_BLANK = re.compile(rb"(?:\xef\xbb\xbf)?\s*+")
_REMARKS = re.compile(rb"(?:\s++|#[^\n]*+)*+")
"""What readers of text pass over before the first word."""
_NCNN_START = re.compile(rb"\+?0{0,100}7767517\s")
_MESSAGE = re.compile(
    rb"(?:saved_model_schema_version|meta_graphs|meta_info_def|graph_def|node|library|versions)"
    rb"\s{0,100}[:{<]"
)
_META_GRAPHS = re.compile(rb"\bmeta_graphs\s*+:?+\s*+[{<]")
_NODE = re.compile(rb"\bnode(?:_def)?+\s*+:?+\s*+[{<]")
_OPERATOR = re.compile(rb"\bop\s{0,100}:\s{0,100}[\"']")
_NET = re.compile(rb"<net[\s>/]")
_LAYERS = re.compile(rb"<layers[\s>/]")
_SVM_START = re.compile(
    rb"(?:(?:svm|solver|kernel)_type|degree|gamma|coef0|nr_class|nr_feature|nr_sv"
    rb"|total_sv|label|bias|rho|prob\w{1,20})\s"
)
_SVM_KEYS = (re.compile(rb"\b(?:svm|solver)_type\s"), re.compile(rb"\bnr_class\s"))
_PACKED = Format("msgpack", "MessagePack that holds pickles", _RUNS)
_PICKLED_TYPE = Format(
    "arrow",
    "an Arrow table with a pickled type (pyarrow before 14.0.1 unpickles it)",
    _RUNS,
    holds_weights=True,
)
_TABLE = re.compile(rb"PAR1|ARROW1|FEA1|\xff\xff\xff\xff")
_TYPE = re.compile(
    rb"arrow\.py_extension_type|YXJyb3cucHlfZXh0ZW5zaW9uX3R5cG|Fycm93LnB5X2V4dGVuc2lvbl90eXBl"
    rb"|hcnJvdy5weV9leHRlbnNpb25fdHlwZ"
)
"""The name of the type, also as base64 from each of three bytes on, as Parquet keeps schemas."""
_SEARCHED = 64 << 20
"""Bytes of a text in which the marks of a format are looked for."""


def classify_models(source: Source) -> Format | None:
    """Models of R, Java, fastText, CRFsuite, ncnn, OpenVINO, LIBSVM, Paddle; TensorFlow's text."""
    held = source.view[:_SEARCHED]
    start = bytes(held[:_START])
    for magic, found in _MAGIC:
        if magic.match(start):
            return found
    text = _behind(_BLANK, held)
    if text.startswith(b"<") or source.path.suffix.lower() == ".xml":
        return _OPENVINO if _holds(held, _NET, _LAYERS) else None
    if text.startswith(b"{"):
        return _PADDLE if _holds(held, *_PADDLE_KEYS) else None
    if _NCNN_START.match(text):
        return _NCNN
    if _MESSAGE.match(_behind(_REMARKS, held)):
        saved = _META_GRAPHS.search(held) is not None
        return _SAVED_TEXT if saved else _GRAPH_TEXT if _holds(held, _NODE, _OPERATOR) else None
    return _SVM if _SVM_START.match(text) and _holds(held, *_SVM_KEYS) else None


def classify_packed(source: Source) -> Format | None:
    """MessagePack in which something is pickled; any other is told by its name, if at all."""
    try:
        return _PACKED if holds_pickles(source.view) else None
    except UnreadableError:
        return _PACKED


def classify_tables(source: Source) -> Format | None:
    """Tables of Arrow with a column whose type is pickled (CVE-2023-47248)."""
    if not _TABLE.match(bytes(source.view[:8])):
        return None
    ends = (source.view[:_SEARCHED], source.view[-_SEARCHED:])
    return _PICKLED_TYPE if any(_TYPE.search(end) for end in ends) else None


def _behind(passed: re.Pattern[bytes], view: memoryview) -> bytes:
    """The start of what follows."""
    match = passed.match(view)
    at = 0 if match is None else match.end()
    return bytes(view[at : at + _START])


def _holds(view: memoryview, *marks: re.Pattern[bytes]) -> bool:
    return all(mark.search(view) for mark in marks)


def _in_json(text: str) -> str:
    """A pattern of a JSON text, whichever of its letters are escaped."""
    return "".join(rf"(?:{letter}|\\u00{ord(letter):02x})" for letter in text)


_PADDLE_KEYS = tuple(
    re.compile(rf'"{_in_json(key)}"\s{{0,100}}:'.encode(), re.IGNORECASE)
    for key in ("base_code", "program")
)
