"""What a container out of a pickle holds, and what kind of container it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint_plugins.pickling.render import render
from modlint_plugins.pickling.values import (
    Array,
    Blob,
    Composite,
    Dict,
    Global,
    Object,
    Pairs,
    Set,
    TensorRecord,
    Value,
)

_KEY_LENGTH = 500
_TEXT_LENGTH = 500
_MAX_SCALARS = 16
_MODULE_TABLES = ("_parameters", "_buffers", "_modules")
_ALIASES = "_flat_weights"
"""Attribute of recurrent modules that lists their parameters once more."""

_TRAINING = re.compile(
    r"(.+_)?(optim|optimi[sz]ers?|(lr_)?sched(uler)?s?|((grad|loss|amp)_)?scaler|rng|random)"
    r"(_.+)?|callbacks|loops",
    re.IGNORECASE,
)


def children(value: Value) -> Iterator[tuple[str, Value]]:
    """Keys and values of a container, in the file's order."""
    if isinstance(value, Dict):
        for index, (key, child) in enumerate(_last_first(value.pairs)):
            yield (str(index) if isinstance(key, TensorRecord) else _key(key)), child
    elif isinstance(value, Object):
        yield from _members(value)
    elif isinstance(value, Composite):
        yield from ((str(key), part) for key, part in value.parts)
    else:
        items = value.items if isinstance(value, Set) else value
        items = items.data if isinstance(items, Array) else items
        yield from ((str(index), child) for index, child in enumerate(items))


def is_module(value: Value) -> bool:
    """Whether a value is an instance of `torch.nn.Module`, or of a TorchScript class."""
    if not isinstance(value, Object):
        return False
    if isinstance(value.function, Global) and value.function.module.split(".")[0] == "__torch__":
        return True
    return any(_key(key) in _MODULE_TABLES for key, _ in _attributes(value))


def is_optimiser(value: Value) -> bool:
    """Whether a value is an optimiser, or an optimiser's state_dict."""
    if isinstance(value, Object):
        function = value.function
        return isinstance(function, Global) and function.module.startswith("torch.optim.")
    if not isinstance(value, Dict):
        return False
    keys = {key for key, _ in value.pairs if isinstance(key, str)}
    return {"state", "param_groups"} <= keys


def is_training_key(key: str) -> bool:
    """Whether a key names training state: an optimiser's, a scheduler's, a generator's."""
    return len(key) < 100 and _TRAINING.fullmatch(key) is not None


def has_tensors(value: Value) -> bool:
    """Whether at least half of what a dict, list or tuple holds are tensors."""
    if isinstance(value, Dict):
        held = [child for _, child in value.pairs]
    elif isinstance(value, (list, tuple)):
        held = list(value)
    else:
        return False
    tensors = sum(isinstance(child, (TensorRecord, Composite, Array)) for child in held)
    return tensors > 0 and 2 * tensors >= len(held)


def scalar(value: Value) -> bool:
    """Whether a value is a short scalar, fit for a report."""
    if isinstance(value, str):
        return len(value) <= _TEXT_LENGTH
    if isinstance(value, int):
        return value.bit_length() <= 64
    return value is None or isinstance(value, (float, complex))


def scalars(value: Value) -> list[Value] | None:
    """A short list or tuple of scalars as a list; None for any other value."""
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= _MAX_SCALARS:
        return None
    return list(value) if all(map(scalar, value)) else None


def _attributes(value: Object) -> list[tuple[Value, Value]]:
    """Attributes that BUILD sets: from a dict, or from a pair of dicts with slots second."""
    states = value.state if isinstance(value.state, tuple) else (value.state,)
    if not all(state is None or isinstance(state, Dict) for state in states[:2]):
        return []
    return [pair for state in states[:2] if state is not None for pair in state.pairs]


def _members(value: Object) -> Iterator[tuple[str, Value]]:
    attributes = _attributes(value)
    for key, child in attributes:
        name = _key(key)
        if name == _ALIASES:
            continue
        if name in _MODULE_TABLES and isinstance(child, (Dict, Object)):
            yield from children(child)
        else:
            yield name, child
    if not attributes and value.state is not None:
        yield "state", value.state
    yield from (("state", state) for state in value.earlier or () if state is not None)
    yield from ((_key(key), child) for key, child in value.pairs or ())
    yield from ((str(index), child) for index, child in enumerate(value.items or ()))
    if isinstance(value.args, (list, tuple)) and not _repeats_itself(value):
        yield from ((str(n), child) for n, child in enumerate(value.args) if not scalar(child))


def aliases(value: Value) -> list[Value]:
    """What an instance holds that others are expected to hold as well, under better names."""
    if not isinstance(value, Object):
        return []
    listed = [child for key, child in _attributes(value) if _key(key) == _ALIASES]
    return [*listed, value.args] if _repeats_itself(value) else listed


def _last_first(pairs: Pairs) -> Pairs:
    """The pairs; where a key is repeated, its last value first, which is the one that counts."""
    last = {key: index for index, (key, _) in enumerate(pairs) if isinstance(key, str)}
    texts = sum(isinstance(key, str) for key, _ in pairs)
    if len(last) == texts:
        return pairs
    kept: Pairs = []
    lost: Pairs = []
    for index, (key, child) in enumerate(pairs):
        overwritten = isinstance(key, str) and last[key] != index
        (lost if overwritten else kept).append((key, child))
    return kept + lost


def _repeats_itself(value: Object) -> bool:
    """Whether a call's arguments are listed elsewhere: a method's owner, a tensor's own parts."""
    function = value.function
    return isinstance(function, Global) and function.name in ("getattr", "_rebuild_njt")


def _key(key: Value) -> str:
    if isinstance(key, str):
        text = key
    elif isinstance(key, Blob):
        text = bytes(key.view[:_KEY_LENGTH]).decode("utf-8", "backslashreplace")
    else:
        text = render(key)
    return text[:_KEY_LENGTH] or "''"
