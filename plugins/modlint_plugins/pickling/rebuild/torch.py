"""What the machine interprets of PyTorch: the functions that its checkpoints call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from modlint_plugins.pickling.handing_on import hand_on, note_planted
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.rebuild.refused import require
from modlint_plugins.pickling.rebuild.torchscript import tagged
from modlint_plugins.pickling.sizes import MAX_RANK
from modlint_plugins.pickling.values import (
    Blob,
    Composite,
    Dict,
    Global,
    Nested,
    Object,
    TensorRecord,
    Value,
)

_ELEMENTS = frozenset({"data", "grad", "_data", "real", "imag"})
"""Attributes of a tensor's by which it comes to hold other elements."""
_FLAGS = 3
"""Of an old tensor's state: whether it requires a gradient, a placeholder, its hooks."""
_COMPRESSED = {
    "sparse_csr": ("crow_indices", "col_indices"),
    "sparse_bsr": ("crow_indices", "col_indices"),
    "sparse_csc": ("ccol_indices", "row_indices"),
    "sparse_bsc": ("ccol_indices", "row_indices"),
}


def _tensor(storage: Value, offset: Value, size: Value, stride: Value) -> Value:
    return TensorRecord(storage, offset, size, stride)


def _tensor_v2(
    storage: Value,
    offset: Value,
    size: Value,
    stride: Value,
    _grad: Value,
    _hooks: Value,
    metadata: Value = None,
) -> Value:
    return TensorRecord(storage, offset, size, stride, lazy=metadata)


def _tensor_v3(
    storage: Value,
    offset: Value,
    size: Value,
    stride: Value,
    _grad: Value,
    _hooks: Value,
    dtype: Value,
    metadata: Value = None,
) -> Value:
    return TensorRecord(storage, offset, size, stride, dtype, lazy=metadata)


def _meta_tensor(dtype: Value, size: Value, stride: Value, _grad: Value = None) -> Value:
    return TensorRecord(None, 0, size, stride, dtype)


def _quantised_tensor(
    storage: Value,
    offset: Value,
    size: Value,
    stride: Value,
    quantiser: Value,
    _grad: Value,
    _hooks: Value,
) -> Value:
    """`quantiser` is (scheme, scale, zero point), or (scheme, scales, zero points, axis)."""
    require(isinstance(quantiser, tuple) and len(quantiser) in (3, 4))
    names = ("scale", "zero_point") if len(quantiser) == 3 else ("scales", "zero_points", "axis")
    parts = list(zip(names, quantiser[1:], strict=True))
    return TensorRecord(storage, offset, size, stride, parts=parts)


def _sparse_tensor(layout: Value, data: Value) -> Value:
    """The parts of a sparse tensor; `data` ends in the size, and a flag for COO."""
    name = layout.name if isinstance(layout, Global) else layout
    require(isinstance(name, str) and isinstance(data, tuple))
    layout = name.removeprefix("torch.")
    require(layout in _COMPRESSED or layout == "sparse_coo")
    require(not any(isinstance(part, Object) for part in data))  # what a call makes is not seen
    names = _COMPRESSED.get(layout, ("indices",))
    require(len(data) >= len(names) + 1)
    return Composite(list(zip((*names, "values", "size"), data, strict=False)), layout)


def _legacy_sparse_tensor(indices: Value, values: Value, size: Value = ()) -> Value:
    """A sparse tensor made by its class, as files of PyTorch before 1.0 may hold it."""
    return _sparse_tensor("sparse_coo", (indices, values, size))


def _nested_tensor(buffer: Value, sizes: Value, strides: Value, offsets: Value) -> Value:
    names = ("buffer", "sizes", "strides", "storage_offsets")
    return Composite(list(zip(names, (buffer, sizes, strides, offsets), strict=True)))


def _as_type(value: Value, dtype: Value = None, *_: Value) -> Value:
    """A tensor of another device, converted where its type is another: its elements are unknown."""
    if not isinstance(value, TensorRecord) or not isinstance(dtype, Global):
        return value
    own = value.dtype.name if isinstance(value.dtype, Global) else ""
    stored = getattr(getattr(value.storage, "dtype", None), "name", own)
    return value if dtype.name == stored else replace(value, lazy=Object(dtype, ()))


