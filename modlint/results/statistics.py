"""What is known of one tensor's elements."""

from __future__ import annotations

from msgspec import Struct


class Statistics(Struct, frozen=True):
    """Statistics of a tensor's elements; a complex element is finite when both parts are.

    Attributes:
        elements: number of elements.
        nan: elements that are NaN.
        positive_infinite: elements that are +inf.
        negative_infinite: elements that are −inf.
        first_non_finite: row-major index of the first element that is not finite, or None.
        zeros: elements that are zero.
        minimum: smallest finite element, None where there is none; of complex ones the modulus.
        maximum: largest finite element, likewise.
        mean: mean of the finite elements, None where there is none.
        std: their standard deviation (ddof 0), None where there is none.
        zero_rows: indices along the first axis whose slice is all zero; () below two axes.
        zero_columns: indices along the second axis whose slice is all zero; () below two axes.
    """

    elements: int
    nan: int
    positive_infinite: int
    negative_infinite: int
    first_non_finite: int | None
    zeros: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    zero_rows: tuple[int, ...]
    zero_columns: tuple[int, ...]

    @property
    def non_finite(self) -> int:
        """Elements that are NaN or infinite."""
        return self.nan + self.positive_infinite + self.negative_infinite
