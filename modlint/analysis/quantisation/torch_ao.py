"""Quantised tensors of PyTorch itself, as eager quantisation saves them in modules.

Source: PyTorch, `torch/ao/nn/quantized`, `torch._utils._rebuild_qtensor`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec.structs import replace

from modlint.analysis.quantisation.scheme import Group, Misfit, Scheme
from modlint.analysis.quantisation.settings import Settings
from modlint.checkpoint import Checkpoint, Role, Storage, Tensor
from modlint.dtypes import DTYPES
from modlint.results.quantisation import Layout

_STORED = {"qint8": "int8", "quint8": "uint8", "qint32": "int32"}
_PACKED = "._packed_params._packed_params.0"
_ENDS = (_PACKED, ".weight")


def layout(group: Group) -> Layout:
    """(q − z)·s of the whole, or along an axis."""
    shape, scale = group.shape("codes"), group.parts["scale"]
    if not scale.shape:
        one = Layout("scaled", shape, 8)
        return Layout("scaled", shape, 8, (max(1, one.rows), one.columns))
    axis = group.metadata.get(f"{group.parts['codes'].name}.axis", 0)
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        raise Misfit("scale", (), f"it lies along axis {axis!r:.20} of {len(shape)}")
    group.require("scale", (shape[axis],))
    group.require("zero_point", (shape[axis],))
    return Layout("onnx", shape, 8, axis=axis % len(shape))


SCHEME = Scheme(
    "PyTorch quantised tensor",
    frozenset(),
    "",
    frozenset(_STORED),
    {
        "scale": (".scales", ".scale"),
        "zero_point": (".zero_points", ".zero_point"),
        "output_scale": (".scale",),
        "output_zero_point": (".zero_point",),
    },
    ("scale", "zero_point"),
    layout,
    weight="",
)


def find(checkpoint: Checkpoint) -> Iterator[tuple[Scheme, Group]]:
    """Every quantised tensor, with the scales that the reader found within it."""
    for name, tensor in checkpoint.tensors.items():
        if tensor.dtype.name not in _STORED or tensor.role is not Role.WEIGHT:
            continue
        parts = {"codes": replace(tensor, dtype=DTYPES[_STORED[tensor.dtype.name]])}
        for role in ("scale", "zero_point"):
            own = checkpoint.tensors.get(f"{name}.{role}s") or _stated(name, role, checkpoint)
            if own is not None:
                parts[role] = own
        stem = next((name.removesuffix(end) for end in _ENDS if name.endswith(end)), "")
        for role in ("scale", "zero_point"):
            beside = checkpoint.tensors.get(f"{stem}.{role}")
            if stem and beside is not None and beside.elements == 1:
                parts[f"output_{role}"] = beside
        scheme = replace(SCHEME, weight=".weight") if name.endswith(_PACKED) else SCHEME
        stem = stem if scheme.weight else name
        yield scheme, Group(stem, parts, Settings(), checkpoint.metadata)


def _stated(name: str, role: str, checkpoint: Checkpoint) -> Tensor | None:
    """A number that the pickle states for the whole tensor, as a tensor without axes."""
    number = checkpoint.metadata.get(f"{name}.{role}")
    if not isinstance(number, int | float):
        return None
    whole = role == "zero_point"
    try:
        data = struct.pack("<q", int(number)) if whole else struct.pack("<d", number)
    except (struct.error, OverflowError, ValueError):
        return None
    dtype = DTYPES["int64" if whole else "float64"]
    key = f"{name}.{role}"
    return Tensor(key, dtype, (), (), Storage(key, 8, lambda: memoryview(data)))