def _first(value: Value, *_: Value) -> Value:
    """Functions that only move, mark or wrap their first argument."""
    return value


def _parameter_with_state(
    machine: Interpreter, data: Value, _grad: Value, _hooks: Value, state: Value = None
) -> Value:
    return _with_state(machine, data, state)


def _device(kind: Value, index: Value = None) -> Value:
    require(isinstance(kind, str) and (index is None or isinstance(index, int)))
    return kind if index is None else f"{kind}:{index}"


def _size(sizes: Value = ()) -> Value:
    require(isinstance(sizes, (tuple, list)) and len(sizes) <= MAX_RANK)
    return tuple(sizes)


def _from_type(
    machine: Interpreter, function: Value, cls: Value, args: Value, state: Value = None
) -> Value:
    """A tensor of a subclass: the file's own function is called."""
    plain = isinstance(cls, Global) and cls.canonical in _PLAIN_CLASSES
    if not plain:
        machine.instantiate(cls, ())
    caller = machine.calling
    made = machine.call(function, args)
    hand_on(machine, made, caller, "as_subclass")
    return _with_state(machine, made, state)


def _wrapper_subclass(machine: Interpreter, cls: Value, *_: Value) -> Value:
    """A tensor without data of its own; its attributes hold the tensors."""
    return machine.instantiate(cls, ())


def _load_from_bytes(machine: Interpreter, content: Value) -> Value:
    """A storage as plain pickle writes it: a whole checkpoint in a bytes literal."""
    require(isinstance(content, Blob) and len(machine.notes.nested) < machine.budget.limits.nested)
    nested = Nested(content, machine.offset, machine.calling)
    machine.notes.note_nested(nested)
    return nested


def check_tensor_state(machine: Interpreter, state: Value) -> None:
    """Note a state by which a tensor comes to view another storage than it was made of.

    Source: torch 2.13, `_tensor.py`, `Tensor.__setstate__`.
    """
    flags = isinstance(state, tuple) and len(state) == _FLAGS and isinstance(state[0], bool)
    if not flags and not _sets_attributes(state):
        machine.hazard("bad-state", "a tensor that is filled after it was made")


def _sets_attributes(state: Value) -> bool:
    """Whether a state is attributes of a tensor's that leave its elements where they are."""
    if not isinstance(state, Dict):
        return False
    return all(isinstance(key, str) and key not in _ELEMENTS for key, _ in state.pairs)


def check_state(machine: Interpreter, target: Object) -> None:
    """Note a state that a class written in C takes for a tuple without looking.

    Source: torch 2.13, `csrc/Generator.cpp`, `THPGenerator_pickleSetState`.
    """
    if not isinstance(target.function, Global):
        return
    if target.function.module.startswith("numpy.random"):
        _check_position(machine, target.state)
    if target.function.canonical not in _GENERATORS:
        return
    state = target.state
    if not isinstance(state, tuple) or len(state) != 3 or not isinstance(state[0], int):
        machine.hazard("bad-state", "a torch.Generator with a state that is no triple")


def _check_position(machine: Interpreter, state: Value, depth: int = 0) -> None:
    """Note a Mersenne Twister whose next word lies out of its 624: drawing reads what is there."""
    parts = state if isinstance(state, tuple) else (state,)
    if parts and isinstance(parts[0], (Object, Nested)):
        machine.hazard("bad-state", "a random generator with a state that a call computes")
    if len(parts) > 2 and parts[0] == "MT19937":
        _check_word(machine, "pos", parts[2])
    for part in parts:
        for key, value in part.pairs if isinstance(part, Dict) else ():
            if not isinstance(key, str):
                machine.hazard("bad-state", "a random generator whose state has a computed key")
            elif key in _WORDS:
                _check_word(machine, key, value)
            elif isinstance(value, (Dict, Object, Nested)) and depth < 2:
                _check_position(machine, value, depth + 1)


