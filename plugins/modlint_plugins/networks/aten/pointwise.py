"""Operations on each element alone, and on elements of several tensors that meet."""

from __future__ import annotations

from typing import Any

import numpy as np

from modlint.network import JoinKind
from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike, as_tensor, plain
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import MAX_ELEMENTS, Fixed, Value, computed
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.labels import broadcast
from modlint_plugins.networks.flow.nodes import NormTensors
from modlint_plugins.networks.flow.tracer import Traced

_NAMES = {
    "leaky_relu": "leakyrelu", "hardtanh": "clip", "clamp_max": "clip", "log_sigmoid": "logsigmoid",
    "softshrink": "shrink", "hardshrink": "shrink", "threshold": "thresholdedrelu", "rrelu": "leakyrelu",
    "pow": "pow", "square": "pow", "hardswish": "hardswish", "_prelu_kernel": "prelu", "erfc": "erf",
    "special_erf": "erf", "sigmoid": "sigmoid", "special_expit": "sigmoid", "absolute": "abs",
}  # fmt: skip
_ACTIVATIONS = (
    "relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid hardsigmoid hardswish tanh softplus"
    " softsign logit threshold rrelu log_sigmoid softshrink hardshrink tanhshrink prelu"
    " _prelu_kernel exp exp2 expm1 log log2 log10 log1p abs absolute sqrt rsqrt square reciprocal"
    " sign sgn sin cos tan asin acos atan sinh cosh asinh acosh atanh erf erfc erfinv special_erf"
    " special_expit floor ceil round trunc frac angle lgamma digamma sinc deg2rad"
)
_SAME = (
    "clone contiguous detach alias dropout native_dropout feature_dropout alpha_dropout to _to_copy"
    " lift_fresh_copy lift_fresh neg negative positive nan_to_num type_as float half double bfloat16"
    " long int cpu cuda requires_grad dropout2d dropout3d feature_alpha_dropout real imag conj"
    " resolve_conj resolve_neg fill_diagonal zeros_to identity masked_fill bernoulli_noise"
    " convert_element_type device_put autocast_to_full_precision autocast_to_reduced_precision"
    " fake_quantize_per_tensor_affine fake_quantize_per_channel_affine renorm renorm_ _copy"
    " convert_element_type softcap pin_memory tensor_constant"
)
_COMPARED = (
    "eq ne lt le gt ge logical_and logical_or logical_not logical_xor bitwise_and bitwise_or"
    " bitwise_not bitwise_xor isnan isinf isfinite isin floor_divide bucketize searchsorted"
    " __and__ __or__ __xor__ bitwise_left_shift bitwise_right_shift __lshift__ __rshift__ signbit"
)
_ALONE = ("logical_not", "bitwise_not", "isnan", "isinf", "isfinite", "signbit")
_NUMPY: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "floor_divide": np.floor_divide,
    "remainder": np.mod, "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal, "maximum": np.maximum, "minimum": np.minimum,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_not": np.logical_not,
    "bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or, "bitwise_not": np.invert,
    "__and__": np.bitwise_and, "__or__": np.bitwise_or, "abs": np.abs, "neg": np.negative,
    "sign": np.sign, "rsub": lambda a, b: np.subtract(b, a), "pow": np.power, "sqrt": np.sqrt,
    "div": np.true_divide, "floor": np.floor, "ceil": np.ceil, "where": np.where, "exp": np.exp,
    "log": np.log, "bitwise_xor": np.bitwise_xor, "logical_xor": np.logical_xor,
}  # fmt: skip
_MOST_KNOWN = 1 << 20


@table(_ACTIVATIONS, "self")
def _activation(walk: Walk, a: Arguments) -> Value:
    x = as_tensor(a.first, a.op)
    if isinstance(x, Fixed):
        return fixed(a, x)
    name = a.op.rstrip("_") if a.op not in _NAMES else _NAMES[a.op]
    return walk.tracer.activation(_NAMES.get(name, name), x)


@table(_SAME, "self")
def _same(walk: Walk, a: Arguments) -> Value:
    x = as_tensor(a.first, a.op)
    several = [x, Fixed(x.shape)] if a.op == "native_dropout" else x
    return fixed(a, x) if a.op == "neg" and isinstance(x, Fixed) else several


