"""Formats that are told by their first bytes."""

from __future__ import annotations

import re

from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.compiler_cache import artifacts
from modlint_plugins.readers.recognised.format import Format

_EXPORT = "check the model as safetensors, as a PyTorch state_dict or as ONNX"
_TREES = (
    "its trees are not read: a library follows their indices unchecked, so load it only from a "
    "source that you trust"
)
_UNPACK = "unpack it and check what is inside"
_NAME_CHECKPOINT = "name a checkpoint, or exclude the file"

_HDF5 = Format("hdf5", "an HDF5 file (Keras or h5py)", _EXPORT, holds_weights=True)
_GGML = Format("ggml", "a GGML file (llama.cpp, before GGUF)", _EXPORT, holds_weights=True)
_TFLITE = Format("tflite", "a TensorFlow Lite model", _EXPORT, holds_weights=True)
_FLATBUFFERS = (
    (b"TFL3", _TFLITE),
    (b"PTMF", Format("torch-lite", "a PyTorch Lite model (flatbuffer)", _EXPORT, True)),
    (b"ET12", Format("executorch", "an ExecuTorch program", _EXPORT, holds_weights=True)),
    (b"ORTM", Format("ort", "a model of onnxruntime's own format", _EXPORT, holds_weights=True)),
)
_XGBOOST = Format("xgboost", "a model of XGBoost", _TREES, holds_weights=True)
_LIGHTGBM = Format("lightgbm", "a model of LightGBM", _TREES, holds_weights=True)
_CATBOOST = Format("catboost", "a model of CatBoost", _TREES, holds_weights=True)
_XGBOOST_KEYS = (b"gradient_booster", b"learner_model_param")
_XGBOOST_STARTS = (b"binf", b"bs64")
_LIGHTGBM_START = re.compile(rb"\s{0,1000}tree[ \t]{0,1000}[\r\n]")
_LIGHTGBM_KEY = re.compile(rb"[\r\n](?:max_feature_idx=|version=v\d)")
"""What its loader requires, and what it writes, wherever they stand."""
_TREE_MODEL = 256 << 20
"""Bytes in which the keys of XGBoost and LightGBM are looked for."""
_SAVED_MODEL = Format("tf-saved-model", "a TensorFlow SavedModel", _EXPORT, holds_weights=True)

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_LLAMA = (
    (b"lmgg", _GGML),
    (b"fmgg", _GGML),
    (b"tjgg", _GGML),
)
_COMPRESSED = (
    (b"\x28\xb5\x2f\xfd", Format("zstd", "compressed with Zstandard", _UNPACK, True)),
    (b"\x04\x22\x4d\x18", Format("lz4", "compressed with LZ4", _UNPACK, True)),
    (b"7z\xbc\xaf\x27\x1c", Format("7z", "a 7z archive", _UNPACK, True)),
    (b"Rar!\x1a\x07", Format("rar", "a RAR archive", _UNPACK, True)),
)
_SKIPPED = Format("zstd", "compressed with Zstandard or LZ4", _UNPACK, holds_weights=True)
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
"""A frame of either that readers skip (RFC 8878, 3.1.2)."""
_OTHER = (
    (b"\x89PNG\r\n\x1a\n", Format("png", "a PNG image", _NAME_CHECKPOINT)),
    (b"\xff\xd8\xff", Format("jpeg", "a JPEG image", _NAME_CHECKPOINT)),
    (b"GIF8", Format("gif", "a GIF image", _NAME_CHECKPOINT)),
    (b"%PDF-", Format("pdf", "a PDF document", _NAME_CHECKPOINT)),
    (b"\x7fELF", Format("elf", "a program or library (ELF)", _NAME_CHECKPOINT)),
    (b"SQLite format 3\0", Format("sqlite", "an SQLite database", _NAME_CHECKPOINT)),
    (b"PAR1", Format("parquet", "a Parquet table", _NAME_CHECKPOINT)),
    (b"ARROW1\0\0", Format("arrow", "an Arrow table", _NAME_CHECKPOINT)),
)
_COMPILER_CACHE = Format(
    "compiler-cache",
    "what torch.compile keeps: compiled code",
    "compile the model anew where it is used",
    holds_weights=True,
)
_VOCABULARY = Format("sentencepiece", "a vocabulary of SentencePiece", _NAME_CHECKPOINT)
_PIECE = re.compile(rb"\n(.)\n(.)", re.DOTALL)
_SCORE = b"\x15"
_WINDOWS = Format("pe", "a Windows program or library", _NAME_CHECKPOINT)
_RIFF = {
    b"WAVE": Format("wav", "a WAV sound file", _NAME_CHECKPOINT),
    b"WEBP": Format("webp", "a WebP image", _NAME_CHECKPOINT),
    b"AVI ": Format("avi", "an AVI video", _NAME_CHECKPOINT),
}


