"""Memory that calls of listed functions ask for without the file holding as much.

`list(range(10**11))` takes fifty bytes of a pickle and a terabyte of memory; so do a `bytearray`
of a number, an empty tensor of given sizes, an empty array.
"""

from __future__ import annotations

from collections.abc import Iterator

from modlint_plugins.pickling.alike import MODULUS
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.sizes import MAX_RANK, product
from modlint_plugins.pickling.values import Global, NumpyDType, Object, TensorRecord, Value

MOST = 1 << 30
"""Bytes that the calls of one pickle may ask for beyond what the file holds."""

_WIDEST = 16
"""Bytes of a complex number, the widest element, or of a pointer with what it points to."""
_FEW = 64
_WALKING = frozenset(
    {
        *(("builtins", name) for name in ("dict", "frozenset", "list", "set", "tuple")),
        *(("collections", name) for name in ("Counter", "OrderedDict", "defaultdict", "deque")),
        ("array", "array"),
        ("torch", "Size"),
    }
)
"""Functions that walk over what they are given."""
_RANGES = frozenset({("builtins", "range"), ("builtins", "xrange")})
_BYTES = frozenset({("builtins", "bytes"), ("builtins", "bytearray")})
_BOUNDED = _RANGES | _BYTES | {("builtins", "iter")}
"""Functions whose results have a length that is known, or that the file holds."""
_TENSOR_MODULES = frozenset(
    {"torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse", "torch.storage"}
)
_TENSOR_SUFFIXES = ("Tensor", "Storage")


def account(
    machine: Interpreter, function: Global, args: Value, *, instantiated: bool = False
) -> None:
    """Account for what a call allocates; beyond the limit that is a hazard."""
    if not isinstance(args, tuple) or not args:
        return
    computed = any(isinstance(arg, Object) and not _length(arg) for arg in args)
    if computed and function.canonical in _BYTES | _RANGES:
        machine.hazard("allocation", f"{function.name}(…) of a number that a call computes")
    if function.canonical in _RANGES and any(
        isinstance(n, int) and abs(n) >= MODULUS for n in args
    ):
        machine.hazard("allocation", "a range of numbers that may have one hash")
    _check_walked(machine, function, args)
    asked = _asked(function.canonical, args)
    if instantiated and function.module.partition(".")[0] == "numpy":
        asked = _elements(args)
    asked += _WIDEST * sum(map(_length, _flat(args)))
    if asked <= 0:
        return
    machine.allocated += asked
    if machine.allocated > MOST:
        machine.hazard(
            "allocation",
            f"{function.module}.{function.name}(…) asks for {_amount(asked)}, which the file does"
            " not hold",
        )


def _check_walked(machine: Interpreter, function: Global, args: tuple[Value, ...]) -> None:
    """Note an instance that is walked over: how far, its class says by what the file gave it."""
    module, name = function.canonical
    tensors = module in _TENSOR_MODULES and name.endswith(_TENSOR_SUFFIXES)
    if function.canonical not in _WALKING and not tensors:
        return
    for arg in args[name == "defaultdict" :]:
        if isinstance(arg, Object) and isinstance(arg.function, Global):
            bounded = arg.function.canonical in _BOUNDED or arg.function.module == "ipaddress"
            if not bounded:
                machine.hazard("allocation", f"{name}(…) of an instance, whose length is not known")


def _asked(function: tuple[str, str], args: tuple[Value, ...]) -> int:
    """Bytes that a call allocates out of nothing."""
    module, name = function
    if function in _BYTES:
        return _natural(args[0])
    if module in _TENSOR_MODULES and name.endswith(_TENSOR_SUFFIXES):
        return _WIDEST * _elements(args)
    if function == ("numpy", "ndarray"):
        return _elements(args) if len(args) < 3 or args[2] is None else 0
    if function == ("numpy.core.multiarray", "_reconstruct") and len(args) > 1:
        return _elements(args[1:2]) * _width(args[2:3])
    if function == ("numpy.ma.core", "_mareconstruct") and len(args) > 2:
        return _elements(args[2:3]) * _width(args[3:4])
    return 0


def _elements(args: tuple[Value, ...]) -> int:
    """The product of sizes, given one by one or as one tuple or list; 0 where they are no sizes."""
    sizes = args[0] if isinstance(args[0], (tuple, list)) else args
    numbers: list[int] = []
    for size in sizes[:MAX_RANK]:
        if not isinstance(size, int) or size < 0:
            break
        numbers.append(size)
    return product(numbers) if numbers else 0


def _width(dtype: tuple[Value, ...]) -> int:
    if dtype and isinstance(dtype[0], NumpyDType):
        return dtype[0].itemsize or 1
    return 1


def _natural(value: Value) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _flat(args: tuple[Value, ...]) -> Iterator[Value]:
    """Arguments, and what lies in tuples and lists among them."""
    for arg in args:
        yield arg
        if isinstance(arg, (tuple, list)):
            yield from arg[:_FEW]


def _length(value: Value) -> int:
    """How many elements whoever walks over what a call made goes through; 0 where unknown."""
    if isinstance(value, TensorRecord):  # strides of zero make many elements of few bytes
        sizes = value.size if isinstance(value.size, tuple) and not _moves(value) else ()
        return product(size for size in sizes if isinstance(size, int) and size > 0) if sizes else 0
    if not isinstance(value, Object) or not isinstance(value.function, Global):
        return 0
    args = value.args if isinstance(value.args, tuple) else ()
    if value.function.canonical in _BYTES:
        return _natural(args[0]) if args else 0
    if value.function.module == "ipaddress" and args:
        pair = isinstance(args[0], tuple) and len(args[0]) == 2  # an address and its prefix
        network = f"/{args[0][1]}" if pair else args[0]
        return _addresses(value.function.name, network) if isinstance(network, str) else 0
    return _length_of_range(value.function, args)


def _moves(tensor: TensorRecord) -> bool:
    """Whether each step of a tensor's reaches another element."""
    return not isinstance(tensor.stride, tuple) or 0 not in map(_natural, tensor.stride)


def _addresses(name: str, network: str) -> int:
    """Number of addresses in a network ("10.0.0.0/8")."""
    prefix = network.rpartition("/")[2]
    bits = 128 if "6" in name else 32
    known = prefix != network and prefix.isdigit() and len(prefix) < 4
    return 1 << max(bits - int(prefix), 0) if known else 1 << bits if "/" in network else 0


def _length_of_range(function: Global, numbers: tuple[Value, ...]) -> int:
    """The length of a range that a call made; 0 for any other value."""
    plain = function.canonical in _RANGES and 0 < len(numbers) <= 3
    if not plain or not all(isinstance(number, int) for number in numbers):
        return 0
    start, stop, step = {1: (0, *numbers, 1), 2: (*numbers, 1), 3: numbers}[len(numbers)]
    if step == 0:
        return 0
    span = stop - start if step > 0 else start - stop
    return int(max(0, -(-span // abs(step))))


def _amount(nbytes: int) -> str:
    return f"{nbytes:,} bytes" if nbytes < 1 << 80 else "more than 2^80 bytes"
