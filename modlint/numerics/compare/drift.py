"""How far one tensor differs from another, added up block by block."""

from __future__ import annotations

import math

import numpy as np

from modlint.numerics.compare.blocks import Numbers, blocks, codes, flat, place, precise, same
from modlint.results.drift import Drift, LowBits, Scaling

_LINE = 8192
"""Elements that are multiplied and added up at a time: the same on any number of threads."""
_SMALL, _LARGE = 1e-15, 1e15
"""Magnitudes whose squares float32 holds."""
_LOW = {"float64": 52, "float32": 24, "float16": 10, "bfloat16": 7, "int8": 4, "uint8": 4}
"""By type, the most low bits: those of the mantissa, of float32 its three bytes."""


_VARIED = 8
"""Different values above the low bits, of a tensor that is more than one number."""
_EVEN = 0.1
"""How far the share of low bits below the middle may be from one half."""


def drift(old: Numbers, new: Numbers, tolerance: tuple[float, float] | None = None) -> Drift:
    """Compare two arrays of one shape.

    Args:
        old: of any numeric type.
        new: of the same shape; a view of it may be transposed.
        tolerance: relative and absolute error of a cast, where that is asked about.
    """
    if same(old, new):
        return Drift(elements=old.size)
    found = _SoFar(old, new, tolerance)
    for x, y, start in blocks(old, new):
        found.add(x, y, start)
    return found.end()


