"""Members of ensembles, and experts of mixtures, by the names of their weights."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from msgspec import Struct

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.layer_weights import LayerWeights
from modlint.analysis.quantisation import QuantisedWeights
from modlint.checkpoint import Checkpoint, Tensor
from modlint.results.members import MemberGroup

_WEIGHTS = LayerWeights()
_HOLDERS = frozenset(
    {"experts", "members", "ensemble", "ensembles", "models", "nets", "networks", "estimators"}
    | {"estimators_", "learners", "critics", "qfs", "q_nets", "q_networks", "base_models"}
)
"""What a list of members is called."""
_NUMBERED = re.compile(
    r"((?:.*_)?(?:expert|member|model|net|network|learner|student|estimator|critic|qf|q|qnet|q_net))"
    r"_?(\d{1,4})"
)
"""A member with its number in its own name ("critic2", "expert_0")."""
_FUSED = re.compile(r"((?:^|.*\.)experts)\.[^.]+(?:\.weight)?$")
"""Experts in one tensor, along its first axis."""
_MOST_DEPTH = 64
_MOST = 4096


class Slice(Struct, frozen=True):
    """A member's weight: a tensor, or one item along the first axis of a tensor.

    Attributes:
        tensor: its name.
        item: which item, None for all of it.
    """

    tensor: str
    item: int | None = None


class Member(Struct, frozen=True):
    """One member: its weights by their names within it."""

    name: str
    weights: dict[str, Slice]


class RedundantMembers(FileAnalysis["tuple[MemberGroup, ...]"], frozen=True):
    """By what they are members of, which are copies, empty, or alike unit by unit.

    Members are compared by the units of the first weight that reads many: matched without regard to
    order and sign, on a sample of their weights.

    Attributes:
        cosine: mean of the matched units' absolute cosines, above which two members are alike.
        min_fan_in: weights that a unit must have to be matched.
    """

    cosine: float = 0.95
    min_fan_in: int = 64

    name: ClassVar[str] = "redundant-members"
    description: ClassVar[str] = "members of ensembles and experts of mixtures that are alike"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Which tensors are weights of layers."""
        return (_WEIGHTS, QuantisedWeights())

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[MemberGroup, ...]:
        """Compare the members of each group.

        Raises:
            Unavailable: a weight cannot be read.
        """
        names = inputs.result(_WEIGHTS, checkpoint)
        tensors = [t for t in checkpoint.tensors.values() if t.name in names]
        groups = list(member_groups(tensors))
        if not groups:
            return ()
        from modlint.numerics.tensor.members import compared

        return compared(groups, checkpoint.tensors, inputs, (self.cosine, self.min_fan_in))


def member_groups(tensors: Iterable[Tensor]) -> Iterator[tuple[str, tuple[Member, ...]]]:
    """Groups of members with the same names and shapes of weights, by what holds them."""
    found: dict[str, dict[str, dict[str, Slice]]] = defaultdict(lambda: defaultdict(dict))
    kinds: dict[Slice, tuple[object, ...]] = {}
    for tensor in tensors:
        for (holder, member, rest), part in _parts(tensor):
            found[holder][member][rest] = part
            kinds[part] = (rest, tensor.shape, tensor.dtype.name)
    for holder, members in found.items():
        alike: dict[object, list[Member]] = defaultdict(list)
        for name, weights in members.items():
            kind = tuple(sorted((kinds[part] for part in weights.values()), key=repr))
            alike[kind].append(Member(name, weights))
        for group in alike.values():
            if len(group) > 1:
                yield holder, tuple(group)


def _parts(tensor: Tensor) -> Iterator[tuple[tuple[str, str, str], Slice]]:
    """What holds a member, which one it is and the rest of the name, by part of a tensor."""
    fused = _FUSED.search(tensor.name) if len(tensor.shape) == 3 else None
    if fused is not None and tensor.shape[0] <= _MOST:
        holder, rest = tensor.name[: fused.end(1)], tensor.name[fused.end(1) + 1 :]
        for item in range(tensor.shape[0]):
            yield (holder, str(item), rest), Slice(tensor.name, item)
    elif (place := _place(tensor.name)) is not None:
        yield place, Slice(tensor.name)


def _place(name: str) -> tuple[str, str, str] | None:
    """The innermost member that a name is of, None where it is of none."""
    parts = name.split(".", _MOST_DEPTH)
    for i in range(len(parts) - 2, -1, -1):
        if i and parts[i - 1] in _HOLDERS and parts[i].isascii() and parts[i].isdigit():
            return ".".join(parts[:i]), parts[i], ".".join(parts[i + 1 :])
        match = _NUMBERED.fullmatch(parts[i])
        if match is not None:
            holder = ".".join([*parts[:i], f"{match[1]}*"])
            return holder, parts[i], ".".join(parts[i + 1 :])
    return None
