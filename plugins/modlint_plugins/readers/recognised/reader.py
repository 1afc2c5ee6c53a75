"""Files that are named for what they are, and not read in this version.

A healthy file of such a format is never called damaged: its message says what it is and what to
do with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.reader import FORMAT_NOT_READ, Reader
from modlint.source import Source
from modlint_plugins.readers.recognised.format import Format
from modlint_plugins.readers.recognised.magic import (
    classify_compiler_cache,
    classify_compressed,
    classify_ggml,
    classify_hdf5,
    classify_other,
    classify_saved_model,
    classify_tflite,
    classify_trees,
)
from modlint_plugins.readers.recognised.models import (
    classify_models,
    classify_packed,
    classify_tables,
)
from modlint_plugins.readers.recognised.text import (
    classify_blank,
    classify_json,
    classify_text,
)

Classify = Callable[[Source], Format | None]


class RecognisedReader(Struct):
    """Names the formats of one family.

    Attributes:
        name: for `modlint plugins`.
        description: one line for `modlint plugins`.
        family: the container family; all of these formats belong to it.
        classify: the file's format, None where it is none of these.
        others: where one of these readers claims the file, this one does not: its evidence is
            weaker than theirs.
        sought: whether such files are checked wherever they are found in a folder.
    """

    name: str
    description: str
    family: str
    classify: Classify
    others: tuple[Reader, ...] = ()
    sought: bool = True

    def sniff(self, source: Source) -> bool:
        """Whether the content is of one of the formats, and of no other reader's."""
        if self.classify(source) is None:
            return False
        return not any(other.sniff(source) for other in self.others)

    def read(self, source: Source) -> Checkpoint:
        """Name the format; it is unreadable where it holds weights, else not a checkpoint."""
        found = self.classify(source) or Format("unknown", "a file of unknown format")
        path, nbytes = source.path, source.nbytes
        if found.holds_weights:
            message = f"is {found.what}, which this version of modlint does not read"
            fault = Remark(FORMAT_NOT_READ, message, help=found.help)
            return Checkpoint(path, found.name, nbytes, Status.UNREADABLE, faults=(fault,))
        remark = Remark("not-a-checkpoint", f"is {found.what}", help=found.help)
        return Checkpoint(path, found.name, nbytes, Status.NOT_A_CHECKPOINT, remarks=(remark,))


_STRONG = (
    ("hdf5", "HDF5 (Keras, h5py)", "hdf5", classify_hdf5),
    ("ggml", "GGML (llama.cpp, before GGUF)", "ggml", classify_ggml),
    ("tflite", "TensorFlow Lite", "flatbuffers", classify_tflite),
    ("tf-saved-model", "TensorFlow SavedModel", "protobuf", classify_saved_model),
    ("trees", "XGBoost, LightGBM, CatBoost", "trees", classify_trees),
    (
        "models",
        "models of R, OpenVINO, Paddle, fastText, LIBSVM, …",
        "model",
        classify_models,
    ),
    ("msgpack", "MessagePack that holds pickles", "msgpack", classify_packed),
    ("tables", "tables of Arrow with pickled types", "other file", classify_tables),
    ("compiler-cache", "artifacts of torch.compile", "compiler cache", classify_compiler_cache),
    ("packed", "Zstandard, LZ4, 7z, RAR", "compressed", classify_compressed),
)
_OTHER = ("other-file", "images, documents, programs, tables", "other file", classify_other)
_WEAK = (
    ("blank", "empty files, files of zeros", "blank", classify_blank),
    ("json", "JSON", "text", classify_json),
    ("text", "text, HTML, XML", "text", classify_text),
)


def recognised_readers(readers: Iterable[Reader]) -> tuple[Reader, ...]:
    """The readers that name what `readers` do not read."""
    strong = tuple(RecognisedReader(*_described(row)) for row in _STRONG)
    other = RecognisedReader(*_described(_OTHER), sought=False)
    others = (*readers, *strong, other)
    weak = (RecognisedReader(*_described(row), others, sought=False) for row in _WEAK)
    return (*strong, other, *weak)


def _described(row: tuple[str, str, str, Classify]) -> tuple[str, str, str, Classify]:
    name, what, family, classify = row
    return name, f"{what}: named, not read", family, classify