def classify_hdf5(source: Source) -> Format | None:
    """HDF5; the signature may stand behind a user block (specification, II.A)."""
    found = any(_at(source, place, _HDF5_MAGIC) for place in (0, 512, 1024, 2048))
    return _HDF5 if found else None


def classify_ggml(source: Source) -> Format | None:
    """The formats of llama.cpp before GGUF."""
    return _by_magic(source, _LLAMA)


def classify_tflite(source: Source) -> Format | None:
    """Models as flatbuffers: their identifier stands behind the offset of the root table."""
    return next((form for mark, form in _FLATBUFFERS if _at(source, 4, mark)), None)


def classify_saved_model(source: Source) -> Format | None:
    """A protobuf of schema version 1 and then one message that fills most of the file.

    The same first bytes begin an ONNX model of IR version 1, whose second field is a short text.
    """
    if not source.startswith(b"\x08\x01\x12"):
        return None
    length = shift = 0
    for byte in bytes(source.view[3:13]):
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return _SAVED_MODEL if source.nbytes // 2 < length <= source.nbytes else None


def classify_trees(source: Source) -> Format | None:
    """Models of decision trees: XGBoost's in every format, LightGBM's text, CatBoost's.

    Sources: xgboost, doc/tutorials/saving_model.rst; LightGBM, src/boosting/gbdt_model_text.cpp;
    catboost, catboost/libs/model/model.cpp, `MODEL_FILE_DESCRIPTOR_CHARS`.
    """
    start = bytes(source.view[:8192])
    if start.startswith(b"CBM1"):
        return _CATBOOST
    if _LIGHTGBM_START.match(start):
        return _LIGHTGBM if _LIGHTGBM_KEY.search(source.view[:_TREE_MODEL]) else None
    if start.startswith(_XGBOOST_STARTS):
        return _XGBOOST
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return None
    held = source.view[:_TREE_MODEL]
    return _XGBOOST if all(re.search(key, held) for key in _XGBOOST_KEYS) else None


def classify_compiler_cache(source: Source) -> Format | None:
    """The artifacts of `torch.compiler.save_cache_artifacts`."""
    try:
        return _COMPILER_CACHE if artifacts(source.view) else None
    except UnreadableError:
        return _COMPILER_CACHE


def classify_compressed(source: Source) -> Format | None:
    """Compressed files and archives that are not unpacked."""
    if _SKIPPABLE.match(bytes(source.view[:4])):
        return _SKIPPED
    return _by_magic(source, _COMPRESSED)


def classify_other(source: Source) -> Format | None:
    """Images, documents, programs, tables."""
    if source.startswith(b"RIFF"):
        return _RIFF.get(bytes(source.view[8:12]))
    if source.startswith(b"MZ"):
        header = int.from_bytes(source.view[60:64], "little")
        return _WINDOWS if _at(source, header, b"PE\0\0") else None
    return _VOCABULARY if _is_vocabulary(source) else _by_magic(source, _OTHER)


def _is_vocabulary(source: Source) -> bool:
    """Whether the file begins with two pieces of a SentencePiece model: a text and its score.

    Source: sentencepiece, src/sentencepiece_model.proto, `ModelProto.pieces`.
    """
    at = 0
    for _ in range(2):
        start = _PIECE.fullmatch(bytes(source.view[at : at + 4]))
        if start is None:
            return False
        nbytes, text = start[1][0], start[2][0]
        if not text or text + 7 > nbytes or not _at(source, at + 4 + text, _SCORE):
            return False
        at += 2 + nbytes
    return at <= source.nbytes


def _by_magic(source: Source, table: tuple[tuple[bytes, Format], ...]) -> Format | None:
    return next((found for magic, found in table if source.startswith(magic)), None)


def _at(source: Source, place: int, magic: bytes) -> bool:
    return bytes(source.view[place : place + len(magic)]) == magic
