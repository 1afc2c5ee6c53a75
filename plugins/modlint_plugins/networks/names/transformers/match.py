"""Finds the blocks of a state_dict: all of a family's names, no others, and shapes that agree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct, field

from modlint.checkpoint import Tensor
from modlint_plugins.networks.names.transformers.families import FAMILIES, Family
from modlint_plugins.networks.names.words import is_index

_ALIASES = {"gamma": "weight", "beta": "bias"}
_EMBEDDING_NORM = "embeddings.LayerNorm"

Parts = Mapping[str, Tensor]


class Block(Struct, frozen=True):
    """A transformer block.

    Attributes:
        path: where it is in the state_dict ("encoder.layer.0"), "" for the whole.
        family: how its parts are named.
        parts: tensors by their name within the block; a norm's are "weight" and "bias".
        stream: size of the residual stream.
        turned: its linear layers are stored as (in, out).
        before: "weight" and "bias" of the norm that closes the block before it, or the embedding.
    """

    path: str
    family: Family
    parts: Parts
    stream: int
    turned: bool = False
    before: Parts = field(default_factory=dict)


def find_blocks(tensors: Sequence[Tensor]) -> list[Block]:
    """The blocks: lists in the file's order, blocks of one list by their number."""
    paths = dict.fromkeys(path for tensor in tensors for path in _candidates(tensor.key))
    known: dict[str, Tensor] = {}
    inside: dict[str, dict[str, Tensor]] = {path: {} for path in paths}
    for tensor in tensors:
        key = _unaliased(tensor.key)
        known[key] = tensor
        for path in _ancestors(key):
            if path in inside:
                inside[path][key[len(path) + 1 if path else 0 :]] = tensor
    found = (_block(path, parts, known) for path, parts in inside.items())
    return _in_order([block for block in found if block is not None])


def _candidates(key: str) -> Iterable[str]:
    """Paths below which a family's first layer would stand, were this its weight."""
    for anchor in dict.fromkeys(f"{family.drivers[0]}.weight" for family in FAMILIES):
        if f".{key}".endswith(f".{anchor}"):
            yield key[: -len(anchor)].rstrip(".")


def _unaliased(key: str) -> str:
    path, dot, last = key.rpartition(".")
    return path + dot + _ALIASES.get(last, last)


def _ancestors(key: str) -> Iterable[str]:
    """Every path above a key, "" first."""
    yield ""
    yield from (key[:place] for place, character in enumerate(key) if character == ".")


def _in_order(blocks: Sequence[Block]) -> list[Block]:
    lists = {parent: n for n, parent in enumerate(dict.fromkeys(_split(b.path)[0] for b in blocks))}

    def place(block: Block) -> tuple[int, int]:
        parent, last = _split(block.path)
        return lists[parent], int(last) if is_index(last) else 0

    return sorted(blocks, key=place)


def _split(path: str) -> tuple[str, str]:
    parent, _, last = path.rpartition(".")
    return parent, last


def _block(path: str, parts: Parts, known: Parts) -> Block | None:
    """The block of the first family that has these names and shapes."""
    for family in FAMILIES:
        if not _has_names(family, parts) or not _holds_floats(family, parts):
            continue
        stream = parts[f"{family.norm}.weight"].elements
        for turned in (False, True)[: 1 + family.turns]:
            if _has_shapes(family, parts, stream, turned):
                before = _before(path, family, stream, known)
                return Block(path, family, parts, stream, turned, before)
    return None


def _has_names(family: Family, parts: Parts) -> bool:
    """Whether a block has all names that it needs, and no others but optional ones."""
    needed = _needed(family)
    biases = {f"{name.removesuffix('.weight')}.bias" for name in needed}
    optional = (*family.optional, *filter(None, (family.scale,)))
    optional += family.attention.unit_norms if family.attention else ()
    rest = parts.keys() - needed - biases
    return needed <= parts.keys() and all(name.startswith(optional) for name in rest)


def _needed(family: Family) -> set[str]:
    modules = [*family.drivers, family.down, family.norm, family.closing]
    if family.attention is not None:
        modules += [*family.attention.layers, family.attention.norm]
    fused = {family.fused} if family.fused is not None else set[str]()
    return {f"{module}.weight" for module in modules if module is not None} | fused


def _holds_floats(family: Family, parts: Parts) -> bool:
    return all(parts[name].dtype.kind == "float" for name in _needed(family))


def _has_shapes(family: Family, parts: Parts, stream: int, turned: bool) -> bool:
    hidden = parts[f"{family.down}.weight"].shape[0 if turned else -1]
    fits = [_fits(parts, name, hidden, stream, turned) for name in family.drivers]
    fits.append(_fits(parts, family.down, stream, hidden, turned))
    if family.closing is not None:
        fits.append(_is_vector(parts, family.closing, stream))
    if family.scale is not None and f"{family.scale}.weight" in parts:
        fits.append(_is_vector(parts, family.scale, stream))
    if family.fused is not None:
        fits.append(_fuses(parts[family.fused].shape, stream, turned))
    if family.attention is not None:
        fits.append(_has_attention(family, parts, stream))
    return _is_vector(parts, family.norm, stream) and all(fits)


def _fits(parts: Parts, module: str, out: int, into: int, turned: bool = False) -> bool:
    """Whether a linear layer has these sizes."""
    weight, bias = parts[f"{module}.weight"], parts.get(f"{module}.bias")
    shape = (into, out) if turned else (out, into)
    return weight.shape == shape and (bias is None or bias.shape == (out,)) and 0 not in shape


def _is_vector(parts: Parts, module: str, size: int) -> bool:
    tensors = (parts.get(f"{module}.{part}") for part in ("weight", "bias"))
    return all(tensor is None or tensor.shape == (size,) for tensor in tensors)


def _fuses(shape: tuple[int, ...], stream: int, turned: bool) -> bool:
    """Whether it is three matrices of one size that read the stream."""
    sides = shape[::-1] if turned else shape
    return len(sides) == 2 and sides[1] == stream and sides[0] > 0 and sides[0] % 3 == 0


def _has_attention(family: Family, parts: Parts, stream: int) -> bool:
    """Whether queries fit the output, and keys and values each other: fewer where shared."""
    attention = family.attention
    assert attention is not None  # noqa: S101
    units, keys = (parts[f"{n}.weight"].shape[0] for n in (attention.query, attention.key))
    sizes = ((attention.query, units), (attention.key, keys), (attention.value, keys))
    norm = attention.norm is None or _is_vector(parts, attention.norm, stream)
    reads = all(_fits(parts, name, size, stream) for name, size in sizes)
    shares = keys > 0 and units % keys == 0
    return norm and reads and shares and _fits(parts, attention.out, stream, units)


def _before(path: str, family: Family, stream: int, known: Parts) -> Parts:
    """The norm that gives the block its input, where it stands outside; {} where there is none."""
    parent, last = _split(path)
    if family.closing is None or not is_index(last):
        return {}
    previous = f"{parent}.{int(last) - 1}.{family.closing}".lstrip(".")
    embedding = ".".join((*parent.split(".")[:-2], _EMBEDDING_NORM))
    module = previous if int(last) else embedding
    parts = {
        part: known[key] for part in ("weight", "bias") if (key := f"{module}.{part}") in known
    }
    fits: Collection[bool] = [tensor.shape == (stream,) for tensor in parts.values()]
    return parts if "weight" in parts and all(fits) else {}
