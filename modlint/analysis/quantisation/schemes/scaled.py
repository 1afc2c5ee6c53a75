"""A code an element and a scale beside it: FP8 and int8 of many libraries.

compressed-tensors (`weight_scale`), DeepSeek-V3 and transformers' finegrained FP8
(`weight_scale_inv`, which multiplies), FBGEMM, ModelOpt, ComfyUI (`scale_weight`) and TensorRT-LLM
(`weights_scaling_factor`).
"""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import FP8, Group, Misfit, Scheme, Shapes, ceil
from modlint.results.quantisation import Layout

_TYPES = FP8 | {"int8"}
_BLOCKS = (128, 64, 32, 256, 512)
_SMALLEST = 16


def layout(group: Group) -> Layout:
    """(q − z)·s."""
    block = block_of(group)
    if "zero_point" in group.parts:
        group.require("zero_point", group.shape("scale"))
    return Layout("scaled", group.shape("codes"), 8, block)


def block_of(group: Group, *, whole_only: bool = False) -> tuple[int, int]:
    """How many rows and columns share a scale.

    Args:
        group: whose codes have an axis or more.
        whole_only: whether only a whole tensor or row may share one.
    """
    codes, scale = group.shape("codes"), group.shape("scale")
    rows = 1
    for size in codes[:-1]:
        rows *= size
    columns = codes[-1] if codes else 1
    for shape, block in _whole(codes, rows, columns):
        if shape == scale:
            return block
    matrix = codes[-2:]
    blocked = not whole_only and len(codes) in (2, 3) and 0 not in codes
    blocks = _blocks(group, matrix, codes[:-2]) if blocked else None
    if blocks is not None:
        return blocks
    raise Misfit("scale", _expected(group, codes))


def _whole(
    codes: tuple[int, ...], rows: int, columns: int
) -> list[tuple[tuple[int, ...], tuple[int, int]]]:
    """Shapes of scales of the whole, of each expert, of each row, with what shares one."""
    one = max(1, rows)
    found: list[tuple[tuple[int, ...], tuple[int, int]]] = [
        ((), (one, columns)),
        ((1,), (one, columns)),
        ((1,) * len(codes), (one, columns)),
    ]
    if len(codes) == 3:
        experts, out, _ = codes
        found += [(shape, (out, columns)) for shape in ((experts,), (experts, 1), (experts, 1, 1))]
        found += [(shape, (1, columns)) for shape in ((experts, out), (experts, out, 1))]
        found.append(((experts, 1, columns), (out, 1)))
    elif len(codes) >= 2:
        each = one // max(1, codes[0])
        row = (codes[0], *(1,) * (len(codes) - 1))
        found += [(shape, (max(1, each), columns)) for shape in ((codes[0],), row)]
    return found


def _blocks(group: Group, matrix: tuple[int, ...], lead: tuple[int, ...]) -> tuple[int, int] | None:
    scale = group.shape("scale")
    if len(scale) == 4 and scale[1::2] == (1, 1):
        scale = scale[::2]
    if len(scale) != len(lead) + 2 or scale[: len(lead)] != lead or 0 in scale:
        return None
    tall, wide = scale[-2:]
    for down, across in _candidates(group, matrix, (tall, wide)):
        fits = (ceil(matrix[0], down), ceil(matrix[1], across)) == (tall, wide)
        if fits and (not lead or not matrix[0] % down):
            return down, across
    return None


def _candidates(
    group: Group, matrix: tuple[int, ...], sizes: tuple[int, int]
) -> list[tuple[int, int]]:
    settings = group.settings
    if settings.block:
        return [settings.block]
    if settings.group:
        return [(1, settings.group)]
    found = [(size, size) for size in _BLOCKS] + [(1, size) for size in (*_BLOCKS, 16)]
    exact = (matrix[0] // sizes[0] or 1, matrix[1] // sizes[1] or 1)
    return [*found, exact] if exact[1] >= _SMALLEST and exact[0] in (1, exact[1]) else found


def _expected(group: Group, codes: tuple[int, ...]) -> Shapes:
    settings = group.settings
    if settings.block and len(codes) >= 2:
        down, across = settings.block
        return ((*codes[:-2], ceil(codes[-2], down), ceil(codes[-1], across)),)
    return (codes[:1], (*codes[:-1], 1), ())


_NAMES = (
    ".weight_scale",
    ".weight_scale_inv",
    ".scale_weight",
    ".weight_scaling_factor",
    ".weights_scaling_factor",
    ".weight_scales",
    ".weight.scale",
    ".weight_scale.weight",
)
_BEHIND = ("_scale", "_scale_inv", "_weight_scale", "_scales", ".scale", ".scales")

SCHEMES = (
    Scheme(
        "scaled FP8 or int8",
        frozenset({"compressed-tensors", "fp8", "fbgemm_fp8", "modelopt"}),
        ".weight",
        _TYPES,
        {
            "scale": (*_NAMES, ".scale", ".scales", ".scale_inv"),
            "zero_point": (".weight_zero_point",),
            "input_scale": (
                ".input_scale",
                ".activation_scale",
                ".activation_scaling_factor",
                ".scale_input",
            ),
        },
        ("scale",),
        layout,
        shared=("zero_point", "input_scale"),
    ),
    Scheme(
        "scaled FP8 or int8, by the whole name",
        frozenset({"compressed-tensors", "fp8", "fbgemm_fp8", "modelopt"}),
        "",
        _TYPES,
        {"scale": _BEHIND},
        ("scale",),
        layout,
        lone=(),
        weight="",
    ),
)
