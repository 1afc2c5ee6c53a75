"""What the files beside the weights say of their quantisation, whatever library wrote them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

_TENSOR_RT = {
    "NVFP4": (4, 16),
    "W4A16_NVFP4": (4, 16),
    "W4A8_NVFP4_FP8": (4, 16),
    "MXFP4": (4, 32),
    "MXFP8": (8, 32),
    "W4A16_AWQ": (4, 0),
    "W4A8_AWQ": (4, 0),
    "INT4_AWQ": (4, 0),
    "FP8": (8, 0),
    "W8A8_SQ_PER_CHANNEL": (8, 0),
    "INT8_SQ": (8, 0),
}
"""By name of ModelOpt's algorithm, bits of a code and size of a group, where it fixes one."""


class Settings(Struct, frozen=True):
    """How some or all weights are said to be quantised; None and "" where nothing is said.

    Attributes:
        source: the file that says it.
        method: what it calls the library's scheme ("gptq", "compressed-tensors").
        bits: of a code.
        group: size of a group along the inputs; 0 for none.
        strategy: what shares a scale: "tensor", "channel", "group", "block".
        block: rows and columns that share a scale.
        symmetric: whether zero points are fixed.
        ordered: whether inputs may belong to groups in any order (GPTQ's `desc_act`).
        second: whether zero points are stored as they are (GPTQ's second format).
        static_inputs: whether scales of activations are stored.
        left: modules that are said to be left as they are, in the method's own syntax.
        open_ended: whether nothing but `left` is left as it is.
        weights: whether it promises quantised weights at all.
        groups: settings of some modules, by what they are called; the first that fits counts.
        listed: names of all quantised modules, where the file gives them.
    """

    source: str = ""
    method: str = ""
    bits: int | None = None
    group: int | None = None
    strategy: str = ""
    block: tuple[int, int] | None = None
    symmetric: bool | None = None
    ordered: bool | None = None
    second: bool | None = None
    static_inputs: bool | None = None
    left: tuple[str, ...] = ()
    open_ended: bool = False
    weights: bool = True
    groups: tuple[tuple[tuple[str, ...], Settings], ...] = ()
    listed: frozenset[str] = field(default_factory=frozenset)


def settings_of(documents: Mapping[str, Mapping[str, Any] | None]) -> tuple[Settings, ...]:
    """What each of the files says, the model's own configuration first.

    Args:
        documents: by file name, its JSON object; None where there is no such file.
    """
    found = []
    config = documents.get("config.json") or {}
    for holder in (config, _object(config.get("text_config"))):
        for key in ("quantization_config", "compression_config", "quantization"):
            stated = _object(holder.get(key))
            if stated:
                found.append(_parsed(stated, "config.json"))
    own = _object(documents.get("quantize_config.json") or {})
    if own:
        found.append(_gptq({"quant_method": "gptq", **own}, "quantize_config.json"))
    own = _object(documents.get("quant_config.json") or {})
    if own:
        found.append(_parsed({"quant_method": "awq", **own}, "quant_config.json"))
    own = _object((documents.get("hf_quant_config.json") or {}).get("quantization"))
    if own:
        found.append(_modelopt(own, "hf_quant_config.json"))
    own = _object(documents.get("quanto_qmap.json") or {})
    if own:
        found.append(_quanto(own, "quanto_qmap.json"))
    return tuple(dict.fromkeys(found))


def _parsed(stated: Mapping[str, Any], source: str) -> Settings:
    method = _text(stated.get("quant_method")).lower()
    if not method and "config_groups" in stated:
        method = "compressed-tensors"
    is_mlx = {"group_size", "bits"} <= stated.keys() or "mode" in stated
    if "quant_method" not in stated and not method and is_mlx:
        method = "mlx"
    return _PARSERS.get(method, _other)({**stated, "quant_method": method}, source)


def _other(stated: Mapping[str, Any], source: str) -> Settings:
    left = _texts(stated.get("modules_to_not_convert") or stated.get("llm_int8_skip_modules"))
    return Settings(source, _text(stated.get("quant_method")), left=left)


def _compressed_tensors(stated: Mapping[str, Any], source: str) -> Settings:
    groups = []
    for group in _object(stated.get("config_groups")).values():
        weights = _object(_object(group).get("weights"))
        inputs = _object(_object(group).get("input_activations"))
        dynamic = inputs.get("dynamic")
        block = _pair(weights.get("block_structure"))
        own = Settings(
            source,
            "compressed-tensors",
            bits=_bits(weights.get("num_bits")),
            group=_size(weights.get("group_size")),
            strategy=_text(weights.get("strategy")),
            block=block,
            symmetric=_flag(weights.get("symmetric")),
            static_inputs=dynamic is False or dynamic == "local" if inputs else None,
            weights=bool(weights),
        )
        groups.append((_texts(_object(group).get("targets")), own))
    first = groups[0][1] if groups else Settings()
    dense = _text(stated.get("format")) in ("dense", "sparse-24-bitmask", "sparse-bitmask")
    status = _text(stated.get("quantization_status")) or "compressed"
    return replace(
        first if len(groups) == 1 else Settings(),
        source=source,
        method="compressed-tensors",
        left=_texts(stated.get("ignore")),
        open_ended=True,
        weights=any(own.weights for _, own in groups) and not dense and status == "compressed",
        groups=tuple(groups),
    )


