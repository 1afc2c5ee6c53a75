"""What a scheme of quantisation is: names of tensors that belong together, and what they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from modlint.analysis.quantisation.settings import Settings
from modlint.checkpoint import Tensor
from modlint.results.quantisation import Layout

Shapes = tuple[tuple[int, ...], ...]

FP8 = frozenset({"float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"})
WORDS = frozenset({"int32", "uint32"})
BYTES = frozenset({"uint8", "int8"})


class Misfit(Exception):
    """A part does not fit the others.

    Args:
        role: what the part is to the weight.
        expected: the shapes that would fit.
        why: why it cannot be told what would, where nothing would.
    """

    def __init__(self, role: str, expected: Shapes = (), why: str = "") -> None:
        super().__init__(why)
        self.role = role
        self.expected = expected
        self.why = why


class Unsettled(Exception):
    """How the codes become values is not known; `str` is the reason, which is no finding."""


class Group(Struct, frozen=True):
    """Tensors that make one quantised weight.

    Attributes:
        stem: what their names share.
        parts: by what they are.
        settings: what is said of this module.
        metadata: what the file says beside its tensors.
    """

    stem: str
    parts: Mapping[str, Tensor]
    settings: Settings
    metadata: Mapping[str, object]

    def shape(self, role: str) -> tuple[int, ...]:
        """Sizes of a part that is there."""
        return self.parts[role].shape

    def require(self, role: str, *expected: tuple[int, ...]) -> None:
        """Refuse a part, where there is one, of a shape that is none of these."""
        if role in self.parts and self.parts[role].shape not in expected:
            raise Misfit(role, expected)


class Scheme(Struct, frozen=True):
    """A way to store a weight as several tensors.

    Attributes:
        name: what wrote it.
        methods: what configurations call it.
        codes: end of the name of the codes (".qweight"); the rest is the stem.
        types: element types of the codes.
        parts: by what a part is, the ends of names that it may have.
        required: without which there are no values.
        told_by: parts by which the scheme is recognised, any of them; codes alone suffice where
            this is empty.
        shared: parts that every weight has where most have them.
        lone: parts that stand for quantisation where their codes are missing.
        layout: how the parts make a weight; raises `Misfit` or `Unsettled`.
        weight: end of the name of the weight that they stand for.
    """

    name: str
    methods: frozenset[str]
    codes: str
    types: frozenset[str]
    parts: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    layout: Callable[[Group], Layout]
    told_by: tuple[str, ...] = ("scale",)
    shared: tuple[str, ...] = ()
    lone: tuple[str, ...] = ("scale",)
    weight: str = ".weight"
    excluded: tuple[str, ...] = ()


def ceil(size: int, by: int) -> int:
    """How many runs of `by` it takes to cover `size`."""
    return -(-size // by)
