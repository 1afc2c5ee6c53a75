"""The shapes of layers against hidden sizes, heads and inner sizes.

Only for architectures whose shapes follow from the configuration as transformers builds them;
others are not judged. Source: transformers 5.24, `models/*/modeling_*.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modlint.checkpoint import Tensor
from modlint.results.model_config import ModelConfig, Section
from modlint.verdict import Severity
from modlint_rules.base.stated_layers import StatedStack, stated_stacks
from modlint_rules.format.against_config.comparison import Comparison, Mismatch, Model
from modlint_rules.format.against_config.shapes import KNOWN, SHAPES

_HIDDEN = ("hidden_size", "d_model", "n_embd", "dim")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_INNER = ("intermediate_size", "d_ff", "n_inner", "hidden_dim", "ffn_dim")
_OF_HEADS = (*_HEADS, "encoder_attention_heads", "decoder_attention_heads")
_KEYS = {
    "inner": (*_INNER, "encoder_ffn_dim", "decoder_ffn_dim"),
    "queries": (*_OF_HEADS, "head_dim", "d_kv"),
    "keys": (*_OF_HEADS, "num_key_value_heads", "head_dim"),
    "queries and keys": (*_OF_HEADS, "num_key_value_heads", "head_dim"),
    "2 inner": _INNER,
    "expert": ("moe_intermediate_size",),
    "latent": ("kv_lora_rank",),
    "latent queries": ("q_lora_rank",),
    "keys from latent": ("num_attention_heads", "qk_nope_head_dim", "v_head_dim"),
    "values": ("num_attention_heads", "v_head_dim"),
}
"""By what an axis is, the keys that its size follows from beside the hidden size."""


def compare_sizes(model: Model, comparison: Comparison) -> None:
    """Weights of a layer that are not of the stated sizes cannot be loaded."""
    for stated in stated_stacks(model.config, model.stacks):
        section = _section(model.config, stated)
        if _type(model.config, section) in KNOWN and not section.values.get("pruned_heads"):
            _compare_stack(model, stated, section, comparison)


def is_known(config: ModelConfig, stated: StatedStack) -> bool:
    """Whether the layers are of a model type of which some shapes are known."""
    return not config.custom and _type(config, _section(config, stated)) in KNOWN


def _compare_stack(
    model: Model, stated: StatedStack, section: Section, comparison: Comparison
) -> None:
    """Each kind of weight in all layers; of one that differs the first is told."""
    sizes, told = _sizes(section, stated), set[str]()
    kind = _type(model.config, section)
    for number, names in sorted(stated.stack.members.items()):
        for name in sorted(names - told):
            tensor = model.checkpoint.tensors.get(f"{stated.stack.name}.{number}.{name}")
            axes = _axes(name, kind)
            expected = tuple(size for axis in axes or () if (size := sizes[axis]) is not None)
            if tensor is None or tensor.dtype.kind != "float" or len(expected) != 2:
                continue
            if tensor.shape == expected:
                comparison.agree()
            elif len(tensor.shape) == 2:
                told.add(name)
                comparison.differ(_mismatch(tensor, axes or (), expected, section))


def _mismatch(
    tensor: Tensor, axes: Sequence[str], expected: tuple[int, ...], section: Section
) -> Mismatch:
    keys = dict.fromkeys(key for axis in axes for key in (*_KEYS.get(axis, ()), *_HIDDEN))
    named = ", ".join(section.called(key) for key, _ in section.sizes(*keys))
    return Mismatch(
        f"has the shape {list(tensor.shape)}, and {named} in config.json ask for"
        f" {list(expected)}: loading fails",
        "use the config.json that belongs to these weights",
        Severity.ERROR,
        tensor.name,
        {"shape": list(tensor.shape), "stated": list(expected)},
    )


def _axes(name: str, kind: str) -> Sequence[str] | None:
    found = (axes for names, types, axes in SHAPES if kind in types and names.search(name))
    return next(found, None)


def _sizes(section: Section, stated: StatedStack) -> Mapping[str, int | None]:
    """By what an axis is, its size; None where the configuration does not tell."""
    half = "decoder" if "decoder" in stated.stack.name else "encoder"
    hidden = section.size(*_HIDDEN)
    heads = section.size(f"{half}_attention_heads", *_HEADS)
    width = section.size("head_dim", "d_kv") or (hidden // heads if hidden and heads else None)
    inner = section.size(f"{half}_ffn_dim", *_INNER)
    if inner is None and section.text("model_type") in ("bloom", "gpt2", "gpt_neo", "gptj"):
        inner = _product(4, hidden)
    groups = section.size("num_key_value_heads") or heads
    plain, value = section.size("qk_nope_head_dim"), section.size("v_head_dim")
    return {
        "hidden": hidden,
        "3 hidden": _product(3, hidden),
        "queries": _product(heads, width),
        "keys": _product(groups, width),
        "queries and keys": _product(heads + 2 * groups if heads and groups else None, width),
        "inner": inner,
        "2 inner": _product(2, inner),
        "expert": section.size("moe_intermediate_size"),
        "latent": section.size("kv_lora_rank"),
        "latent queries": section.size("q_lora_rank"),
        "keys from latent": _product(heads, plain + value if plain and value else None),
        "values": _product(heads, value),
    }


def _product(first: int | None, second: int | None) -> int | None:
    return first * second if first and second else None


def _section(config: ModelConfig, stated: StatedStack) -> Section:
    path = tuple(stated.key.split(".")[:-1])
    return next((s for s in config.sections if s.path == path), config.root)


def _type(config: ModelConfig, section: Section) -> str:
    return section.text("model_type") or (config.model_type if not section.path else "")
