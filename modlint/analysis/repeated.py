"""Which tensors a file holds twice, as they are or transposed."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.checkpoint import Checkpoint
from modlint.errors import Unavailable, UnreadableError
from modlint.results.repeated import Repeated


class RepeatedTensors(FileAnalysis[tuple[Repeated, ...]], frozen=True):
    """Tensors of two axes or more whose bytes another tensor's storage holds as well.

    Tensors of one value throughout (masks, states of zeros) are none. A few elements tell
    candidates apart; only where they agree is all of a tensor read.

    Attributes:
        min_bytes: smaller tensors are left out.
    """

    min_bytes: int = 64 << 10

    name: ClassVar[str] = "repeated-tensors"
    description: ClassVar[str] = "tensors stored twice, as they are or transposed"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[Repeated, ...]:  # noqa: ARG002
        """Compare.

        Raises:
            Unavailable: a tensor cannot be read.
        """
        from modlint.numerics.tensor.repeated import repeated

        large = (t for t in checkpoint.tensors.values() if t.nbytes >= self.min_bytes)
        try:
            return tuple(repeated(large))
        except UnreadableError as error:
            raise Unavailable(str(error)) from error