@table("clamp clip clamp_min clamp_max hardtanh", "self min max")
def _clamp(walk: Walk, a: Arguments) -> Value:
    x = as_tensor(a.first, a.op)
    if isinstance(x, Fixed):
        return fixed(a, x)
    low = plain(a.get("min", a.get("min_val", -1.0 if a.op == "hardtanh" else None)))
    high = plain(a.get("max", a.get("max_val", 1.0 if a.op == "hardtanh" else None)))
    if a.op == "clamp_max":
        low, high = None, plain(a.get("max", a.get("min")))
    names = {(0, None): "relu", (0, 6): "relu6"}
    key = (low, high) if all(v is None or isinstance(v, (int, float)) for v in (low, high)) else ()
    return walk.tracer.activation(names.get(key, "clip"), x)  # type: ignore[call-overload]


@table(_COMPARED, "self other")
def _compared(walk: Walk, a: Arguments) -> Value:
    given = a.all[: 1 if a.op in _ALONE else 2]
    tensors = [as_tensor(x, a.op) for x in given]
    read = [x for x in tensors if isinstance(x, Traced)]
    if not read:
        return fixed(a, *tensors)
    return walk.tracer.forgotten(a.op, broadcast(x.shape for x in tensors), *read)


@table("add sub subtract __add__ __iadd__ __radd__ rsub", "self other")
def _add(walk: Walk, a: Arguments) -> Value:
    return combined(walk, a, "sum", a.tensor("self"), a.tensor("other"))


@table("mul multiply div divide true_divide __mul__ __truediv__", "self other")
def _mul(walk: Walk, a: Arguments) -> Value:
    return combined(walk, a, "product", a.tensor("self"), a.tensor("other"))


@table("maximum minimum atan2 hypot logaddexp logaddexp2 fmax fmin complex xlogy", "self other")
def _either(walk: Walk, a: Arguments) -> Value:
    return combined(walk, a, "sum", *(as_tensor(x, a.op) for x in a.all[:2]))


@table("remainder fmod", "self other")
def _remainder(walk: Walk, a: Arguments) -> Value:
    return combined(walk, a, "product", a.tensor("self"), a.tensor("other"))


@table("pow float_power", "self exponent")
def _pow(walk: Walk, a: Arguments) -> Value:
    x, exponent = a.tensor("self"), a.tensor("exponent")
    if isinstance(x, Traced) and isinstance(exponent, Fixed):
        return walk.tracer.activation("pow", x)
    return combined(walk, a, "product", x, exponent)


@table("where", "condition self other")
def _where(walk: Walk, a: Arguments) -> Value:
    condition, x, other = (
        as_tensor(v, a.op) for v in (a.get("condition"), a.get("self"), a.get("other"))
    )
    result = combined(walk, a, "sum", x, other, more=(condition,))
    if isinstance(condition, Traced) and isinstance(result, Fixed):
        return walk.tracer.forgotten("where", result.shape, condition)
    return result


@table("addcmul addcdiv", "self tensor1 tensor2")
def _addcmul(walk: Walk, a: Arguments) -> Value:
    product = combined(walk, a, "product", a.tensor("tensor1"), a.tensor("tensor2"))
    return combined(walk, a, "sum", a.tensor("self"), product)


@table("lerp", "self end weight")
def _lerp(walk: Walk, a: Arguments) -> Value:
    mixed = combined(walk, a, "sum", a.tensor("self"), a.tensor("end"))
    return combined(walk, a, "product", mixed, a.tensor("weight"))


@table("glu", "self dim")
def _glu(walk: Walk, a: Arguments) -> Value:
    parts = walk.run("chunk", a.tensor("self"), 2, a.int("dim", -1))
    return walk.run("mul", parts[0], walk.run("sigmoid", parts[1]))


