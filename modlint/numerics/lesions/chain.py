"""A network that is a plain multilayer perceptron, as its weights."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from modlint.errors import Unavailable
from modlint.network import OFFSET, Activation, Call, Network, Span
from modlint.numerics.inputs import Inputs
from modlint.numerics.lesions.perceptron import ACTIVATIONS
from modlint.results.chains import PerceptronWeights


def perceptron_weights(network: Network, inputs: Inputs) -> PerceptronWeights:
    """Its weights, where it is nothing but linear layers and one activation between them.

    Raises:
        Unavailable: it is something else, its activation is not known, or weights are not stored as
            they are.
    """
    calls = network.calls
    others = [op for op in network.operations if not isinstance(op, Call)]
    plain = all(isinstance(op, Activation) and op.name != OFFSET for op in others)
    if not plain or not _is_chain(calls):
        raise Unavailable(
            "of files of weights only multilayer perceptrons are run, linear layers one after the"
            " other: give an ONNX file, or the module to modlint.clusters in Python"
        )
    used = {network.activation_of(call) for call in calls[:-1]}
    if None in used:
        raise Unavailable(
            "the file does not tell what activation stands between its layers: give --activation"
            f" ({', '.join(ACTIVATIONS)})"
        )
    activation, *more = sorted(map(str, used))
    if more or activation not in ACTIVATIONS:
        names = ", ".join([activation, *more])
        raise Unavailable(f"its activations ({names}) are not one of those that are run")
    return PerceptronWeights(
        groups=tuple(network.value(call.target).group for call in calls[:-1]),
        weights=tuple(_weight(call, inputs) for call in calls),
        biases=tuple(_bias(call, inputs) for call in calls),
        activation=activation,
    )


def _is_chain(calls: tuple[Call, ...]) -> bool:
    plain = all(
        call.kind == "linear"
        and not call.delay
        and _is_whole(call.reads, call.columns)
        and _is_whole(call.drives, call.rows)
        for call in calls
    )
    return len(calls) > 1 and plain and all(a.rows == b.columns for a, b in pairwise(calls))


def _is_whole(spans: tuple[Span, ...], size: int) -> bool:
    """Whether one value's channels are all there, in order."""
    if len(spans) != 1:
        return False
    (span,) = spans
    return span.is_plain and span.start == 0 and span.channels == range(size)


def _weight(call: Call, inputs: Inputs) -> NDArray[np.float32]:
    """The kernel, (out, in), wherever it lies among the stored elements."""
    stored = np.asarray(inputs.weight(call.weight), np.float32).reshape(-1)
    layout = call.layout
    if layout is None:
        raise Unavailable(f"the weight {call.weight} is computed from others")
    rows, columns = np.arange(call.rows), np.arange(call.columns)
    _, down, across, _ = layout.strides
    places = layout.offset + rows[:, None] * down + columns * across
    if places.max(initial=0) >= len(stored):
        raise Unavailable(f"the weight {call.weight} is not stored as a matrix")
    found: NDArray[np.float32] = stored[places]
    return found


def _bias(call: Call, inputs: Inputs) -> NDArray[np.float32] | None:
    return None if call.bias is None else np.asarray(inputs.weight(call.bias), np.float32)
