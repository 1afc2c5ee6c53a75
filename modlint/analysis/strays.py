"""Weight files beside an index of shards that no index of the folder names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.beside import Beside, Document, Folder
from modlint.checkpoint import Checkpoint
from modlint.errors import Unavailable
from modlint.file_names import is_adapter
from modlint.results.siblings import StrayFile

_INDEX = re.compile(
    r"(?P<stem>.+?)(?P<end>\.safetensors|\.bin)\.index(?P<variant>\.[\w-]+)?\.json", re.IGNORECASE
)
_SHARD = r"-\d{5}-of-\d{5}"
_OTHERS = re.compile(
    r"consolidated|optimizer|scheduler|scaler|sampler|training_args|random_states|rng_state"
    r"|tokenizer|adapter|lora|mmproj|mm_projector|value_head|vae|text_encoder",
    re.IGNORECASE,
)
"""Files that belong beside an index without being named by it: the same weights by the names of
their publisher (`consolidated`), what training leaves, further parts."""
_MOST_OPENED = 64


class StrayFiles(FileAnalysis[tuple[StrayFile, ...]], frozen=True):
    """Files of the index's format that hold what its shards hold, and that no index names.

    A name is enough where it is the one of the whole model or of a shard; of other files half of
    the tensors must bear names that the index has too.
    """

    name: ClassVar[str] = "stray-files"
    description: ClassVar[str] = "weight files beside an index that no index names"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """What stands beside the file."""
        return (Beside(),)

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[StrayFile, ...]:
        """Look at each weight file that no index names."""
        match = _INDEX.fullmatch(checkpoint.path.name)
        if match is None:
            return ()
        folder = inputs.result(Beside(), checkpoint)
        named = {Path(name).name for name in _named(checkpoint, folder, inputs)}
        end = match["end"].lower()
        found, opened = [], 0
        for name, nbytes in sorted(folder.files.items()):
            if not nbytes or name in named or not name.lower().endswith(end):
                continue
            kind = _by_name(name, match["stem"], match["variant"] or "", end)
            if kind == "unsure" and opened < _MOST_OPENED:
                opened += 1
                repeated = _repeated(name, checkpoint, inputs)
                found += [StrayFile(name, nbytes, repeated=repeated)] if repeated else []
            elif kind in ("whole", "shard"):
                found.append(StrayFile(name, nbytes, loaded_first=kind == "whole"))
        return tuple(found)


def _named(checkpoint: Checkpoint, folder: Folder, inputs: Inputs) -> Iterator[str]:
    """Names of files in all indexes of the folder."""
    for index in folder.files:
        if _INDEX.fullmatch(index) is None:
            continue
        try:
            document = Document(index).compute(checkpoint, inputs) or {}
        except Unavailable:
            continue
        weight_map = document.get("weight_map")
        if isinstance(weight_map, dict):
            yield from {name for name in weight_map.values() if isinstance(name, str)}


def _by_name(name: str, stem: str, variant: str, end: str) -> str:
    """What a file is by its name: "whole", "shard", "variant", "other" or "unsure"."""
    start, kind = re.escape(stem), re.escape(variant)
    if re.fullmatch(rf"{start}{kind}{end}", name, re.IGNORECASE):
        return "whole"
    if re.fullmatch(rf"{start}({kind}{_SHARD}|{_SHARD}{kind}){end}", name, re.IGNORECASE):
        return "shard"
    if re.fullmatch(rf"{start}(\.\w+)?({_SHARD})?(\.\w+)?{end}", name, re.IGNORECASE):
        return "variant"
    return "other" if _OTHERS.search(name) or is_adapter(Path(name)) else "unsure"


def _repeated(name: str, checkpoint: Checkpoint, inputs: Inputs) -> int | None:
    """How many of a file's tensors bear names of the index, None where it is less than half."""
    try:
        tensors = inputs.beside(name).checkpoint.tensors
    except Unavailable:
        return None
    repeated = len(tensors.keys() & checkpoint.tensors.keys())
    return repeated if repeated and 2 * repeated >= len(tensors) else None
