"""The stacks of numbered layers that names of tensors tell of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

_MIXER = re.compile(
    r"(^|[._])(\w*attn\w*|\w*attention\w*|mlp|ffn?|feed_?forward\w*|mixer|ssm|att|time_mix\w*)[._]",
    re.IGNORECASE,
)
"""Parts that the blocks of transformers, recurrent and state-space models have."""


class LayerStack(Struct, frozen=True):
    """Layers of one kind under one name, told apart by a number.

    Attributes:
        name: what stands before the number ("model.layers").
        members: by number, the names of the tensors in that layer, relative to it.
        outer: whether no number stands before it: it lies in no other stack.
    """

    name: str
    members: Mapping[int, frozenset[str]]
    outer: bool

    @property
    def common(self) -> frozenset[str]:
        """Names of tensors that every layer has."""
        return frozenset.intersection(*self.members.values())

    @property
    def is_uniform(self) -> bool:
        """Whether they are layers of one design, which have much in common.

        The blocks of a transformer and its kin share the names of norms and projections, experts
        those of projections. The modules of an `nn.Sequential` may be alike too, as convolutions
        with their norms are, but what lies between them need not have parameters.
        """
        if self.name.endswith("experts"):
            return len(self.common) >= 2
        mixes = any(_MIXER.search(name) for name in self.common)
        return mixes and len(self.common) >= 4 and min(map(len, self.members.values())) >= 6

    @property
    def end(self) -> int:
        """One more than the largest number."""
        return max(self.members) + 1

    @property
    def gaps(self) -> list[int]:
        """Numbers that are absent between those that are there."""
        return [n for n in range(min(self.members), self.end) if n not in self.members]
