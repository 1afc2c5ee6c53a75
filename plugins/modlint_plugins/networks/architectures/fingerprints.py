"""Models of torchvision and timm, told by the names and shapes of their tensors.

`fingerprints.json` is written by scripts/fingerprints.py: for each model a hash of its (name,
shape) pairs, less those of its classifier, whose width is the user's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import xxhash

_DATA = Path(__file__).with_name("fingerprints.json")
_WRAPPERS = ("module.", "model.", "_orig_mod.", "net.", "backbone.", "encoder.")
_COUNTERS = "num_batches_tracked"

Shapes = Mapping[str, tuple[int, ...]]


class Known(NamedTuple):
    """A model that a library makes.

    Attributes:
        library: "torchvision" or "timm".
        name: what the library calls it.
        classes: outputs of its classifier, None where the file has none.
        start: what stands before each of the model's names in the file.
    """

    library: str
    name: str
    classes: int | None
    start: str


def known_model(shapes: Shapes) -> Known | None:
    """The model whose tensors these are, by key; None where there is none.

    Tensors without elements and counters of batches are left out.
    """
    start = _wrapper(shapes)
    own = {key[len(start) :]: shape for key, shape in shapes.items()}
    index, heads = _index()
    for head in heads:
        if head and not set(head) <= own.keys():
            continue
        found = index.get(fingerprint(own, head))
        if found is not None:
            library, name = found.split("/", 1)
            return Known(library, name, own[head[0]][0] if head else None, start)
    return None


def fingerprint(shapes: Shapes, without: Collection[str] = ()) -> str:
    """A hash of names and shapes, of 64 bits in hexadecimal."""
    lines = sorted(
        f"{key}:{','.join(map(str, shape))}"
        for key, shape in shapes.items()
        if key not in without and not key.endswith(_COUNTERS)
    )
    return xxhash.xxh64_hexdigest("\n".join(lines).encode("utf-8", "surrogatepass"))


def _wrapper(keys: Iterable[str]) -> str:
    """What all keys begin with, of the names that wrappers give."""
    start, rest = "", list(keys)
    while True:
        step = next((w for w in _WRAPPERS if rest and all(k.startswith(w) for k in rest)), None)
        if step is None:
            return start
        start, rest = start + step, [key[len(step) :] for key in rest]


@lru_cache(maxsize=1)
def _index() -> tuple[Mapping[str, str], tuple[tuple[str, ...], ...]]:
    """By fingerprint "library/name", and the names that classifiers have, weight first."""
    data = json.loads(_DATA.read_text(encoding="utf-8"))
    return data["models"], tuple(tuple(head) for head in data["heads"])
