"""Signs in names and types that a state_dict is no plain chain of layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from modlint.checkpoint import Tensor
from modlint.text import listed
from modlint_plugins.networks.names.modules import is_matrix
from modlint_plugins.networks.names.words import words

EXPORT = "check its ONNX or .pt2 export, which records what each layer reads"


class _Sign(Struct, frozen=True):
    """What a tensor's name tells: `shows` is why there is no chain, `help` what to do."""

    applies: Callable[[Tensor], bool]
    shows: str
    help: str = EXPORT


def _parameter(pattern: str) -> Callable[[Tensor], bool]:
    compiled = re.compile(pattern)
    return lambda tensor: bool(compiled.fullmatch(tensor.key.rpartition(".")[2]))


def _word(*signs: str) -> Callable[[Tensor], bool]:
    known = frozenset(signs)
    return lambda tensor: any(not known.isdisjoint(words(p)) for p in tensor.key.split("."))


def _component(*signs: str) -> Callable[[Tensor], bool]:
    known = frozenset(signs)
    return lambda tensor: not known.isdisjoint(tensor.key.split("."))


def _either(*tests: Callable[[Tensor], bool]) -> Callable[[Tensor], bool]:
    return lambda tensor: any(test(tensor) for test in tests)


def _quantised(tensor: Tensor) -> bool:
    if tensor.dtype.kind == "quantised":
        return True
    whole = tensor.dtype.kind in ("int", "uint")
    return whole and is_matrix(tensor) and tensor.key.rpartition(".")[2] == "weight"


_SIGNS = (
    _Sign(
        _either(_word("lora", "loha", "lokr"), _parameter("lora_.*")),
        "the tensors change another model's weights (low-rank adapters), they are no network",
        "check the model with the adapters merged",
    ),
    _Sign(
        _either(_component("parametrizations"), _parameter("weight_(g|v|orig|u|mask)")),
        "weights are stored in parts (weight normalisation, spectral normalisation or pruning)",
        "remove the parametrisation before saving",
    ),
    _Sign(
        _either(
            _quantised,
            _parameter("qweight|qzeros|g_idx|_packed_params|zero_point|weight_scale|SCB|absmax"),
        ),
        "weights are quantised",
        "check the model before quantisation",
    ),
    _Sign(
        _either(_parameter("(weight|bias)_(ih|hh)(_l.*)?"), _word("lstm", "gru", "rnn")),
        "the network is recurrent",
    ),
    _Sign(
        _either(
            _word("attn", "attention", "attentions", "mha", "qkv", "transformer"),
            _component("q_proj", "to_q", "q_lin", "wq", "query", "c_attn"),
            _parameter("in_proj_weight"),
        ),
        "the network has attention",
    ),
    _Sign(
        _either(_word("embedding", "embeddings", "embed", "embeds", "emb"), _component("wte")),
        "the network has embeddings",
    ),
    _Sign(
        _word(
            "downsample", "shortcut", "skip", "residual", "res", "resblock", "resblocks",
            "resnet", "resconv", "denseblock", "denselayer", "highway", "basicblock",
        ),
        "the names show residual or dense connections",
    ),
)  # fmt: skip


def find_obstacle(tensors: Sequence[Tensor]) -> str | None:
    """Why these tensors are no plain chain, naming some of them; None where no name says so."""
    for sign in _SIGNS:
        found = [tensor for tensor in tensors if sign.applies(tensor)]
        if found:
            found.sort(key=lambda tensor: (not is_matrix(tensor), tensor.key))
            return f"{sign.shows}: {listed(tensor.key for tensor in found)}; {sign.help}"
    return None
