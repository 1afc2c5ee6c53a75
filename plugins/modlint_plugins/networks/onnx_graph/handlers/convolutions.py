"""Convolutions: plain, grouped, transposed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from modlint_plugins.networks.flow.labels import NONE, LabelArray, uniform
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.handlers.pooling import Windows
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, sizes, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static
from modlint_plugins.networks.onnx_graph.weights import called, weighted

_SIDE = 16


@dataclass(frozen=True)
class Places:
    """Where a convolution's inputs are among an operator's."""

    data: int = 0
    kernel: int = 1
    bias: int = 2


def _conv(op: Op) -> Result:
    return convolved(op, Places())


def convolved(op: Op, places: Places) -> Traced:
    """A convolution: kernel (out, in/groups, *window)."""
    kernel, groups = op.value(places.kernel), op.node.integer("group", 1)
    if kernel.rank < 3 or groups < 1:
        raise Refused(f"takes a weight of shape {list(kernel.shape)}, which is no kernel")
    out, fan_in, *window = kernel.shape
    x = _image(op, op.traced(places.data), fan_in * groups, len(window))
    spatial = Windows(op, window).count(x.shape[2:])
    shape = (x.shape[0], out, *spatial)
    if isinstance(kernel, Traced):
        return _computed(op, x, kernel, groups, shape)
    if kernel.tensor is None:
        return _mixed(op, x, groups, shape)
    positions = math.prod(window)
    weight = weighted(
        kernel,
        lambda a: a.reshape(groups, out // groups, fan_in, positions),
        (out, fan_in * groups),
        groups,
        _bias(op, places.bias, out),
    )
    return called(op, "conv", weight, x, 1, shape, 1)


def _conv_transpose(op: Op) -> Result:
    """A transposed convolution: kernel (in, out/groups, *window)."""
    kernel, groups, node = op.value(1), op.node.integer("group", 1), op.node
    if kernel.rank < 3 or groups < 1 or kernel.shape[0] % groups:
        raise Refused(f"takes a weight of shape {list(kernel.shape)}, which is no kernel")
    fan_in, each, *window = kernel.shape
    x = _image(op, op.traced(0), fan_in, len(window))
    shape = (x.shape[0], each * groups, *_enlarged(op, x, window))
    if isinstance(kernel, Traced) or kernel.tensor is None:
        return op.tracer.stopped(shape, f"{node.title} computes its kernel", x)
    positions = math.prod(window)
    weight = weighted(
        kernel,
        lambda a: a.reshape(groups, fan_in // groups, each, positions).transpose(0, 2, 1, 3),
        (each * groups, fan_in),
        groups,
        _bias(op, 2, each * groups),
    )
    return called(op, "conv-transpose", weight, x, 1, shape, 1)


def _enlarged(op: Op, x: Traced, window: list[int]) -> tuple[int, ...]:
    """Spatial sizes of what a transposed convolution makes."""
    given = op.node.integers("output_shape")
    if given is not None:
        return sizes(given[-len(window) :])
    windows = Windows(op, window)
    extra = op.node.integers("output_padding") or (0,) * len(window)
    found = []
    for axis, size in enumerate(x.shape[2:]):
        if windows.auto in ("SAME_UPPER", "SAME_LOWER"):
            found.append(size * windows.strides[axis])
            continue
        pads = windows.pads[axis] + windows.pads[len(window) + axis]
        reach = windows.dilations[axis] * (window[axis] - 1) + 1
        found.append((size - 1) * windows.strides[axis] + reach + extra[axis] - pads)
    return sizes(found)


def _image(op: Op, x: Traced, channels: int, dims: int) -> Traced:
    """What a convolution reads; of another rank it can only be where shapes were not followed."""
    if x.rank == dims + 2:
        return x
    shape = (1, channels, *(_SIDE,) * dims)
    if x.origin is not None and x.origin.is_input and not x.shape:
        return Traced(shape, uniform(NONE, len(shape)), x.origin)
    reason = op.tracer.reason(x) or f"{op.node.title} reads a tensor whose shape was not followed"
    return op.tracer.stopped(shape, reason, x)


def _bias(op: Op, index: int, out: int) -> str | None:
    value = op.at(index)
    return value.name if isinstance(value, Static) and value.elements == out else None


def _computed(op: Op, x: Traced, kernel: Traced, groups: int, shape: tuple[int, ...]) -> Traced:
    """A kernel that comes of the input: channels pass where each is filtered by itself."""
    if groups == x.shape[1] == shape[1]:
        own = op.tracer.pooled(x, range(2, x.rank), shape)
        (moved,) = op.tracer.moved(
            op.name, [((1, shape[1], *(1,) * (x.rank - 2)), _by_row(kernel))], kernel
        )
        return op.tracer.join("product", own, moved)
    reason = f"{op.node.title} takes its kernel from the input"
    return op.tracer.stopped(shape, reason, x, kernel)


def _by_row(kernel: Traced) -> LabelArray:
    """Labels of a kernel by its rows, if they are the same at all positions; else none."""
    labels = kernel.labels
    if any(n > 1 for n in labels.shape[1:]):
        return uniform(NONE, kernel.rank)
    return labels.reshape(1, labels.shape[0], *(1,) * (kernel.rank - 2))


def _mixed(op: Op, x: Traced, groups: int, shape: tuple[int, ...]) -> Traced:
    """A filter that is no tensor of the file: channels pass where each is filtered by itself."""
    if groups == x.shape[1] == shape[1]:
        return op.tracer.pooled(x, range(2, x.rank), shape)
    return op.forgotten(shape, x)


HANDLERS: Handlers = standard(Conv=_conv, ConvTranspose=_conv_transpose)
