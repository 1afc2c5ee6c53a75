"""What a later contract or JSON Schema takes away from an earlier one, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
BOUNDS = {
    "minimum": 1,
    "exclusiveMinimum": 1,
    "minLength": 1,
    "maximum": -1,
    "exclusiveMaximum": -1,
}
"""By keyword, the sign that makes a larger bound the narrower one."""


# The contract


def rules(old: dict[str, str], new: dict[str, str], retired: dict[str, str]) -> list[str]:
    """Codes that vanished or have another name, and codes and names that were given again."""
    known = retired | new
    first = {name: code for code, name in (old | retired).items()}
    lost = [f"{code} {name} is gone" for code, name in old.items() if known.get(code) != name]
    lost += [f"{code} {name} was retired" for code, name in new.items() if code in retired]
    return lost + [
        f"{name} was {first[name]}" for code, name in new.items() if first.get(name, code) != code
    ]


def named(old: Mapping[str, Sequence[str]], new: Mapping[str, Sequence[str]]) -> list[str]:
    """Options of commands, members of classes and parameters of functions that are gone."""
    lost = [name for name in old if name not in new]
    for name in old.keys() & new.keys():
        lost += [f"{name}: {item}" for item in old[name] if item not in new[name]]
        lost += [f"{name}: {item} is demanded" for item in _demanded(old[name], new[name])]
        if _positional(new[name])[: len(_positional(old[name]))] != _positional(old[name]):
            lost.append(f"{name}: another order")
    return lost


def _demanded(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """New parameters of a function without a default; members of a class demand nothing."""
    if not any(item.endswith("=") or item.startswith("*") for item in old):
        return []
    return [item for item in new if item not in old and not item.endswith("=") and item[0] != "*"]


def _positional(items: Sequence[str]) -> list[str]:
    """The parameters that may be given by position; none of a class, whose members are sorted."""
    stop = next((i for i, item in enumerate(items) if item.startswith("*")), None)
    return [] if stop is None else list(items[:stop])


# Schemas


def written(old: Schema, new: Schema) -> list[str]:
    """What readers of a document that the schema describes could miss.

    A key may join; none goes, becomes optional, or holds a type or a listed value that it did not.
    """
    return [
        problem
        for path, was, now in _pairs(old, new)
        for problem in (
            *(f"{path}: {key} may be left out" for key in _without(was, now, "required")),
            *(f"{path}: may be {kind}" for kind in _types(now) - _types(was)),
            *(f"{path}: may be {value!r}" for value in _values(now) - _values(was)),
            *(f"{path}: {key} is gone" for key in _without(was, now, "properties")),
        )
    ]


def accepted(old: Schema, new: Schema) -> list[str]:
    """What changes what a document means: keys, types, values and ranges gone, other defaults."""
    return [
        problem
        for path, was, now in _pairs(old, new)
        for problem in (
            *(f"{path}: {key} is demanded" for key in _without(now, was, "required")),
            *(f"{path}: is no {kind}" for kind in _types(was) - _types(now)),
            *(f"{path}: is not {value!r}" for value in _values(was) - _values(now)),
            *(f"{path}: {key} is gone" for key in _without(was, now, "properties")),
            *(f"{path}: {bound} is narrower" for bound in _narrower(was, now)),
            *(f"{path}: another default" for _ in (0,) if was.get("default") != now.get("default")),
        )
    ]


def _pairs(old: Schema, new: Schema) -> Iterator[tuple[str, Schema, Schema]]:
    """Every part of the old schema, with its path, beside the same part of the new."""
    waiting = [("", old, new)]
    seen = set()
    while waiting:
        path, was, now = waiting.pop()
        if "$ref" in was:
            if (path_of := (was["$ref"], now.get("$ref"))) in seen:
                continue
            seen.add(path_of)
        was, now = _resolved(was, old), _resolved(now, new)
        yield path, was, now
        for key, part in was.get("properties", {}).items():
            if key in now.get("properties", {}):
                waiting.append((f"{path}/{key}", part, now["properties"][key]))
        waiting += [
            (f"{path}/{key}", was[key], now[key])
            for key in ("items", "additionalProperties")
            if isinstance(was.get(key), Mapping) and isinstance(now.get(key), Mapping)
        ]


def _resolved(part: Schema, whole: Schema) -> Schema:
    """The part with its reference, and the one branch of `anyOf` that is not null, put in."""
    while "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        part = {k: v for k, v in part.items() if k != "$ref"} | whole["$defs"][name]
    branches = [_resolved(branch, whole) for branch in part.get("anyOf", ())]
    full = [branch for branch in branches if branch.get("type") != "null"]
    if len(full) == 1:
        part = {**full[0], "type": sorted(set().union(*map(_types, branches)))}
    elif branches:
        part = {**part, "type": sorted(set().union(*map(_types, branches)))}
    return part


def _types(part: Schema) -> set[str]:
    types = part.get("type", ())
    if not types and "enum" in part:
        return {"string"}
    found = {types} if isinstance(types, str) else set(types)
    return found | ({"integer"} if "number" in found else set())


def _values(part: Schema) -> set[Any]:
    return set(part.get("enum", ())) | ({part["const"]} if "const" in part else set())


def _without(was: Schema, now: Schema, key: str) -> list[str]:
    """The members that one part has under a keyword and another has not."""
    return [item for item in was.get(key, ()) if item not in now.get(key, ())]


def _narrower(was: Schema, now: Schema) -> Iterator[str]:
    for bound, sign in BOUNDS.items():
        if bound in now and (bound not in was or sign * (now[bound] - was[bound]) > 0):
            yield bound
