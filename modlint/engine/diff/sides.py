"""The tensors of each checkpoint as they are compared: values, whatever codes hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct, field

from modlint.analysis.base import Array
from modlint.analysis.matching import elements_of
from modlint.analysis.quantisation import QuantisedWeights, values_of
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.difference import DiffSide
from modlint.engine.examine import FileExamination
from modlint.errors import Unavailable
from modlint.results.quantisation import QuantisedWeight

MOST_TENSORS = 250_000
"""Of a checkpoint that is compared."""


class Logical(Struct, frozen=True, eq=False):
    """A tensor as it is compared.

    Attributes:
        name: its name in the checkpoint.
        key: the name within its section, by which it is matched.
        shape: sizes of its values.
        dtype: PyTorch's name of the elements' type; of codes the scheme that wrote them.
        kind: the family of values ("float").
        quantised: whether codes hold it.
        bits: of an element, or of a code.
        array: gives the values; raises `Unavailable` or `UnreadableError`.
        parts: names of the tensors that it is made of.
    """

    name: str
    key: str
    shape: tuple[int, ...]
    dtype: str
    kind: str
    quantised: bool
    bits: int
    array: Callable[[], Array]
    parts: tuple[str, ...]

    @property
    def elements(self) -> int:
        """Number of elements."""
        product = 1
        for size in self.shape:
            product *= size
        return product


class Side(Struct):
    """One of the two checkpoints.

    Attributes:
        checkpoint: what was read.
        tensors: its weights.
        training_state: how many tensors are no weights.
    """

    checkpoint: Checkpoint
    tensors: list[Logical] = field(default_factory=list)
    training_state: int = 0

    @property
    def info(self) -> DiffSide:
        """What the document says of it."""
        return DiffSide(
            path=str(self.checkpoint.path),
            format=self.checkpoint.format,
            tensors=len(self.checkpoint.tensors),
            parameters=self.checkpoint.parameters,
            bytes=self.checkpoint.nbytes,
        )


def side_of(checkpoint: Checkpoint, logical: Mapping[str, Logical], parts: frozenset[str]) -> Side:
    """The weights of a checkpoint.

    Args:
        checkpoint: what was read.
        logical: weights that codes hold, by name.
        parts: names of the tensors that make them up.
    """
    side = Side(checkpoint)
    weights = [t for t in checkpoint.tensors.values() if t.role is Role.WEIGHT]
    side.training_state = len(checkpoint.tensors) - len(weights)
    keys = [tensor.key for tensor in weights]
    unique = len(set(keys)) == len(keys)
    side.tensors = list(logical.values())
    side.tensors += [_plain(t, unique=unique) for t in weights if t.name not in parts]
    del side.tensors[MOST_TENSORS:]
    return side


def _plain(tensor: Tensor, *, unique: bool) -> Logical:
    return Logical(
        name=tensor.name,
        key=tensor.key if unique else tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype.name,
        kind=tensor.dtype.kind,
        quantised=False,
        bits=tensor.dtype.bits,
        array=lambda: elements_of(tensor),
        parts=(tensor.name,),
    )


def named(path: Path) -> str:
    """A path as messages name it."""
    return path.name or str(path)


def logical_weights(
    examination: FileExamination,
) -> tuple[Mapping[str, Logical], frozenset[str]]:
    """The weights that codes hold, and the names of the tensors that make them up."""
    checkpoint = examination.checkpoint
    try:
        found = examination.result(QuantisedWeights(), checkpoint)
    except Unavailable:
        return {}, frozenset()
    logical = {name: _coded(weight) for name, weight in found.weights.items()}
    return logical, frozenset(found.parts)


def _coded(weight: QuantisedWeight) -> Logical:
    codes = weight.parts["codes"]
    section = f"{codes.section}." if codes.section else ""
    layout = weight.layout
    bits = layout.bits if layout is not None else codes.dtype.bits
    return Logical(
        name=weight.name,
        key=weight.name.removeprefix(section),
        shape=weight.shape,
        dtype=f"{bits} bits, {weight.scheme}",
        kind="float",
        quantised=True,
        bits=bits,
        array=lambda: values_of(weight),
        parts=tuple(tensor.name for tensor in weight.parts.values()),
    )
