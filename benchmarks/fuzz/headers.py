"""Mutations of a safetensors header that leave it well-formed JSON of the stated length."""

from __future__ import annotations

import json
import random
from typing import Any

_STRANGE: tuple[Any, ...] = (
    -1, 0, 1, 2**31, 2**63, 2**64, 1e308, None, True, "", "F32", "F4", "I64", [], [[]], {},
    [2**62, 4],
)  # fmt: skip


def mutate_header(rng: random.Random, content: bytes) -> bytes | None:
    """Another dtype, shape or range; a tensor dropped, doubled, renamed; a wrong length."""
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
        names = list(header)
        name = rng.choice(names)
        text = _changed(rng, header, name)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, RecursionError):
        return None
    stated = len(text) if rng.random() < 0.9 else rng.choice((0, 7, len(text) - 1, 2**40, 2**63))
    return stated.to_bytes(8, "little") + text + content[8 + length :]


def _changed(rng: random.Random, header: dict[str, Any], name: str) -> bytes:
    entry = header[name]
    match rng.randrange(6):
        case 0:
            del header[name]
        case 1:
            header[rng.choice(("", "x" * 5000, "\ud800", "__metadata__", "a.b"))] = entry
        case 2:
            header[name] = rng.choice(_STRANGE)
        case 3:
            doubled = json.dumps({name: entry})[1:-1]
            return (json.dumps(header)[:-1] + ", " + doubled + "}").encode()
        case _:
            _change(rng, entry)
    return json.dumps(header).encode()


def _change(rng: random.Random, entry: dict[str, Any]) -> None:
    key = rng.choice(list(entry))
    value = entry[key]
    if isinstance(value, list) and value and rng.random() < 0.7:
        value[rng.randrange(len(value))] = rng.choice(_STRANGE)
    else:
        entry[key] = rng.choice(_STRANGE)
