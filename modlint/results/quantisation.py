"""What a checkpoint holds of quantised weights, and where its parts contradict one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from modlint.checkpoint import Tensor

Formula = Literal["scaled", "packed", "gptq", "awq", "bitsandbytes", "quanto", "hqq", "onnx"]


class Layout(Struct, frozen=True):
    """How codes become values.

    Attributes:
        formula: which computation of `modlint.numerics.quantisation` gives the values.
        shape: sizes of the weight that the codes stand for; rows are all axes but the last.
        bits: of a code.
        block: how many rows and how many columns share a scale.
        offset: what is added to a code where it is stored, and where a zero point is.
        decoding: what the codes are: numbers, or entries of a table.
        group: size of a group, where a formula needs it; 0 for whole rows.
        axis: along which the groups lie, where a formula lets it be chosen.
        divides: whether the global scale divides instead of multiplying.
        denominator: what the scale is divided by.
        flat: whether the weight's own shape is not stored: rows are groups, in its order.
    """

    formula: Formula
    shape: tuple[int, ...]
    bits: int = 8
    block: tuple[int, int] = (1, 1)
    offset: int = 0
    decoding: Literal["unsigned", "signed", "e2m1"] = "unsigned"
    group: int = 0
    axis: int = 0
    divides: bool = False
    denominator: float = 1.0
    flat: bool = False

    @property
    def rows(self) -> int:
        """Sizes of all axes but the last, multiplied."""
        product = 1
        for size in self.shape[:-1]:
            product *= size
        return product

    @property
    def columns(self) -> int:
        """Size of the last axis."""
        return self.shape[-1] if self.shape else 1


class QuantisedWeight(Struct, frozen=True, eq=False):
    """A weight that is stored as codes with scales beside them.

    Attributes:
        name: of the weight that they stand for ("model.layers.0.mlp.up_proj.weight").
        scheme: what wrote it ("GPTQ").
        parts: the tensors that it is made of, by what they are ("codes", "scale", "zero_point").
        layout: how its values follow from them; None where that is not known.
        reason: why its values cannot be computed, where `layout` is None.
        where: of an ONNX model, the node that reads it.
    """

    name: str
    scheme: str
    parts: Mapping[str, Tensor]
    layout: Layout | None = None
    reason: str = ""
    where: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the weight; those of its codes where they tell no more."""
        return self.layout.shape if self.layout is not None else self.parts["codes"].shape


class Breach(Struct, frozen=True):
    """A promise that the parts of a quantised checkpoint do not keep.

    Attributes:
        kind: what is wrong, in kebab case ("scale-missing").
        tensor: name of the tensor that is wrong, or should be there.
        found: what was expected and what was found, in one sentence.
        why: what comes of it, in one sentence.
        values: what was measured.
    """

    kind: str
    tensor: str
    found: str
    why: str
    values: Mapping[str, Any] = field(default_factory=dict)


class Quantisation(Struct, frozen=True):
    """The quantised weights of a checkpoint.

    Attributes:
        weights: by name of the weight.
        parts: by name of each tensor that belongs to one, the name of the weight.
        breaches: what their names, types and shapes contradict.
        method: what the configuration calls the scheme, "" where it states none.
        unknown: why part of it could not be judged, "" where all was.
        promised: whether the configuration says that weights are quantised.
        second: whether it says that GPTQ's zero points are stored as they are.
        symmetric: whether it says that zero points are fixed.
        ordered: whether it says that inputs may belong to groups in any order.
        scales: of an ONNX model, all scales that its nodes read, by name.
    """

    weights: Mapping[str, QuantisedWeight] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    breaches: tuple[Breach, ...] = ()
    method: str = ""
    unknown: str = ""
    promised: bool = False
    second: bool | None = None
    symmetric: bool | None = None
    ordered: bool | None = None
    scales: Mapping[str, Tensor] = field(default_factory=dict)
