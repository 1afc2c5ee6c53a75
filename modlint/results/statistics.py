"""What is known of one tensor's elements."""

from __future__ import annotations

from msgspec import Struct


class Statistics(Struct, frozen=True):
    """Statistics of a tensor's elements; a complex element is finite when both parts are.

    Counts, indices and the range are exact (integers past 2^53 are rounded to float64). Of types
    that float32 holds, moments are added up in it where their range allows: mean is then right to
    4e-6 rms, std and rms to 4e-6 of themselves, kurtosis to 2e-4; of others to 1e-12 and 1e-10.

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
        rms: the root of the mean square of the finite elements, None where there is none.
        kurtosis: their fourth central moment over the squared variance, 3 of a normal
            distribution; None where all are equal, or there is none.
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
    rms: float | None = None
    kurtosis: float | None = None

    @property
    def non_finite(self) -> int:
        """Elements that are NaN or infinite."""
        return self.nan + self.positive_infinite + self.negative_infinite