def _check_word(machine: Interpreter, key: str, word: Value) -> None:
    if not isinstance(word, int):
        machine.hazard("bad-state", f"a random generator whose {key} is no whole number")
    elif not 0 <= word <= _WORDS[key]:
        machine.hazard("bad-state", f"a random generator whose {key} is {word:,}")


_WORDS = {"pos": 624, "buffer_pos": 4}
"""Words of a Mersenne Twister's state, and of Philox' buffer."""
_GENERATORS = frozenset({("torch", "Generator"), ("torch._C", "Generator")})


def _with_state(machine: Interpreter, made: Value, state: Value) -> Value:
    """The value with the attributes that are set on it, where those hold anything."""
    if state is None:
        return made
    if not isinstance(made, (TensorRecord, Composite)):
        machine.set_state(made, state)
        return made
    note_planted(machine, made, state)
    if state and not all(map(_sets_attributes, _stated(state))):
        machine.hazard("bad-state", "a tensor that is filled after it was made")
    if isinstance(made, TensorRecord) and isinstance(state, Dict) and state.pairs:
        made.parts = [*made.parts, ("state", state)]
    elif isinstance(made, Composite) and state is not None:
        made.parts.append(("state", state))
    return made


def _stated(state: Value) -> list[Value]:
    """The mappings of a state: it is one, or a pair with slots."""
    parts = state if isinstance(state, tuple) else (state,)
    return [part for part in parts if part is not None]


_PLAIN_CLASSES = frozenset(
    {("torch", "Tensor"), ("torch._tensor", "Tensor"), ("torch.nn.parameter", "Parameter")}
)


_SPARSE_CLASSES = tuple(
    (module, f"{number}Tensor")
    for module in ("torch.sparse", "torch.cuda.sparse")
    for number in (
        *("BFloat16", "Bool", "Byte", "Char", "Double", "Float", "Half", "Int", "Long", "Short"),
    )
)


def _table(module: str, functions: dict[str, Callable[..., Any]]) -> dict[tuple[str, str], Any]:
    return {(module, name): function for name, function in functions.items()}


REBUILDS: dict[tuple[str, str], Callable[..., Any]] = {
    **_table("torch", {"Size": _size, "device": _device}),
    **_table(
        "torch._utils",
        {
            "_rebuild_device_tensor_from_cpu_tensor": _as_type,
            "_rebuild_device_tensor_from_numpy": _first,
            "_rebuild_meta_tensor_no_storage": _meta_tensor,
            "_rebuild_nested_tensor": _nested_tensor,
            "_rebuild_parameter": _first,
            "_rebuild_qtensor": _quantised_tensor,
            "_rebuild_sparse_tensor": _sparse_tensor,
            "_rebuild_tensor": _tensor,
            "_rebuild_tensor_v2": _tensor_v2,
            "_rebuild_tensor_v3": _tensor_v3,
            "_rebuild_xla_tensor": _as_type,
        },
    ),
    **_table(
        "torch.jit._pickle",
        dict.fromkeys(
            (
                "build_boollist",
                "build_doublelist",
                "build_intlist",
                "build_tensorlist",
            ),
            _first,
        ),
    ),
    **_table("torch.nn.parameter", {"Buffer": _first, "Parameter": _first}),
    **_table("torch.serialization", {"_get_layout": _first}),
    **dict.fromkeys(_SPARSE_CLASSES, _legacy_sparse_tensor),
}

DELEGATES: dict[tuple[str, str], Callable[..., Any]] = {
    **_table(
        "torch._tensor", dict.fromkeys(("_rebuild_from_type", "_rebuild_from_type_v2"), _from_type)
    ),
    **_table(
        "torch._utils",
        {
            "_rebuild_parameter_with_state": _parameter_with_state,
            "_rebuild_wrapper_subclass": _wrapper_subclass,
        },
    ),
    **_table("torch.jit._pickle", {"restore_type_tag": tagged}),
    **_table("torch.storage", {"_load_from_bytes": _load_from_bytes}),
}