def _modelopt(stated: Mapping[str, Any], source: str) -> Settings:
    name = _text(stated.get("quant_algo")).upper()
    bits, group = _TENSOR_RT.get(name, (None, None))
    given = _size(stated.get("group_size"))
    excluded = _texts(stated.get("exclude_modules")) or _texts(stated.get("ignore"))
    dynamic = [
        _object(_object(own).get("input_activations")).get("dynamic")
        for own in _object(stated.get("config_groups")).values()
    ]
    return Settings(
        source,
        "modelopt",
        bits=bits,
        group=given if given and not group else group,
        left=tuple(f"*{name[3:]}" if name.startswith("re:") else name for name in excluded),
        open_ended=name not in ("", "MIXED_PRECISION"),
        static_inputs=False not in dynamic or None if dynamic else None,
        weights=name not in ("", "NONE", "NO_QUANT"),
        listed=frozenset(map(str, _object(stated.get("quantized_layers")))),
    )


def _fp8(stated: Mapping[str, Any], source: str) -> Settings:
    block = _pair(stated.get("weight_block_size"))
    left = stated.get("modules_to_not_convert") or stated.get("ignored_layers")
    return Settings(
        source,
        _text(stated.get("quant_method")),
        bits=8,
        strategy="block" if block else "",
        block=block,
        static_inputs=stated.get("activation_scheme") == "static" or None,
        left=_texts(left),
        open_ended=True,
    )


def _gptq(stated: Mapping[str, Any], source: str) -> Settings:
    version = _text(stated.get("checkpoint_format")).lower()
    dynamic = tuple(
        ((name.removeprefix("-:").removeprefix("+:"),), Settings(weights=not name.startswith("-:")))
        for name in map(str, _object(stated.get("dynamic")))
    )
    return Settings(
        source,
        _text(stated.get("quant_method")).lower() or "gptq",
        bits=_bits(stated.get("bits") or stated.get("w_bit")),
        group=_size(stated.get("group_size") or stated.get("q_group_size")),
        symmetric=_flag(stated.get("sym")),
        ordered=_flag(stated.get("desc_act")),
        second={"": False, "gptq": False, "gptq_v2": True}.get(version),
        left=_texts(stated.get("modules_to_not_convert")),
        groups=dynamic,
    )


def _bitsandbytes(stated: Mapping[str, Any], source: str) -> Settings:
    four = stated.get("load_in_4bit") is True or stated.get("_load_in_4bit") is True
    left = _texts(stated.get("llm_int8_skip_modules"))
    return Settings(source, "bitsandbytes", bits=4 if four else 8, left=left)


def _mlx(stated: Mapping[str, Any], source: str) -> Settings:
    own = []
    for name, value in stated.items():
        if isinstance(value, dict) and name != "quant_method":
            own.append(((name,), _mlx_group(value, source)))
    return replace(_mlx_group(stated, source), groups=tuple(own))


def _mlx_group(stated: Mapping[str, Any], source: str) -> Settings:
    mode = _text(stated.get("mode")) or "affine"
    bits, group = _bits(stated.get("bits")), _size(stated.get("group_size"))
    return Settings(source, "mlx", bits=bits, group=group, strategy=mode)


def _quanto(stated: Mapping[str, Any], source: str) -> Settings:
    quantised = {
        name
        for name, own in stated.items()
        if str(_object(own).get("weights", "none")).lower() not in ("none", "")
    }
    return Settings(source, "quanto", listed=frozenset(quantised))


_PARSERS: dict[str, Callable[[Mapping[str, Any], str], Settings]] = {
    "compressed-tensors": _compressed_tensors,
    "modelopt": _modelopt,
    "fp8": _fp8,
    "fbgemm_fp8": _fp8,
    "gptq": _gptq,
    "awq": _gptq,
    "auto-round": _gptq,
    "intel/auto-round": _gptq,
    "bitsandbytes": _bitsandbytes,
    "bitsandbytes_4bit": _bitsandbytes,
    "bitsandbytes_8bit": _bitsandbytes,
    "mlx": _mlx,
}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def _integer(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value < 1 << 31 else None  # type: ignore[operator, return-value]


def _bits(value: object) -> int | None:
    """Bits of a code: what is more is no code."""
    bits = _integer(value)
    return bits if bits is not None and bits <= 8 else None


def _size(value: object) -> int | None:
    """A group's size; 0 for one group of all, which libraries write as −1."""
    if isinstance(value, int) and not isinstance(value, bool) and value <= 0:
        return 0
    return _integer(value)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _pair(value: object) -> tuple[int, int] | None:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return None
    first, second = map(_integer, value)
    return (first, second) if first and second else None
