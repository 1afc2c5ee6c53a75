"""What the configuration promises, and what the tensors are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from modlint.analysis.quantisation.find import module_of
from modlint.analysis.quantisation.names import (
    block_of,
    is_left_for_certain,
    may_be_left,
    pattern_of,
)
from modlint.analysis.quantisation.of_module import settings_for
from modlint.analysis.quantisation.schemes import SCHEMES
from modlint.analysis.quantisation.settings import Settings
from modlint.analysis.weight_names import HEADS, TOKEN_TABLES
from modlint.checkpoint import Role, Tensor
from modlint.results.quantisation import Breach, QuantisedWeight

_LINEAR = frozenset(
    {
        "q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "gate_proj", "up_proj", "down_proj",
        "gate_up_proj", "fc1", "fc2", "out_proj", "in_proj", "query_key_value", "dense_h_to_4h",
        "dense_4h_to_h", "q_a_proj", "q_b_proj", "kv_b_proj", "kv_a_proj_with_mqa", "w1", "w2",
        "w3", "wqkv", "wo", "c_attn", "c_fc", "to_q", "to_k", "to_v",
    }
)  # fmt: skip
"""Names that linear layers of transformers have, and nothing else has."""
_CLOSED = frozenset({"compressed-tensors", "modelopt", "fp8", "fbgemm_fp8"})
"""Methods by which every linear layer is quantised that is not listed."""
_REPEATED = _CLOSED | {"gptq", "awq", "bitsandbytes", "torchao", "auto-round", "quanto"}
"""Methods by which a layer is read as its siblings are."""
_KNOWN = frozenset(method for scheme in SCHEMES for method in scheme.methods)
_STRICT = frozenset({"gptq", "awq", "bitsandbytes", "mxfp4"})
_NO_LINEAR = re.compile(
    rf"({TOKEN_TABLES}|{HEADS}|embed\w*|wpe|norm\w*|\w+_norm|conv\w*|gate|router)$"
)
_ADAPTER = re.compile(r"lora_|\.(ia3_|oft_|vera_)|prompt_embeddings")
_UNPREPARED = (
    "loaders prepare a quantised layer for it, do not find its scales, and compute with what is"
    " in memory"
)
_PREPARED = "loaders prepare a plain layer for it, and find codes where they look for values"


def breaches_of(
    settings: Sequence[Settings],
    weights: Sequence[QuantisedWeight],
    tensors: Mapping[str, Tensor],
    *,
    is_model: bool,
) -> list[Breach]:
    """Where configuration and tensors differ.

    Args:
        settings: what each file says, the first being what loaders read.
        weights: those that were found.
        tensors: all of the file.
        is_model: whether the configuration speaks of this file.
    """
    found = list(_disagreements(settings))
    if not settings or not is_model:
        return found
    first = settings[0]
    plain = [t for t in tensors.values() if _is_plain_linear(t)]
    if not weights:
        return found + list(_nothing_quantised(first, plain, tensors))
    quantised = {_module(weight) for weight in weights}
    found += _ignored_yet_quantised(first, weights)
    found += _of_another_method(first, weights)
    if first.method == "quanto" or any(own.method == "quanto" for own in settings):
        listed = next(own for own in settings if own.method == "quanto").listed
        return found + list(_unlike_the_list(listed, weights, plain))
    return found + list(_unlisted(first, quantised, plain))


def _module(weight: QuantisedWeight) -> str:
    codes = weight.parts["codes"]
    return module_of(weight.name.removesuffix(".weight"), codes)


def _is_plain_linear(tensor: Tensor) -> bool:
    if tensor.role is not Role.WEIGHT or tensor.dtype.kind != "float" or tensor.dtype.bits < 16:
        return False
    module, _, last = tensor.key.rpartition(".")
    large = len(tensor.shape) == 2 and min(tensor.shape) >= 16
    return large and last == "weight" and _NO_LINEAR.search(module) is None


def _disagreements(settings: Sequence[Settings]) -> Iterator[Breach]:
    if len(settings) < 2:
        return
    first = settings[0]
    for other in settings[1:]:
        if other.method == "quanto":
            continue
        for name in ("method", "bits", "group", "symmetric", "ordered", "second"):
            one, two = getattr(first, name), getattr(other, name)
            if None in (one, two) or "" in (one, two) or one == two or _same_family(name, one, two):
                continue
            yield Breach(
                "configurations-disagree",
                other.source,
                f"{_WORDS[name]}: {first.source} says {one}, {other.source} says {two}",
                "loaders differ in which of the two they read",
                {"field": name, "first": one, "second": two},
            )


_WORDS = {
    "method": "method",
    "bits": "bits of a code",
    "group": "size of a group",
    "symmetric": "symmetric",
    "ordered": "desc_act",
    "second": "checkpoint_format gptq_v2",
}


def _same_family(name: str, one: object, two: object) -> bool:
    families = ({"gptq", "auto-round", "intel/auto-round"}, {"modelopt", "modelopt_fp4"})
    return name == "method" and any({one, two} <= family for family in families)


def _nothing_quantised(
    settings: Settings, plain: Sequence[Tensor], tensors: Mapping[str, Tensor]
) -> Iterator[Breach]:
    if not settings.weights or settings.method not in _KNOWN or not plain:
        return
    if any(_ADAPTER.search(name) for name in tensors):
        return
    if all(may_be_left(t.key.rpartition(".")[0], settings) for t in plain):
        return
    kinds = " and ".join(sorted({tensor.dtype.name for tensor in plain}))
    yield Breach(
        "nothing-quantised",
        plain[0].name,
        f"{settings.source} says {settings.method}, and all {len(plain):,} weights of linear layers"
        f" are {kinds} without scales",
        "loaders refuse it, or compute with scales that nothing has filled",
        {"method": settings.method, "plain": len(plain)},
    )


def _ignored_yet_quantised(
    settings: Settings, weights: Iterable[QuantisedWeight]
) -> Iterator[Breach]:
    for weight in weights:
        if is_left_for_certain(_module(weight), settings):
            codes = weight.parts["codes"]
            yield Breach(
                "ignored-yet-quantised",
                codes.name,
                f"{settings.source} lists {_module(weight)} among the modules left as they are,"
                f" and it is {codes.dtype.name} codes of {weight.scheme}",
                _PREPARED,
            )


def _of_another_method(settings: Settings, weights: Sequence[QuantisedWeight]) -> Iterator[Breach]:
    own = {scheme.name: scheme.methods for scheme in SCHEMES}
    others = [w for w in weights if settings.method not in own.get(w.scheme, {settings.method})]
    strange = [w for w in others if own[w.scheme] & _STRICT]
    if settings.method in _STRICT | {"compressed-tensors"} and len(strange) == len(weights):
        yield Breach(
            "method-unlike",
            strange[0].parts["codes"].name,
            f"{settings.source} says {settings.method}, and all {len(weights):,} quantised weights"
            f" are stored as {strange[0].scheme}",
            "loaders look for tensors of other names",
            {"method": settings.method, "scheme": strange[0].scheme},
        )


def _unlisted(settings: Settings, quantised: set[str], plain: Iterable[Tensor]) -> Iterator[Breach]:
    if settings.method not in _REPEATED or not settings.weights:
        return
    patterns = {pattern_of(module) for module in quantised}
    blocks = {block_of(module) for module in quantised} - {""}
    for tensor in plain:
        module = tensor.key.rpartition(".")[0]
        alike = pattern_of(module) in patterns and "#" in pattern_of(module)
        within = block_of(module) in blocks and module.rpartition(".")[2] in _LINEAR
        closed = settings.method in _CLOSED and settings.open_ended
        if not (alike or (within and closed)) or may_be_left(module, settings):
            continue
        if not settings_for(settings, module).weights:
            continue
        beside = "its siblings are quantised" if alike else "its block is quantised"
        yield Breach(
            "unlisted-unquantised",
            tensor.name,
            f"{beside}, {settings.source} does not list it among the modules left as they are, and"
            f" it is {tensor.dtype.name}",
            _UNPREPARED,
        )


def _unlike_the_list(
    listed: frozenset[str], weights: Iterable[QuantisedWeight], plain: Iterable[Tensor]
) -> Iterator[Breach]:
    for weight in weights:
        if _module(weight) not in listed:
            found = f"quanto_qmap.json does not name {_module(weight)}, and it is quantised"
            yield Breach("ignored-yet-quantised", weight.parts["codes"].name, found, _PREPARED)
    for tensor in plain:
        if tensor.key.rpartition(".")[0] in listed:
            found = f"quanto_qmap.json names its module, and it is {tensor.dtype.name}"
            yield Breach("unlisted-unquantised", tensor.name, found, _UNPREPARED)
