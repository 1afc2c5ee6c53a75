"""Between which numbers each value of a network lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from modlint.errors import Unavailable
from modlint.network import Activation, Call, Join, Network, Norm, Operation
from modlint.numerics.graph import intervals
from modlint.numerics.graph.call_edges import on_host
from modlint.numerics.graph.channels import Floats, Read, reads_of, rows_of
from modlint.numerics.graph.folding import blame, by_element, norm_elements, part
from modlint.numerics.graph.kernels import kernels_of
from modlint.numerics.inputs import Inputs
from modlint.numerics.tensor.arrays import wide
from modlint.results.intervals import Interval

_FACTORS = "lora_"
"""In names of weights whose product a scale that no tensor holds multiplies."""
_PIECE = 1 << 20
_MOST_GROUPS = 1 << 16
"""Of a convolution whose groups are bounded one after the other."""


class Bounds:
    """The interval of each value.

    Attributes:
        by_value: by name, with numbers that the network does not account for unbounded.
    """

    def __init__(
        self, network: Network, inputs: Inputs, input_range: tuple[float, float] | None
    ) -> None:
        self.network, self.inputs = network, inputs
        self.by_value = {v.name: intervals.unknown(v.size) for v in network.values}
        if input_range is not None:
            for value in network.values:
                if value.name not in network.makers and not value.altered:
                    ends = (np.full(value.size, float(end)) for end in input_range)
                    self.by_value[value.name] = Interval(*ends)
        for place, op in enumerate(network.operations):
            inputs.progress("bounding", place, len(network.operations))
            if not network.value(op.target).altered:
                self.by_value[op.target] = self._after(op)

    def _after(self, op: Operation) -> Interval:
        size = self.network.value(op.target).size
        if isinstance(op, Call):
            return self._called(op, size)
        if isinstance(op, Join):
            parts = [reads_of(spans) for spans in op.operands]
            read = [read_by(reads, self.by_value, size) for reads in parts]
            return intervals.joined(op, read) if read else intervals.unknown(size)
        x = read_by(reads_of(op.reads), self.by_value, size)
        return self._normed(op, x) if isinstance(op, Norm) else self._activated(op, x)

    def _activated(self, op: Activation, x: Interval) -> Interval:
        if self._is_state(op):
            return intervals.unknown(len(x.low))
        return intervals.activated(op.name, x)

    def _is_state(self, op: Activation) -> bool:
        """Whether it is of a recurrent layer, whose gates may do more than it says."""
        before = [self.network.makers.get(span.value) for span in op.reads]
        joins = [other for other in before if isinstance(other, Join)]
        before += [self.network.makers.get(s.value) for join in joins for s in join.reads]
        return any(isinstance(other, Call) and other.kind == "recurrent" for other in before)

    def _normed(self, norm: Norm, x: Interval) -> Interval:
        if norm.kind == "batch" and None in (norm.scale, norm.shift, norm.mean, norm.variance):
            return intervals.unknown(len(x.low))
        factor = on_host(norm_elements(norm, self.network, self.inputs))
        shift, mean = (
            on_host(by_element(part(name, self.inputs, 0.0), norm, self.network))
            for name in (norm.shift, norm.mean)
        )
        if not all(np.isfinite(values).all() for values in (factor, shift, mean)):
            raise Unavailable(f"a norm is not finite ({', '.join(norm.tensors)})")
        width = len(part(norm.scale, self.inputs, 1.0))
        return intervals.normed(norm, x, (factor, shift, mean), max(width, len(factor)))

    def _called(self, call: Call, size: int) -> Interval:
        channels = rows_of(call.drives, call.rows)
        plain = call.kind in ("linear", "conv", "conv-transpose", "embedding") and not call.delay
        once = len(np.unique(channels)) == len(channels) == size and channels.min() >= 0
        is_table = call.kind == "embedding"
        unsure = (
            call.layout is None
            or call.groups > _MOST_GROUPS
            or (is_table and self.network.source == "names")
        )
        if not (plain and once) or unsure or _FACTORS in call.weight:
            return intervals.unknown(size)
        rows = self._table(call) if is_table else self._rows(call)
        found = intervals.unknown(size)
        found.low[channels], found.high[channels] = rows.low, rows.high
        return found

    def _table(self, call: Call) -> Interval:
        """The least and the largest entry of each channel of a table."""
        found = intervals.unknown(call.rows)
        for rows, _, cells in self._kernels(call):
            entries = cells.reshape(len(cells), -1)
            found.low[rows], found.high[rows] = entries.min(1), entries.max(1)
        return found

    def _rows(self, call: Call) -> Interval:
        read = read_by(reads_of(call.reads), self.by_value, call.columns)
        found = intervals.unknown(call.rows)
        if not (np.isfinite(read.low) | np.isfinite(read.high)).any():
            return found
        if call.kind != "linear":
            read = intervals.with_zero(read)
        bias = on_host(part(call.bias, self.inputs, 0.0))
        if len(bias) not in (1, call.rows):
            raise Unavailable(f"layer {call.name!r}: a bias of {len(bias)} elements")
        biases = np.broadcast_to(bias, (call.rows,))
        for rows, columns, cells in self._kernels(call):
            own = Interval(read.low[columns], read.high[columns])
            bound = intervals.called(cells, own, biases[rows])
            found.low[rows], found.high[rows] = bound.low, bound.high
        return found

    def _kernels(self, call: Call) -> Iterator[tuple[slice, slice, Floats]]:
        """Some rows of a weight, (rows, columns of their group, positions), and which they are."""
        kernels = kernels_of(call, self.inputs.weight(call.weight))
        groups, height, fan_in, positions = kernels.shape
        step = max(1, _PIECE // max(1, fan_in * positions))
        for group in range(groups):
            columns = slice(group * fan_in, (group + 1) * fan_in)
            for start in range(0, height, step):
                cells = on_host(wide(kernels[group, start : start + step]))
                if not np.isfinite(cells).all():
                    raise Unavailable(blame(call, self.network, self.inputs))
                first = group * height + start
                yield slice(first, first + len(cells)), columns, cells


def read_by(reads: Sequence[Read], bounds: Mapping[str, Interval], size: int) -> Interval:
    """What each column or channel reads: any of what it reads at some position.

    Of one that reads nothing which is known, any numbers.
    """
    found = Interval(np.full(size, np.inf), np.full(size, -np.inf))
    for read in reads:
        x = bounds[read.value]
        np.minimum.at(found.low, read.columns, x.low[read.channels])
        np.maximum.at(found.high, read.columns, x.high[read.channels])
    without = found.low > found.high
    found.low[without], found.high[without] = -np.inf, np.inf
    return found
