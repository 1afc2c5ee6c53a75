"""From the path of a model to its checkpoint: a file, or a folder that holds one or several."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Tensor
from modlint.discovery.content import sought_by
from modlint.discovery.discover import Search, discover
from modlint.engine.load import load_whole
from modlint.errors import UnreadableError
from modlint.reader import Reader

_RANK = (
    ".safetensors.index.json",
    "model.safetensors",
    ".safetensors",
    ".bin.index.json",
    ".bin",
    ".pt",
    ".pth",
    ".ckpt",
    ".onnx",
)
"""Of several files of weights in a folder, which is meant: the first by how its name ends."""


def load_model(path: Path, readers: Sequence[Reader]) -> Checkpoint:
    """The checkpoint of a file; of a folder, that of the files in it which hold the weights.

    Raises:
        UnreadableError: there is none, or it cannot wholly be read.
    """
    if not os.path.lexists(path):
        raise UnreadableError("no such file or folder")
    return _of_folder(path, readers) if path.is_dir() else load_whole(path, readers)


def _of_folder(folder: Path, readers: Sequence[Reader]) -> Checkpoint:
    """What a folder holds: in each of its folders one checkpoint, all of them as one."""
    found = discover([folder], Search(sought_by(readers), excludes=lambda _: False))
    chosen: dict[Path, Path] = {}
    for path in sorted(found.files, key=_rank):
        if path.parent not in chosen and _rank(path)[0] < len(_RANK):
            chosen[path.parent] = path
    if not chosen:
        raise UnreadableError("holds no checkpoint")
    read = {path: load_whole(path, readers) for path in chosen.values()}
    if len(read) == 1:
        return next(iter(read.values()))
    return _merged(folder, read)


def _rank(path: Path) -> tuple[int, str]:
    ranks = (rank for rank, end in enumerate(_RANK) if path.name.endswith(end))
    return next(ranks, len(_RANK)), str(path)


def _merged(folder: Path, read: Mapping[Path, Checkpoint]) -> Checkpoint:
    """Checkpoints of several folders as one; each name begins with that of its folder."""
    tensors: dict[str, Tensor] = {}
    for path, checkpoint in read.items():
        place = ".".join(path.parent.relative_to(folder).parts)
        for tensor in checkpoint.tensors.values():
            name = f"{place}.{tensor.key}" if place else tensor.key
            tensors[name] = replace(tensor, name=name, section="")
    first = next(iter(read.values()))
    return replace(
        first,
        path=folder,
        tensors=tensors,
        nbytes=sum(checkpoint.nbytes for checkpoint in read.values()),
    )
