"""YAML that is not parsed: what was read until then, and the rest by its tokens.

A loader reads on where the parser here stops: past a bound, or document by document up to a broken
one. So what was read counts, tags are judged one by one, and past a bound a spelling that no YAML
writer has, and that may hide a name from the tokens, counts as a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from modlint.checkpoint import Remark
from modlint_plugins.code.judged import examine_documents
from modlint_plugins.code.targets import ACTING_CALLABLE, KEY, TARGET_KEYS, examine_target
from modlint_plugins.code.yaml_documents import BoundedYamlError, UnparsedYamlError
from modlint_plugins.code.yaml_tags import examine_tag

UNPARSED = "unparsed-code"

MAX_CALLABLES = 20_000
"""Different tags and values of keys that are judged."""

_SUSPICIOUS = re.compile(
    r"_target_|%TAG|!!\w*python|!<|![\w.%-]{1,40}:|\\[xuU][0-9a-fA-F]{2}|\\(?=\n)|loader_module"
)
"""Of text that is named YAML: what may hide a name."""
_SURE = re.compile(r"_target_|%TAG !|!!\w*python/")
_KEYS = "|".join(sorted(map(re.escape, TARGET_KEYS), key=len, reverse=True))
_TOKEN = re.compile(
    rf"""(?<!\w)["']?(?P<key>{_KEYS})(?:["']\s{{0,20}}:|\s{{0,20}}:(?=[\s"'\[{{]))"""
)
_VALUE = re.compile(r"""\s{0,200}(?:[&!]\S{0,80}\s{1,20}){0,4}["']?([^\s,}\]\#"']{1,400})""")
_TAG = re.compile(
    r"""(?<![^\s\[{,])!(!?[\w./:-]{1,400})(?:[ \t]{1,20}["']?([^\s,}\]\#"']{1,400}))?"""
)
_DISGUISED = re.compile(
    r"^%TAG|(?<![^\s\[{,])!(?:<|[^\s<,\[\]{}]{0,400}%[0-9a-fA-F]{2})"
    r"|\\(?:x|u00|U000000)(?:2[Ee]|3[0-9]|[46][1-9a-fA-F]|5[0-9aAfF]|7[0-9aA])"
    r"|(?<![^\s\[{,])\*[\w-]{1,80}\s{1,20}:\s",
    re.MULTILINE,
)
"""Handles, verbatim and escaped tags, escaped letters of ASCII, an alias for a key."""
_HELP = "read it before anything loads it; take its numbers and names only"


def examine_unparsed(text: str, error: UnparsedYamlError, *, named: bool) -> Iterator[Remark]:
    """Remarks on what does not parse.

    Args:
        text: the whole text.
        error: why it was not parsed, with what was read until then.
        named: whether its name is one of YAML.
    """
    bounded = isinstance(error, BoundedYamlError)
    for tagged in error.found.tags:
        yield from examine_tag(tagged.tag, tagged.text)
    yield from examine_documents(error.found.documents)
    if bounded:
        yield from _of_tags(text)
        yield from examine_tokens(text)
    else:
        yield from _of_keys(text)
    words = sorted({match.group() for match in (_SUSPICIOUS if named else _SURE).finditer(text)})
    if words or (named and bounded):
        held = f"; it holds {', '.join(words[:3])}" if words else ""
        yield Remark(UNPARSED, f"YAML that was not parsed ({error}){held}", help=_HELP)


def examine_tokens(text: str) -> Iterator[Remark]:
    """Remarks on the callables that YAML or JSON too large to be parsed names by its keys.

    Args:
        text: the whole text.
    """
    yield from _of_keys(text)
    yield from _disguised(text)


def _of_keys(text: str) -> Iterator[Remark]:
    seen: set[tuple[str, str]] = set()
    for match in _TOKEN.finditer(text):
        value = _VALUE.match(text, match.end())
        if value is not None:
            seen.add((match["key"], value[1]))
        if len(seen) > MAX_CALLABLES:
            yield _too_many()
            break
    for key, name in sorted(seen):
        yield from examine_target(key, name, "")


def _of_tags(text: str) -> Iterator[Remark]:
    seen: set[tuple[str, str]] = set()
    for match in _TAG.finditer(text):
        seen.add((match[1], match[2] or ""))
        if len(seen) > MAX_CALLABLES:
            yield _too_many()
            break
    for tag, scalar in sorted(seen):
        core = tag.startswith("!")
        yield from examine_tag(f"tag:yaml.org,2002:{tag[1:]}" if core else f"!{tag}", scalar)


def _disguised(text: str) -> Iterator[Remark]:
    """An error on spellings of a tag, or of a key that calls, that the tokens cannot follow."""
    found = _DISGUISED.search(text)
    shown = None if found is None else found.group().strip()
    calls = [match for match in _TOKEN.finditer(text) if match["key"] == KEY]
    if shown is None and (text.count(KEY) > len(calls) or any(_refers(text, at) for at in calls)):
        shown = KEY
    if shown is not None:
        message = f"text too large to be parsed, and {unquote(shown)[:80]} in it may hide a call"
        yield Remark(ACTING_CALLABLE, message, help=_HELP)


def _refers(text: str, call: re.Match[str]) -> bool:
    """Whether a key's value is an alias, or a block of text."""
    value = _VALUE.match(text, call.end())
    return value is None or value[1][0] in "*>|"


def _too_many() -> Remark:
    message = f"text too large to be parsed names more than {MAX_CALLABLES:,} callables"
    return Remark(ACTING_CALLABLE, message, help=_HELP)
