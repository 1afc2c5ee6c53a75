"""Which tensors belong to numbered layers: `model.layers.3.self_attn.q_proj.weight` to layer 3."""

from __future__ import annotations

from collections import defaultdict
from typing import ClassVar

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.checkpoint import Checkpoint, Role
from modlint.results.layers import LayerStack

NAMES = frozenset(
    {"layers", "layer", "h", "block", "blocks", "blk", "resblocks", "experts", "layer_stack"}
)
"""What architectures call a stack of layers of one kind. Numbers under other names, as those of an
`nn.Sequential`, count modules of any kind: those without parameters leave gaps."""
MAX_LAYERS = 100_000
MAX_DEPTH = 64


class LayerStacks(FileAnalysis[tuple[LayerStack, ...]], frozen=True):
    """The stacks of layers under the names in `NAMES`, in the file's order."""

    name: ClassVar[str] = "layer-stacks"
    description: ClassVar[str] = "numbered layers, and the tensors in each"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[LayerStack, ...]:  # noqa: ARG002
        """Sort the names of the weights."""
        names = [t.name for t in checkpoint.tensors.values() if t.role is Role.WEIGHT]
        return stacks_of(names)


def stacks_of(names: list[str]) -> tuple[LayerStack, ...]:
    """The stacks that names of tensors tell of."""
    found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    nested: set[str] = set()
    for name in names:
        parts = name.split(".", MAX_DEPTH)
        numbered = False
        for i in range(1, len(parts) - 1):
            if _is_number(parts[i]):
                if parts[i - 1] in NAMES:
                    stack = ".".join(parts[:i])
                    found[stack][int(parts[i])].add(".".join(parts[i + 1 :]))
                    if numbered:
                        nested.add(stack)
                numbered = True
    return tuple(
        LayerStack(
            stack, {n: frozenset(names) for n, names in members.items()}, stack not in nested
        )
        for stack, members in found.items()
    )


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= 6 and int(part) < MAX_LAYERS
