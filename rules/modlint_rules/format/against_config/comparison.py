"""A model beside its configuration, and what comparisons of the two find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.results.layers import LayerStack
from modlint.results.model_config import ModelConfig
from modlint.verdict import Severity


class Mismatch(Struct, frozen=True):
    """Something that the configuration says and the tensors do not bear out.

    Attributes:
        message: what was measured against what was stated, and why it matters.
        help: what to do.
        severity: an error where loading or the first use of a token surely fails.
        tensor: the tensor that it is about, None for the model as a whole.
        values: what was measured and stated.
    """

    message: str
    help: str
    severity: Severity
    tensor: str | None = None
    values: Mapping[str, Any] = {}


class Model(Struct, frozen=True):
    """The weights of one model, with its configuration.

    Attributes:
        checkpoint: the file.
        config: what config.json says.
        stacks: its numbered layers.
    """

    checkpoint: Checkpoint
    config: ModelConfig
    stacks: tuple[LayerStack, ...] = ()

    def weights(self) -> Iterator[Tensor]:
        """Its tensors without training state."""
        return (t for t in self.checkpoint.tensors.values() if t.role is Role.WEIGHT)


class Comparison:
    """Collects what comparisons find, and counts what they compared."""

    def __init__(self) -> None:
        self.compared = 0
        self.found: list[Mismatch] = []

    def agree(self) -> None:
        """Count something that is as stated."""
        self.compared += 1

    def differ(self, mismatch: Mismatch) -> None:
        """Keep something that is not."""
        self.compared += 1
        self.found.append(mismatch)
