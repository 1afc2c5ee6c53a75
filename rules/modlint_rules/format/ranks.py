"""Which files of a distributed save are absent, told by the ranks in their names."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable

from msgspec import Struct

from modlint.checkpoint import Checkpoint
from modlint.results.model_config import is_whole

_MAX_FILES = 100_000
_WORLDS = ("dp_world_size", "mp_world_size")
_NUMBERED = re.compile(
    r"model_world_size_(?P<world>\d+)_rank_(?P<rank>\d+)(?=\.)"
    r"|(?<=[-.])(?P<shard>\d{5})-of-(?P<shards>\d{5})(?=\.)"
    r"|pp_rank_(?P<data>\d+)_mp_rank_(?P<model>\d+)(?=_)"
    r"|(?<![a-z])mp_rank_(?P<part>\d+)(?=_model_states|_optim_states|\.pt$)"
    r"|^mp_rank_(?P<tensor>\d{2})(_(?P<pipe>\d{3}))?$"
    r"|(?<=^__)(?P<writer>\d+)(?=_\d+\.distcp$)"
    r"|(?<=^consolidated\.)(?P<llama>\d\d)(?=\.(pth|pt)$)"
    r"|(?<![a-z])rank[_-]?(?P<any>\d+)(?=\.(pt|pth|bin|ckpt|safetensors)$)"
)
"""How writers call the file of one rank. Numbers of shards begin at 1, of ranks at 0.

Source: verl, `model_world_size_4_rank_0.pt`; transformers, `model-00001-of-00004.safetensors`;
DeepSpeed, `zero_pp_rank_0_mp_rank_00_optim_states.pt`, `mp_rank_00_model_states.pt`; Megatron-LM,
folders `mp_rank_00` and `mp_rank_00_000`; torch.distributed.checkpoint, `__0_0.distcp`; Llama,
`consolidated.00.pth`; accelerate, `pytorch_model_fsdp_rank0.bin`.
"""


class Absent(Struct, frozen=True):
    """The ranks of one save, of which some have no file.

    Attributes:
        present: number of files that are there.
        missing: what stands for each absent one in its name, in order.
        first: whether the file that was asked about is the first of those there.
    """

    present: int
    missing: tuple[str, ...]
    first: bool


def stated_ranks(checkpoint: Checkpoint) -> tuple[int, ...]:
    """How many ranks DeepSpeed says in a model's state that there are; () where it does not."""
    name, metadata = checkpoint.path.name, checkpoint.metadata
    keys = _WORLDS if "pp_rank_" in name else _WORLDS[1:]
    sizes = tuple(metadata.get(key) for key in keys)
    if "mp_rank_" not in name or not all(is_whole(s) and 0 < s <= _MAX_FILES for s in sizes):
        return ()
    return tuple(size for size in sizes if is_whole(size))


def absent_ranks(name: str, others: Iterable[str], stated: tuple[int, ...] = ()) -> Absent | None:
    """What the names beside a file lack; None where its name bears no rank, or it stands alone.

    Args:
        name: of the file or folder.
        others: all names beside it, its own among them.
        stated: how many ranks there are of each kind that the name numbers, where it is known.
    """
    numbers = _numbers(name)
    if numbers is None:
        return None
    template = _template(name)
    alike = [other for other in others if _template(other) == template]
    places = {other: place for other in (*alike, name) if (place := _numbers(other))}
    present = set(places.values())
    sizes = stated if len(stated) == len(numbers) else ()
    alone = len(present) == 1 and not (sizes or _world(name))
    if alone or (_is_plain(name) and (0,) not in present):
        return None
    missing = sorted(_expected(name, present, sizes) - present)
    texts = tuple("_".join(map(str, n)) for n in missing)
    return Absent(
        len(present), texts, name == min(places, key=lambda other: (places[other], other))
    )


def _numbers(name: str) -> tuple[int, ...] | None:
    """The place of a file among those of one save."""
    found = _NUMBERED.search(name)
    if found is None or len(name) > 255:
        return None
    of_total = ("world", "shards")
    return tuple(int(v) for k, v in found.groupdict().items() if v and k not in of_total)


def _is_plain(name: str) -> bool:
    """Whether only the word "rank" tells of ranks: the rank of an adapter's factors is never 0."""
    found = _NUMBERED.search(name)
    return found is not None and found["any"] is not None


def _template(name: str) -> str:
    """The name without what tells the ranks apart."""
    found = _NUMBERED.search(name)
    if found is None:
        return name
    tail = re.sub(r"^_\d+", "", name[found.end() :]) if found["writer"] else name[found.end() :]
    kind = "+".join(k for k, v in found.groupdict().items() if v)
    return f"{name[: found.start()]}<{kind} {_world(name)}>{tail}"


def _world(name: str) -> int:
    """How many there are, where the name says so; 0 where it does not."""
    found = _NUMBERED.search(name)
    return int(found["world"] or found["shards"] or 0) if found else 0


def _expected(
    name: str, present: set[tuple[int, ...]], stated: tuple[int, ...]
) -> set[tuple[int, ...]]:
    """Every place that a whole save has, as far as the names or `stated` tell."""
    found = _NUMBERED.search(name)
    first = 1 if found and found["shards"] else 0
    world = _world(name)
    if world:
        return {(i,) for i in range(first, first + world)} if world <= _MAX_FILES else present
    ends = stated or [max(numbers) + 1 for numbers in zip(*present, strict=True)]
    if math.prod(ends) > _MAX_FILES:
        return present
    return set(itertools.product(*(range(end) for end in ends)))
