"""What Python code may give to be checked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from modlint.checkpoint import Checkpoint
from modlint.errors import MissingPathError
from modlint.live import checkpoint_of, is_array, is_module

if TYPE_CHECKING:
    from torch import nn

AnyPath: TypeAlias = "str | os.PathLike[str]"
Subject: TypeAlias = "AnyPath | Iterable[AnyPath] | Mapping[str, Any] | nn.Module | Checkpoint"

_ACCEPTED = (
    "give a path, paths, a mapping of names to tensors or arrays, a torch.nn.Module, "
    "or a modlint.checkpoint.Checkpoint"
)


def paths_or_checkpoint(x: object) -> list[Path] | Checkpoint:
    """The paths that x names, each of which exists, or the checkpoint that it is.

    Raises:
        TypeError: it is neither.
        ValueError: a path does not exist, or there is nothing in it.
    """
    if isinstance(x, Checkpoint):
        return x
    if is_module(x) or isinstance(x, Mapping):
        return checkpoint_of(x)
    if isinstance(x, str | os.PathLike):
        return [_existing(x)]
    if is_array(x):
        kind = type(x).__name__
        raise TypeError(f"a {kind} alone has no name: give a mapping, {{'weight': …}}")
    if not isinstance(x, Iterable) or isinstance(x, bytes):
        raise TypeError(f"{_shown(x)} cannot be checked: {_ACCEPTED}")
    items = list(x)
    for index, item in enumerate(items):
        if not isinstance(item, str | os.PathLike):
            raise TypeError(f"item {index} is {_shown(item)}, not a path: {_ACCEPTED}")
    if not items:
        raise ValueError(f"there are no paths in the {type(x).__name__}: {_ACCEPTED}")
    return [_existing(item) for item in items]


def one_path_or_checkpoint(x: object) -> Path | Checkpoint:
    """The one file or folder that x names, or the checkpoint that it is.

    Raises:
        TypeError: it is neither, or several.
        ValueError: it does not exist, or there is nothing in it.
    """
    subject = paths_or_checkpoint(x)
    if isinstance(subject, Checkpoint):
        return subject
    if len(subject) != 1:
        raise TypeError(f"{len(subject)} paths are given: give one file or folder at a time")
    return subject[0]


def one_file(x: object) -> Path | Checkpoint:
    """The one file that x names, or the checkpoint that it is.

    Raises:
        TypeError: it is neither, or several.
        ValueError: the file does not exist, is a folder, or there is nothing in it.
    """
    subject = paths_or_checkpoint(x)
    if isinstance(subject, Checkpoint):
        return subject
    if len(subject) != 1:
        raise TypeError(f"{len(subject)} paths are given: give one file at a time")
    (path,) = subject
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give one of its files")
    return path


def _existing(item: Any) -> Path:
    text = os.fspath(item)
    if not text:
        raise ValueError("the path is empty; '.' is the current folder")
    path = Path(os.fsdecode(text))
    if not os.path.lexists(path):
        raise MissingPathError(f"{path}: no such file or folder (in {Path.cwd()})")
    return path


def _shown(x: object) -> str:
    text, kind = repr(x), type(x).__name__
    return f"{text} ({kind})" if len(text) <= 40 else f"a {kind}"
