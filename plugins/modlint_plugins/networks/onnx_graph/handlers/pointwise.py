"""Functions of each element alone, and those of all at once (softmax)."""

from __future__ import annotations

from modlint_plugins.networks.flow.labels import broadcast
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.handlers.arithmetic import along
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, alike, standard
from modlint_plugins.networks.onnx_graph.static import Static

_FUNCTIONS = (
    *("Relu", "LeakyRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "Gelu", "Mish"),
    *("Sigmoid", "HardSigmoid", "Tanh", "Softplus", "Softsign", "HardSwish", "Swish", "Shrink"),
    *("Exp", "Log", "Abs", "Neg", "Sqrt", "Reciprocal", "Erf", "Sign", "Floor", "Ceil", "Round"),
    *("Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh"),
    *("BitShift", "BitwiseNot"),
)
_TESTS = ("Not", "IsNaN", "IsInf", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual")
_LOGIC = ("And", "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor")


def activated(op: Op, name: str, x: Traced) -> Traced:
    """An activation of one tensor."""
    return op.tracer.activation(name, x)


def _function(op: Op) -> Result:
    """An activation by its own name; a slope or a step beside it is none of a layer's weights."""
    x = op.traced(0)
    kind = op.node.kind.lower()
    if kind in ("sqrt", "reciprocal"):
        op.walk.scope.normed[op.node.output] = kind
    return activated(op, kind, x)


def _sloped(op: Op) -> Result:
    """PRelu: a slope for each channel, or one for all."""
    x, slope = op.traced(0), op.value(1)
    if not isinstance(slope, Static) or slope.name is None or (axis := along(x, slope)) is None:
        return _function(op)
    return op.tracer.activation("prelu", x, slope.name, axis)


def _clip(op: Op) -> Result:
    """Named "relu6" for 0 … 6, "clip-at-zero" where only the lower bound is 0."""
    low, high = _bound(op, "min", 1), _bound(op, "max", 2)
    name = "clip"
    if low == 0:
        name = "relu6" if high == 6 else "clip-at-zero"
    return activated(op, name, op.traced(0))


def _bound(op: Op, name: str, index: int) -> float | None:
    if name in op.node.attributes:
        return op.node.real(name, 0.0)
    return op.scalar(index)


def _softmax(op: Op) -> Result:
    """Weights that are all of one another; as the graph's result, the last layer's activation."""
    x = op.traced(0)
    if op.node.output in op.walk.results and not x.is_unlabelled:
        return activated(op, op.node.kind.lower(), x)
    return op.forgotten(x.shape, x)


def _test(op: Op) -> Result:
    """What is true or false of elements carries none of their channels."""
    values = [op.value(index) for index in range(op.count)]
    shape = broadcast(value.shape for value in values)
    return op.forgotten(shape, *values)


def _cumulative(op: Op) -> Result:
    """CumSum: what is summed along an axis is each channel's own, or mixes channels."""
    x = op.traced(0)
    axes = op.numbers(1)
    axis = 0 if axes is None else int(axes.reshape(-1)[0]) % x.rank
    if x.labels.shape[axis] == 1:
        return x
    y = op.tracer.reduced(op.name, x, [axis], keep=True)
    return op.widened(y, x.shape)


def _normalised(op: Op) -> Result:
    """Divided by a norm of its own, without a scale: channels stay what they are."""
    return op.traced(0)


HANDLERS: Handlers = {
    **alike(_function, *_FUNCTIONS),
    **alike(_softmax, "Softmax", "LogSoftmax", "Hardmax"),
    **alike(_test, *_TESTS, *_LOGIC),
    **alike(_normalised, "LpNormalization", "MeanVarianceNormalization", "LRN"),
    **standard(Clip=_clip, CumSum=_cumulative, PRelu=_sloped),
    ("com.microsoft", "Gelu"): _function,
    ("com.microsoft", "QuickGelu"): _function,
}
