"""Which section of a configuration describes the part of a model that a name tells of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modlint.results.model_config import ModelConfig, Section

_SAME = {
    "visual": "vision",
    "vit": "vision",
    "image": "vision",
    "language": "text",
    "llm": "text",
    "speech": "audio",
}
"""Words for a part of a model by which names of tensors and of configurations differ."""
_NEUTRAL = frozenset({"config", "model"})
_TOWERS = frozenset({"audio", "text", "vision"})


def words_of(parts: Sequence[str]) -> frozenset[str]:
    """The words of a name that say which part of a model it is of."""
    found = (_SAME.get(word, word) for part in parts for word in re.split(r"[_\d]+", part))
    return frozenset(found) - _NEUTRAL


def section_of(config: ModelConfig, parts: Sequence[str], keys: Sequence[str]) -> Section | None:
    """The section, of those that state one of the keys, that a name leads to.

    That is the one which is called as the name begins, or shares most words with it. A name that
    shares none belongs to the document where it alone states the keys, and to the text model of one
    with several parts: `text_config`, or the document beside `vision_config` and the like. None
    where several would do.

    Args:
        config: the configuration.
        parts: the parts of the name between dots.
        keys: what must be stated.
    """
    stating = [section for section in config.sections if section.size(*keys) is not None]
    if len(stating) == 1 and not stating[0].path:
        return stating[0]
    called = [section for section in stating if section.path == (parts[0],)]
    if called:
        return called[0]
    words = words_of(parts)
    rank = {i: (len(words & words_of(s.path)), -len(s.path)) for i, s in enumerate(stating)}
    best = max(rank.values(), default=(0, 0))
    if best[0]:
        found = [stating[i] for i, ranked in rank.items() if ranked == best]
        return found[0] if len(found) == 1 else None
    return None if words & _TOWERS else _of_text(config, stating)


def _of_text(config: ModelConfig, stating: list[Section]) -> Section | None:
    """The section of the text model: the document itself where all others are of other towers."""
    paths = {section.path: section for section in stating}
    if ("text_config",) in paths or any(s.path == ("text_config",) for s in config.sections):
        return paths.get(("text_config",))
    others = [path for path in paths if path and not words_of(path) & _TOWERS]
    return paths.get(()) if not others else None
