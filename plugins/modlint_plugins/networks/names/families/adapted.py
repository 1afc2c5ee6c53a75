"""Keys of a model into which PEFT has put low-rank adapters, as they were without (2106.09685)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modlint.checkpoint import Tensor

_OUTER = "base_model.model."
_BASE = re.compile(r"\.base_layer(?=\.(weight|bias)$)")
_FACTOR = re.compile(r"(?P<at>.+\.lora_[AB])(?:\.(?P<adapter>(?!weight$)\w+))?\.weight")


def by_key(tensors: Iterable[Tensor]) -> dict[str, Tensor]:
    """Tensors by key: a base layer's as if nothing adapted it, factors without their adapter.

    Factors of several adapters keep their keys: which of them are switched on is not in the file.
    """
    tensors = tuple(tensors)
    matches = {tensor.name: _FACTOR.fullmatch(tensor.key) for tensor in tensors}
    single = len({match["adapter"] for match in matches.values() if match}) == 1
    found = {}
    for tensor in tensors:
        match = matches[tensor.name]
        key = f"{match['at']}.weight" if match and single else _BASE.sub("", tensor.key)
        found[key.removeprefix(_OUTER)] = tensor
    return found