class _SoFar:
    """What has been seen of both."""

    def __init__(self, old: Numbers, new: Numbers, tolerance: tuple[float, float] | None) -> None:
        self.old, self.new = old, new
        self.tolerance = tolerance
        self.double = precise(old) or precise(new)
        self.elements = old.size
        self.changed = self.zeroed = self.not_finite = self.beyond = 0
        self.squares = self.difference = self.product = self.largest = 0.0
        self.largest_at: int | None = None
        self.buffers = np.empty(0), np.empty(0)
        self.set_bits: int | None = 0 if old.dtype == new.dtype and new.dtype.kind == "f" else None
        self.bits = _Bits(_LOW[old.dtype.name]) if self._has_low_bits(old, new) else None

    @staticmethod
    def _has_low_bits(old: Numbers, new: Numbers) -> bool:
        return old.dtype == new.dtype and old.dtype.name in _LOW

    def add(self, old: Numbers, new: Numbers, start: int) -> None:
        """Take in a block of both."""
        if self.bits is not None and not self.bits.add(codes(old), codes(new)):
            self.bits = None
        if self.set_bits is not None and not self.set_bits & 1:
            self.set_bits |= int(np.bitwise_or.reduce(_bits_of(new)))
        with np.errstate(all="ignore"):
            x, y = flat(old, double=self.double), flat(new, double=self.double)
            step, size = self._steps(x, y)
            top = float(size.max())
            if not math.isfinite(top):
                x, y = self._finite(x, y)
                step, size = self._steps(x, y)
                top = float(size.max())
            self.changed += int(np.count_nonzero(step))
            if not self._sums(x, step, top):
                self._sums(x.astype(np.float64), step.astype(np.float64), top, sure=True)
            if top:
                self._changed(x, y, step, size)
                if top > self.largest:
                    self.largest = top
                    self.largest_at = place(start, int(size.argmax()), new.shape, self.new.shape)

    def _steps(self, x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
        """What was added to each element, and how much that is, in memory that is used again."""
        if len(self.buffers[0]) < len(x) or self.buffers[0].dtype != x.dtype:
            self.buffers = np.empty_like(x), np.empty_like(x)
        step, size = (buffer[: len(x)] for buffer in self.buffers)
        return np.subtract(y, x, out=step), np.abs(step, out=size)

    def _changed(self, x: Numbers, y: Numbers, step: Numbers, size: Numbers) -> None:
        """Count what became zero, and what no cast explains."""
        if np.count_nonzero(y) < len(y):
            self.zeroed += int(np.count_nonzero((y == 0) & (step != 0)))
        if self.tolerance is not None:
            relative, least = self.tolerance
            self.beyond += int(np.count_nonzero(size > relative * np.abs(x) + least))

    def end(self) -> Drift:
        """The drift of all that was added."""
        return Drift(
            elements=self.elements,
            changed=self.changed,
            squares=self.squares,
            difference=self.difference,
            product=self.product,
            largest=self.largest,
            largest_at=self.largest_at,
            zeroed=self.zeroed,
            not_finite=self.not_finite,
            beyond=self.beyond,
            trailing=_trailing(self.set_bits),
            low_bits=self._low_bits(),
        )

    def _low_bits(self) -> LowBits | None:
        if self.bits is None or not self.changed:
            return None
        return self.bits.end(self.old, self.new)

    def _finite(self, x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
        """Put zeros where either side is not finite."""
        finite = np.isfinite(x) & np.isfinite(y)
        self.not_finite += int(np.count_nonzero(np.isfinite(x) & ~np.isfinite(y)))
        differ = ~finite & (x != y) & ~(np.isnan(x) & np.isnan(y))
        self.changed += int(np.count_nonzero(differ))
        return np.where(finite, x, 0), np.where(finite, y, 0)

    def _sums(self, x: Numbers, step: Numbers, top: float, *, sure: bool = False) -> bool:
        """Add the products; False where float32 does not hold them."""
        if not sure and not self.double and top and not _SMALL < top < _LARGE:
            return False
        squares = _dot(x, x)
        if not (sure or self.double or math.isfinite(squares)):
            return False
        self.squares += squares
        if top:
            self.difference += _dot(step, step)
            self.product += _dot(x, step)
        return True


class _Bits:
    """Which bits differ, while they are few and low."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.differing = self.new = 0

    def add(self, old: Numbers | None, new: Numbers | None) -> bool:
        """Take in the codes of a block; False once the differences are in no low bits."""
        if old is None or new is None:
            return False
        crossed = old ^ new
        self.differing |= int(np.bitwise_or.reduce(crossed))
        if self.differing.bit_length() > self.most:
            return False
        self.new |= int(np.bitwise_or.reduce(new))
        return True

    def end(self, old: Numbers, new: Numbers) -> LowBits:
        """What is to be said of them, both tensors read again."""
        bits = self.differing.bit_length()
        found = _Steps(bits)
        for x, y, _ in blocks(old, new):
            found.add(_bits_of(x), _bits_of(y))
        empty = not self.new & ((1 << bits) - 1)
        return LowBits(bits, found.crossings(), found.changed, empty=empty)


class _Steps:
    """What steps like those that were taken would have done to the bits above."""

    def __init__(self, bits: int) -> None:
        self.size = 1 << bits
        self.changed = self.crossed = self.lower = self.before = 0
        self.above: set[int] = set()

    def add(self, old: Numbers, new: Numbers) -> None:
        """Give each element that changed the step of the one before it."""
        x, y = (v.astype(np.int64) & (self.size - 1) for v in (old, new))
        moved = x != y
        self.before |= int(np.bitwise_or.reduce(x))
        x, y = x[moved], y[moved]
        taken = x + np.roll(y - x, 1)
        self.crossed += int(np.count_nonzero((taken < 0) | (taken >= self.size)))
        self.lower += int(np.count_nonzero(y < self.size // 2))
        self.changed += len(x)
        if len(self.above) < _VARIED:
            self.above.update((old[moved][:4096] // self.size).tolist())

    def crossings(self) -> int:
        """How many would have crossed into them.

        Where the old bits were all zero every step is upwards, and none crosses: there bits that
        are spread evenly, under values that differ, were written too.
        """
        if self.before:
            return self.crossed
        even = abs(self.lower - self.changed / 2) <= _EVEN * self.changed
        return self.changed // 3 if even and len(self.above) >= _VARIED else 0


def _bits_of(block: Numbers) -> Numbers:
    known = codes(block)
    return known if known is not None else np.zeros(1, np.uint8)


def _trailing(bits: int | None) -> int:
    """How many low bits are zero in every element."""
    return (bits & -bits).bit_length() - 1 if bits else 0


def scaling(old: Numbers, new: Numbers) -> Scaling:
    """What is left of the difference beside the best factors of rows, and of columns."""
    shape = (*old.shape, 1, 1)[: max(2, old.ndim)]
    old, new = old.reshape(shape), new.reshape(shape)
    rest = tuple(range(2, old.ndim))
    left, total, sums = 0.0, 0.0, np.zeros((3, shape[1]))
    step = max(1, (1 << 20) // max(1, old[:1].size))
    for start in range(0, shape[0], step):
        x, y = (
            flat(v[start : start + step], double=True).reshape(-1, *shape[1:]) for v in (old, new)
        )
        products = np.stack([x * x, x * y, y * y])
        cells = products.sum(axis=tuple(axis + 1 for axis in rest)) if rest else products
        sums += cells.sum(axis=1)
        left += _left(cells.sum(axis=2))
        total += float(cells[2].sum())
    if not total:
        return Scaling(0.0, 0.0)
    return Scaling(math.sqrt(left / total), math.sqrt(_left(sums) / total))


def _left(sums: Numbers) -> float:
    """Σy² − (Σxy)² / Σx², summed over what has a factor of its own."""
    xx, xy, yy = sums
    explained = np.divide(xy * xy, xx, out=np.zeros_like(xx), where=xx > 0)
    return float(np.maximum(yy - explained, 0.0).sum())


def _dot(a: Numbers, b: Numbers) -> float:
    lines = len(a) // _LINE
    rest = slice(lines * _LINE, None)
    total = float(a[rest].dot(b[rest]))
    if lines:
        x, y = (v[: lines * _LINE].reshape(lines, _LINE) for v in (a, b))
        total += float((x[:, None, :] @ y[:, :, None]).sum(dtype=np.float64))
    return total