def combined(
    walk: Walk,
    a: Arguments,
    kind: JoinKind,
    *operands: Tensorlike,
    more: tuple[Tensorlike, ...] = (),
) -> Value:
    """Tensors that are added or multiplied; a named vector beside a traced one scales or shifts it."""
    shape = _shape_of(walk, (*more, *operands))
    traced = [x for x in operands if isinstance(x, Traced)]
    if not traced and any(isinstance(x, Traced) for x in more):
        return computed(shape, tuple(x for x in operands if isinstance(x, Fixed)))
    if not traced:
        return _combined_fixed(
            a, shape, tuple(x for x in (*more, *operands) if isinstance(x, Fixed))
        )
    if len(traced) > 1:
        out = walk.tracer.join(kind, *traced)
        return _broadcast(walk, out, shape)
    (x,) = traced
    for other in operands:
        if isinstance(other, Fixed) and not more:
            x = _affine(walk, a, kind, _broadcast(walk, x, shape) if other.rank else x, other)
    return _broadcast(walk, x, shape)


def _shape_of(walk: Walk, operands: tuple[Tensorlike, ...]) -> tuple[int, ...]:
    try:
        return broadcast(x.shape for x in operands)
    except ValueError:
        sizes = zip(*(reversed(x.shape) for x in operands), strict=False)
        odd = next((found for found in sizes if len({*found} - {1}) > 1), None)
        if odd is not None and walk.mismatch is None:
            walk.mismatch = (odd[0], odd[1])
        raise


def _broadcast(walk: Walk, x: Traced, shape: tuple[int, ...]) -> Traced:
    if x.shape == shape:
        return x
    return walk.move("expand", lambda labels: np.broadcast_to(labels, shape), x)  # type: ignore[no-any-return]


def _affine(walk: Walk, a: Arguments, kind: JoinKind, x: Traced, other: Fixed) -> Traced:
    """The tensor scaled or shifted by a vector of the file; anything else added is an offset."""
    made = _by_channel(walk, a, kind, x, other)
    if made is not None:
        return made
    adds = kind == "sum" and (other.value is None or bool(other.value.any()))
    return walk.tracer.offset(x) if adds else x


def _by_channel(
    walk: Walk, a: Arguments, kind: JoinKind, x: Traced, other: Fixed
) -> Traced | None:
    """The tensor scaled or shifted by a vector of the file; None where that is none."""
    axes = [axis for axis, n in enumerate(other.shape) if n > 1]
    if other.view is None or len(axes) > 1 or a.op.startswith(("div", "true", "__true")):
        return None
    if not axes or other.view.strides[axes[0]] != 1:
        return None
    axis = axes[0] - other.rank
    if x.is_unlabelled and not (x.origin is not None and x.origin.is_input):
        return None
    if x.labels.size > 1 and x.labels.shape[axis] == 1:
        return None  # it varies along positions, not along channels
    names = {"scale": other.owners[0]} if kind == "product" else {"shift": other.owners[0]}
    tensors = NormTensors(kind="affine", offset=other.offset if kind == "product" else 0.0, **names)
    return walk.tracer.norm(tensors, x, axis, other.start)


def fixed(a: Arguments, *operands: Fixed | Any) -> Fixed:
    """What a function makes of tensors that depend on no input."""
    tensors = [x for x in operands if isinstance(x, Fixed)]
    return _combined_fixed(a, broadcast(x.shape for x in tensors), tuple(tensors))


def _combined_fixed(a: Arguments, shape: tuple[int, ...], operands: tuple[Fixed, ...]) -> Fixed:
    function = _NUMPY.get(a.op.rstrip("_") if not a.op.endswith("__") else a.op)
    values = [x.value for x in operands]
    if function is not None and all(v is not None for v in values) and _small(shape):
        with np.errstate(all="ignore"):
            return Fixed(shape, value=np.asarray(function(*values)))
    shifted = [x for x in operands if x.view is not None]
    added = [x for x in operands if x.view is None and x.value is not None and x.size == 1]
    if (
        a.op.startswith("add")
        and len(operands) == 2
        and shifted
        and added
        and shifted[0].shape == shape
    ):
        x = shifted[0]
        assert added[0].value is not None  # noqa: S101
        return Fixed(shape, x.owners, x.view, offset=x.offset + float(added[0].value.item()))
    return computed(shape, operands)


def _small(shape: tuple[int, ...]) -> bool:
    return int(np.prod(shape, dtype=object)) <= min(_MOST_KNOWN, MAX_ELEMENTS)


@table("copy", "self src")
def _copy(walk: Walk, a: Arguments) -> Value:
    target, source = a.tensor("self"), a.tensor("src")
    return walk.run("expand", source, target.shape)
