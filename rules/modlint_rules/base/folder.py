"""Which of the files in a folder is judged with what stands beside it."""

from __future__ import annotations

import re

from modlint.analysis.beside import Beside, Folder
from modlint.checkpoint import Checkpoint

BESIDE = Beside()

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
