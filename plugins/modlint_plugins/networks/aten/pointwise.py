"""Operations on each element alone, and on elements of several tensors that meet."""

from __future__ import annotations

from modlint_plugins.networks.aten.arguments import Arguments, as_tensor, plain
from modlint_plugins.networks.aten.combining import combined, fixed
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, Value
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.labels import broadcast
from modlint_plugins.networks.flow.traced import Traced

_NAMES = {
    "leaky_relu": "leakyrelu", "hardtanh": "clip", "clamp_max": "clip", "log_sigmoid": "logsigmoid",
    "softshrink": "shrink", "hardshrink": "shrink", "threshold": "thresholdedrelu",
    "rrelu": "leakyrelu", "erfc": "erf",
    "special_erf": "erf", "special_expit": "sigmoid", "absolute": "abs",
}  # fmt: skip
_ACTIVATIONS = (
    "relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid hardsigmoid hardswish tanh softplus"
    " softsign logit threshold rrelu log_sigmoid softshrink hardshrink tanhshrink"
    " exp exp2 expm1 log log2 log10 log1p abs absolute sqrt rsqrt square reciprocal"
    " sign sgn sin cos tan asin acos atan sinh cosh asinh acosh atanh erf erfc erfinv special_erf"
    " special_expit floor ceil round trunc frac angle lgamma digamma sinc deg2rad"
)
_SAME = (
    "clone contiguous detach alias dropout native_dropout feature_dropout alpha_dropout to"
    " _to_copy lift_fresh_copy lift_fresh neg negative positive nan_to_num type_as float half"
    " double bfloat16 long int cpu cuda requires_grad dropout2d dropout3d feature_alpha_dropout"
    " real imag conj resolve_conj resolve_neg fill_diagonal identity masked_fill"
    " convert_element_type device_put autocast_to_full_precision autocast_to_reduced_precision"
    " fake_quantize_per_tensor_affine fake_quantize_per_channel_affine renorm renorm_ _copy"
    " softcap pin_memory tensor_constant data"
)
_COMPARED = (
    "eq ne lt le gt ge logical_and logical_or logical_not logical_xor bitwise_and bitwise_or"
    " bitwise_not bitwise_xor isnan isinf isfinite isin floor_divide bucketize searchsorted"
    " __and__ __or__ __xor__ bitwise_left_shift bitwise_right_shift __lshift__ __rshift__ signbit"
)
_ALONE = ("logical_not", "bitwise_not", "isnan", "isinf", "isfinite", "signbit")


@table(_ACTIVATIONS, "self")
def _activation(walk: Walk, a: Arguments) -> Value:
    x = as_tensor(a.first, a.op)
    if isinstance(x, Fixed):
        return fixed(a, x)
    name = a.op.rstrip("_") if a.op not in _NAMES else _NAMES[a.op]
    return walk.tracer.activation(_NAMES.get(name, name), x)


@table("prelu _prelu_kernel", "self weight")
def _prelu(walk: Walk, a: Arguments) -> Value:
    x, slope = as_tensor(a.first, a.op), a.tensor("weight")
    if isinstance(x, Fixed):
        return fixed(a, x)
    axes = [axis - slope.rank for axis, n in enumerate(slope.shape) if n > 1]
    if not isinstance(slope, Fixed) or slope.view is None or slope.start or len(axes) != 1:
        return walk.tracer.activation("prelu", x)
    axis = (1 if x.rank > 1 else 0) if slope.rank == 1 and a.op == "prelu" else axes[0]
    return walk.tracer.activation("prelu", x, slope.owners[0], axis)


@table(_SAME, "self")
def _same(_: Walk, a: Arguments) -> Value:
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
    plainly = all(v is None or isinstance(v, (int, float)) for v in (low, high))
    names = {None: "relu", 6: "relu6"}
    name = names.get(high, "clip") if plainly and low == 0 else "clip"
    return walk.tracer.activation(name, x)


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


@table("copy", "self src")
def _copy(walk: Walk, a: Arguments) -> Value:
    target, source = a.tensor("self"), a.tensor("src")
    return walk.run("expand", source, target.shape)
