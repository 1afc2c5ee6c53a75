"""Which of the files in a folder is judged with what stands beside it."""

from __future__ import annotations

import re

from modlint.analysis.beside import Beside, Folder, NoFolderError
from modlint.checkpoint import NOT_WHOLLY_READ, Checkpoint
from modlint.errors import Unavailable
from modlint.rule import Examination
from modlint.scopes import unread

BESIDE = Beside()

_MODEL = re.compile(r"(pytorch_)?model(\.[A-Za-z]\w*)?\.(safetensors|bin)(\.index(\.\w+)?\.json)?")
_SHARD = re.compile(r"[-.]\d{5}-of-\d{5}(?=\.)")


def index_of(checkpoint: Checkpoint, folder: Folder) -> str | None:
    """Name of the index that a shard is judged with; None where the file stands for itself."""
    name = checkpoint.path.name
    if _SHARD.search(name) is None:
        return None
    stem, end = _SHARD.sub("", name).rsplit(".", 1)
    model, _, variant = stem.partition(".")
    wanted = {f"{stem}.{end}.index.json", f"{model}.{end}.index.{variant}.json"}
    return next((index for index in sorted(wanted) if index in folder.files), None)


def folder_of(file: Examination) -> Folder | None:
    """What stands beside the file; None where it is no file of its own.

    Raises:
        Unavailable: its folder cannot be listed.
    """
    try:
        return file.result(BESIDE, file.checkpoint)
    except NoFolderError:
        return None


def shard_of(file: Examination) -> str | None:
    """Name of the index that a shard is judged with; None too where its folder is not known."""
    try:
        return index_of(file.checkpoint, file.result(BESIDE, file.checkpoint))
    except Unavailable:
        return None


def incomplete(checkpoint: Checkpoint) -> str | None:
    """Why its tensors are not all that it has; None where they are."""
    lacking = any(remark.kind == "missing-tensor" for remark in checkpoint.remarks)
    return unread(checkpoint) or (NOT_WHOLLY_READ if lacking else None)


def is_model(checkpoint: Checkpoint) -> bool:
    """Whether transformers reads the file as a model's weights: one file, or the index of shards.

    Adapters, states of optimisers, weights of other frameworks and those that the original authors'
    code reads have other names.
    """
    return _MODEL.fullmatch(checkpoint.path.name) is not None


def variant_of(checkpoint: Checkpoint) -> str | None:
    """What a file name says of the kind of weights ("fp16"); None where it says nothing."""
    return _variant(checkpoint.path.name)


def has_variants(folder: Folder) -> bool:
    """Whether the model stands in the folder in some other kind of weights too."""
    return any(_variant(name) is not None for name in folder.files)


def _variant(name: str) -> str | None:
    found = _MODEL.fullmatch(name)
    return (found[2] or found[5] or "").lstrip(".") or None if found else None
