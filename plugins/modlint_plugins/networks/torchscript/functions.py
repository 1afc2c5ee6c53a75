"""What the code calls beside operations on tensors: numbers, texts, lists and sizes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from modlint_plugins.networks.aten.arguments import plain
from modlint_plugins.networks.aten.values import Depends, Fixed, Lost, Value, number
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.torchscript.objects import ScriptError


def _slice(x: Any, start: Any = None, end: Any = None, step: Any = 1) -> Any:
    return x[slice(start, end, step)]


def _range_length(low: int, high: int, step: int) -> int:
    return len(range(low, high, step))


def _floordiv(a: Any, b: Any) -> Any:
    return a // b


def _append(items: list[Any], x: Any) -> list[Any]:
    items.append(x)
    return items


def _set_item(holder: Any, key: Any, value: Any) -> Any:
    holder[key] = value
    return holder


def _times(a: Any, b: Any) -> Any:
    lists = isinstance(a, (list, tuple, str)), isinstance(b, (list, tuple, str))
    if any(lists):
        length = len(a if lists[0] else b) * (b if lists[0] else a)
        if length > 100_000:
            raise ScriptError("a list that grows too long")
    return a * b


def _power(a: Any, b: Any) -> Any:
    if abs(b) > 64 or abs(a) > 1 << 64:
        raise ScriptError("a number that grows too large")
    return a**b


def _is(a: Any, b: Any) -> bool:
    return a is b if b is None or a is None else a == b


def _div(a: Any, b: Any, rounding_mode: Any = None) -> Any:
    return a // b if rounding_mode in ("floor", "trunc") else a / b


def _always(value: Any) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        return value

    return function


PLAIN: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": _times, "div": _div, "floordiv": _floordiv,
    "remainder": operator.mod, "pow": _power, "neg": operator.neg, "eq": operator.eq,
    "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "__is__": _is, "__isnot__": lambda a, b: not _is(a, b), "__not__": operator.not_,
    "__and__": lambda a, b: a and b if isinstance(a, bool) else a & b,
    "__or__": lambda a, b: a or b if isinstance(a, bool) else a | b, "__xor__": operator.xor,
    "__contains__": lambda x, item: item in x, "__getitem__": operator.getitem, "len": len,
    "__round_to_zero_floordiv": lambda a, b: int(a / b),
    "ceil": math.ceil, "floor": math.floor, "round": round, "sqrt": math.sqrt, "log": math.log,
    "exp": math.exp, "abs": abs, "max": max, "min": min, "prod": math.prod, "sum": sum,
    "append": _append, "extend": list.extend, "insert": list.insert, "pop": list.pop,
    "clear": list.clear, "reverse": list.reverse, "copy": list, "list": list,
    "slice": _slice, "sorted": sorted,
    "index": list.index, "_set_item": _set_item, "keys": list, "values": lambda d: list(d.values()),
    "items": lambda d: list(d.items()), "dict": dict, "format": lambda *a: str(a[0]),
    "str": _always(""),
    "__range_length": _range_length, "__derive_index": lambda i, low, step: low + i * step,
    "warn": _always(None), "get": dict.get, "join": _always(""), "hash": _always(0),
    "Int": int, "Float": float, "Bool": bool, "unchecked_unwrap_optional": lambda x: x,
    "mathremainder": math.remainder, "lower": str.lower, "startswith": str.startswith,
    "IntImplicit": lambda x: x, "FloatImplicit": lambda x: x, "ScalarImplicit": lambda x: x,
    "get_device": _always(0), "device": _always(None), "profiled": lambda x: x,
    "TupleIndex": operator.getitem, "NumToTensor": number, "is_scripting": lambda: True,
    "is_grad_enabled": lambda: False, "set_grad_enabled": _always(None),
    "is_tracing": lambda: False,
    "is_autocast_enabled": _always(False), "is_autocast_cpu_enabled": lambda: False,
    "manual_seed": _always(None), "is_deterministic_algorithms_enabled": lambda: False,
    "_get_privateuse1_backend_name": lambda: "", "data": lambda x: x, "tolist": lambda x: x,
    "wait": lambda x: x, "grad": _always(None), "zip": lambda *a: list(zip(*a, strict=False)),
}  # fmt: skip
"""By name what a function does to numbers, texts and lists."""


def described(name: str, arguments: list[Value]) -> Value:
    """What is asked of a tensor that is no tensor; NotImplemented for any other function."""
    x = arguments[0]
    if isinstance(x, Lost):
        asked = is_description(name) or name in ("__is__", "__isnot__")
        return x if asked else NotImplemented
    if name == "size":
        return x.shape[_place(arguments[1], x.rank)] if len(arguments) > 1 else list(x.shape)
    if name in _DESCRIBE:
        return _DESCRIBE[name](x)
    if name in ("__is__", "__isnot__") and len(arguments) == 2:
        return (x is arguments[1]) is (name == "__is__")
    if name in (
        "Int",
        "Float",
        "Bool",
        "item",
        "IntImplicit",
        "FloatImplicit",
        "ScalarImplicit",
        "_local_scalar_dense",
        "is_nonzero",
        "Scalar",
    ):
        value = plain(x)
        return value if not isinstance(value, (Traced, Fixed)) else Depends("a number of the input")
    return NotImplemented


def _place(axis: Value, rank: int) -> int:
    axis = plain(axis)
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise ValueError(f"no axis {axis}")
    return axis


_DESCRIBE: dict[str, Callable[[Any], Value]] = {
    "dim": lambda x: x.rank, "ndimension": lambda x: x.rank, "len": lambda x: x.shape[0],
    "numel": lambda x: math.prod(x.shape), "shape": lambda x: list(x.shape),
    "dtype": _always(6), "device": _always(None), "layout": _always(0), "ndim": lambda x: x.rank,
    "is_floating_point": _always(True), "is_cuda": _always(False), "is_sparse": _always(False),
    "is_mkldnn": _always(False), "is_quantized": _always(False), "requires_grad": _always(False),
    "is_complex": _always(False), "is_contiguous": _always(True), "is_nested": _always(False),
    "is_mps": _always(False), "is_cpu": _always(True), "is_meta": _always(False),
    "_is_nested": _always(False), "is_inference": _always(False), "element_size": _always(4),
    "stride": lambda x: [0] * x.rank, "is_xpu": _always(False), "get_device": _always(0),
}  # fmt: skip


def is_description(name: str) -> bool:
    """Whether a function gives a number or a type of a tensor."""
    return name == "size" or name in _DESCRIBE
