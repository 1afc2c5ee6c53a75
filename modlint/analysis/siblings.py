"""The same model twice in a folder: as safetensors and as a PyTorch file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.beside import Beside, Folder
from modlint.analysis.weight_names import unwrapped
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.errors import Unavailable
from modlint.results.siblings import SiblingDifference

_SAFETENSORS = re.compile(
    r"(?P<stem>[^/]+?)\.safetensors(?P<index>\.index(?P<variant>\.\w+)?\.json)?"
)
_SHARD = re.compile(r"-\d{5}-of-\d{5}(\.|$)")
_RENAMED = (("open_clip_model", "open_clip_pytorch_model"), ("model", "pytorch_model"))
"""By the stem of safetensors, that of the PyTorch file, where the hub's names differ."""
_OTHERS = (".pt", ".pth", ".ckpt")

_MADE_ANEW = re.compile(
    r"(^|[._])(position_ids|token_type_ids|masked_bias|inv_freq|\w*inv_freq|relative_position_index"
    r"|num_batches_tracked|attn_mask|causal_mask|mask|\w+_cached|cached_\w+|embed_positions\.weights?)$"
    r"|(^|\.)(attn|attention)\.bias$|(^|\.)rotary_emb\.\w+$|^(model_)?ema\."
)
"""Buffers that models compute when they are built, and averages that exports leave out."""
_LEGACY = {"gamma": "weight", "beta": "bias"}
_MOST_TWINS = 8


class SiblingDifferences(FileAnalysis[tuple[SiblingDifference, ...]], frozen=True):
    """How a safetensors file, or an index of such, differs from PyTorch files of the same model.

    Attributes:
        tolerance: share of a tensor's largest magnitude that elements may lie apart.
    """

    tolerance: float

    name: ClassVar[str] = "sibling-differences"
    description: ClassVar[str] = "how PyTorch files of the same model differ from safetensors"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """What stands beside the file."""
        return (Beside(),)

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[SiblingDifference, ...]:
        """Compare with each file that stands for the same model.

        Raises:
            Unavailable: such a file cannot be read.
        """
        names = sibling_names(checkpoint, inputs.result(Beside(), checkpoint))
        return tuple(self._compare(name, checkpoint, inputs) for name in names)

    def _compare(self, name: str, checkpoint: Checkpoint, inputs: Inputs) -> SiblingDifference:
        from modlint.numerics.tensor.difference import difference

        opened = inputs.beside(name)
        for file in (checkpoint, opened.checkpoint):
            if not file.is_whole:
                raise Unavailable(f"{file.path.name} was not wholly read")
        here, there = _aligned(_weights(checkpoint), _weights(opened.checkpoint))
        common = [key for key in here if key in there and not _MADE_ANEW.search(key)]
        alike = [key for key in common if here[key].shape == there[key].shape]
        apart: dict[str, float] = {}
        for done, key in enumerate(alike):
            inputs.progress(f"comparing with {name}", done, len(alike))
            try:
                values = inputs.stored(here[key].name), opened.inputs.stored(there[key].name)
            except Unavailable:
                continue
            apart[key] = difference(*values, self.tolerance)
        types = [(here[key].dtype.name, there[key].dtype.name) for key in alike]
        return SiblingDifference(
            file=name,
            common=len(common),
            only_here=tuple(_unexplained(here, there, inputs)),
            only_there=tuple(_unexplained(there, here, opened.inputs)),
            reshaped=tuple(key for key in common if here[key].shape != there[key].shape),
            compared=len(apart),
            differing=tuple(key for key, by in apart.items() if by > 0),
            largest=max((by for by in apart.values() if by > 0), default=0.0),
            casts=tuple(dict.fromkeys(pair for pair in types if pair[0] != pair[1])),
            unread=tuple(key for key in alike if key not in apart),
        )


def sibling_names(checkpoint: Checkpoint, folder: Folder) -> tuple[str, ...]:
    """Names of the PyTorch files beside safetensors that hold the same model by their names."""
    match = _SAFETENSORS.fullmatch(checkpoint.path.name)
    if match is None or _SHARD.search(match["stem"]):
        return ()
    stem, variant = match["stem"], match["variant"] or ""
    if match["index"] is None:
        stem, dot, rest = stem.partition(".")
        variant = dot + rest
    stems = [stem, *(new for old, new in _RENAMED if stem == old)]
    wanted = [f"{s}.bin.index{variant}.json" for s in stems]
    wanted += [f"{s}{variant}.bin" for s in stems]
    wanted += [f"{stem}{variant}{end}" for end in _OTHERS]
    return tuple(name for name in wanted if folder.files.get(name))


def _weights(checkpoint: Checkpoint) -> dict[str, dict[str, Tensor]]:
    """By section, the weights by their keys without wrappers, in today's names."""
    sections: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for tensor in checkpoint.tensors.values():
        if tensor.role is Role.WEIGHT:
            sections[tensor.section][_current(tensor.key)] = tensor
    return sections


def _current(key: str) -> str:
    key = unwrapped(key)
    module, dot, last = key.rpartition(".")
    return f"{module}{dot}{_LEGACY.get(last, last)}" if "norm" in module.lower() else key


def _aligned(
    here: Mapping[str, dict[str, Tensor]], there: Mapping[str, dict[str, Tensor]]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The sections of two files that have most names in common, a model's prefix left out of one.

    Base models are saved without the prefix that they have within a model with a head.
    """
    empty: dict[str, Tensor] = {}
    choices = [(one, other) for one in here.values() for other in there.values()]
    one, other = max(choices, key=_overlap, default=(empty, empty))
    if 2 * _overlap((one, other)) >= min(len(one), len(other)):
        return one, other
    without = [(_unprefixed(one), other), (one, _unprefixed(other))]
    best = max(without, key=_overlap)
    return best if _overlap(best) > _overlap((one, other)) else (one, other)


def _overlap(pair: tuple[Mapping[str, Tensor], Mapping[str, Tensor]]) -> int:
    return len(pair[0].keys() & pair[1].keys())


def _unprefixed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.partition(".")[2] or key: tensor for key, tensor in tensors.items()}


def _unexplained(
    tensors: Mapping[str, Tensor], others: Mapping[str, Tensor], inputs: Inputs
) -> Iterator[str]:
    """Names of tensors that the others lack, and that nobody makes anew from those they hold."""
    common = [tensor for key, tensor in tensors.items() if key in others]
    for key, tensor in tensors.items():
        if key in others or _MADE_ANEW.search(key) or tensor.dtype.kind != "float":
            continue
        if not _is_tied(tensor, common, inputs):
            yield key


def _is_tied(tensor: Tensor, others: list[Tensor], inputs: Inputs) -> bool:
    """Whether another tensor of the same file holds the same elements."""
    from modlint.numerics.tensor.difference import difference

    alike = [t for t in others if t.shape == tensor.shape and t.dtype == tensor.dtype]
    places = {(id(t.storage), t.storage_offset) for t in alike}
    if (id(tensor.storage), tensor.storage_offset) in places:
        return True
    try:
        values = inputs.stored(tensor.name)
        return any(
            not difference(values, inputs.stored(twin.name), 0.0) for twin in alike[:_MOST_TWINS]
        )
    except Unavailable:
        return False
