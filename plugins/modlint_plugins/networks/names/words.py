"""The words and numbers in a name's components: "conv_block_1" is conv, block and 1."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NUMBER = re.compile(r"[0-9]+")
_INDEX = re.compile(r"[0-9]{1,18}")

INPUT = frozenset({"in", "inp", "input", "first", "initial", "stem", "start"})
OUTPUT = frozenset({"out", "output", "last", "final", "logits", "prediction", "predictor"})
NORM = frozenset({"bn", "batchnorm", "norm", "ln", "layernorm", "gn", "groupnorm", "rmsnorm"})
_TRANSPOSED = re.compile(
    r"deconv|conv(\dd)?_?t(?![a-z])|conv\w*transpose|trans?\w*conv|(?<![a-z])t_?conv|up_?conv",
    re.IGNORECASE,
)
_DECODER = 3
_FAMILIES = (
    (1, frozenset({"encoder", "enc", "features", "feature", "backbone", "extractor", "trunk"})),
    (_DECODER, frozenset({"decoder", "dec", "up", "upsample"})),
    (1, frozenset({"conv", "convs", "cnn", "convolution", "convolutions"})),
    (4, frozenset({"classifier", "classification"})),
)

Key = tuple[tuple[int, int, str, tuple[int, ...]], ...]


@lru_cache(maxsize=65_536)
def words(component: str) -> tuple[str, ...]:
    """The words of a component, in lower case."""
    return tuple(word.lower() for word in _WORD.findall(component))


@lru_cache(maxsize=65_536)
def numbers(component: str) -> tuple[int, ...]:
    """The numbers of a component."""
    return tuple(int(number[:18]) for number in _NUMBER.findall(component))


def is_index(component: str) -> bool:
    """Whether a component is a place in an nn.Sequential or a list."""
    return bool(_INDEX.fullmatch(component))


@lru_cache(maxsize=65_536)
def stem(component: str) -> str:
    """The component with its numbers left out: "conv1" and "conv2" share one."""
    return _NUMBER.sub("#", component)


def names_transposed(component: str) -> bool:
    """Whether a name says transposed convolution."""
    return bool(_TRANSPOSED.search(component))


@lru_cache(maxsize=65_536)
def role(component: str) -> tuple[int, int]:
    """Where networks have a component of such a name: (family, place within it), ascending."""
    named = frozenset(words(component))
    if named and named <= INPUT:
        return 0, 0
    if named and named <= OUTPUT:
        return 5, 0
    known = next((rank for rank, family in _FAMILIES if named & family), 2)
    family = _DECODER if names_transposed(component) else known
    return family, bool(named & OUTPUT) - bool(named & INPUT)


def natural_key(parts: tuple[str, ...]) -> Key:
    """Sorts names as people number layers: by role, then stem, then number."""
    return tuple((*role(part), stem(part), numbers(part)) for part in parts)
