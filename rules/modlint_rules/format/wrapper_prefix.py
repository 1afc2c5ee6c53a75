"""FMT005: keys that bear the name of a wrapper."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from modlint.analysis.weight_names import WRAPPERS
from modlint.checkpoint import Tensor
from modlint.rule import Examination, Options
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.base.keys import KeysRule, of_section, sections
from modlint_rules.format import WRAPPER_PREFIX

_ALSO_A_NAME = "module"
"""People call a submodule so too: a wrapper's stands behind the same words in all keys."""
_MOST = 0.9
_FLAT = re.compile(r"(^|\.)_?flat_params?(_\d+)?$")

_Path = tuple[str, ...]


class WrapperPrefix(KeysRule[Options], reference=WRAPPER_PREFIX):
    """A state_dict of the wrapper instead of the model."""

    advice = "save the wrapped model's own state_dict"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each section."""
        for section, tensors in sections(file.checkpoint).items():
            target = of_section(section, file.checkpoint)
            flat = [tensor.key for tensor in tensors if _FLAT.search(tensor.key)]
            if flat:
                yield self.failed(
                    target,
                    f"{flat[0]!r} holds the parameters of many layers in one row, one process's"
                    f" part of them: saved from FullyShardedDataParallel ({len(flat):,} such)",
                    help="gather them before saving, with StateDictType.FULL_STATE_DICT",
                    values={"flat": len(flat), "keys": len(tensors)},
                    severity=Severity.ERROR,
                )
            path, bearing = _wrapped(tensors)
            if path:
                prefix = ".".join((*path, ""))
                wrappers = " around ".join(WRAPPERS[word] for word in path if word in WRAPPERS)
                yield self.failed(
                    target,
                    f"{_keys(bearing, tensors)} {prefix!r}: saved from {wrappers}",
                    help=f"{self.advice}, or strip {prefix!r} from every key",
                    values={"prefix": prefix, "keys": len(bearing), "of": len(tensors)},
                )

    def healthy(self, file: Examination) -> Verdict:
        """The number of sections."""
        values = {"sections": len(sections(file.checkpoint))}
        message = "no key bears a wrapper's name"
        return self.passed(whole_file(file.checkpoint), message, values=values)


def _keys(bearing: Sequence[Tensor], tensors: Sequence[Tensor]) -> str:
    if len(bearing) == len(tensors):
        return f"{count(len(tensors), 'key')} all bear"
    return f"{len(bearing):,} of {count(len(tensors), 'key')} bear"


def _wrapped(tensors: Sequence[Tensor]) -> tuple[_Path, list[Tensor]]:
    """The wrappers' names in nearly all keys, outermost first, and the tensors that bear them."""
    common = Counter(_before_module(tensor.key) for tensor in tensors)
    common.pop(None, 0)
    place = common.most_common(1)[0][0] if common else None
    paths = [(_path(tensor.key, place), tensor) for tensor in tensors]
    bearing = [tensor for path, tensor in paths if path]
    if not _are_nearly_all(bearing, tensors):
        named = [(p, t) for p, t in paths if {*p} - {_ALSO_A_NAME}]
        if 2 * len(named) <= len(tensors):
            return (), []
        bearing, paths = [tensor for _, tensor in named], named
    longest: _Path = Counter(path for path, _ in paths if path).most_common(1)[0][0]
    return longest, bearing


def _are_nearly_all(some: Sequence[Tensor], tensors: Sequence[Tensor]) -> bool:
    """By their number, or as most of them with nearly all elements: a buffer came later."""
    if len(some) >= _MOST * len(tensors):
        return bool(some)
    elements = sum(tensor.elements for tensor in tensors)
    held = sum(tensor.elements for tensor in some)
    return 2 * len(some) > len(tensors) and held >= _MOST * elements


def _before_module(key: str) -> _Path | None:
    """The words before the first `module` of a key, other wrappers left out; None without one."""
    words = key.split(".")[:-1]
    if _ALSO_A_NAME not in words:
        return None
    return tuple(w for w in words[: words.index(_ALSO_A_NAME)] if w not in WRAPPERS)


def _path(key: str, place: _Path | None) -> _Path:
    """The names of wrappers in a key, with what stands before them where all keys have it."""
    words = key.split(".")[:-1]
    path = [word for word in words if word in WRAPPERS and word != _ALSO_A_NAME]
    if place is None or _before_module(key) != place:
        return tuple(path)
    wrappers = [word for word in words[: len(place) + len(path) + 1] if word in WRAPPERS]
    return (*place, *wrappers) if _ALSO_A_NAME in wrappers else tuple(path)
