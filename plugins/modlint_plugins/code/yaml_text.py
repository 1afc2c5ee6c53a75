"""YAML: the callables that a configuration names, found without a parser.

A YAML parser is not at hand; keys and values are found by their tokens, quoted, plain or folded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.targets import STANDARD, TARGET_KEYS, examine_target

_ESCAPE = re.compile(r'"(?:[^"\\\n]|\\.){0,4096}"')
_KEY = re.compile(
    r"""(?:^|[\s{,\[?-])(?P<key>"[^"\n]{1,64}"|'[^'\n]{1,64}'|[A-Za-z_]\w{0,63})\s*:(?=[\s"'])"""
)
_VALUE = re.compile(
    r"""\s*(?:[&!]\S*\s+){0,4}(?:[>|][-+0-9]*\s*\n\s*)?
    (?:"(?P<double>[^"]{0,400})"|'(?P<single>[^']{0,400})'|(?P<plain>[^\s,}\]\#]{1,400}))""",
    re.VERBOSE,
)
_TAG = re.compile(
    r"!!python/[\w/]{1,40}(?::[\w.]{1,200})?|!<tag:yaml\.org,2002:python/[^>]{1,200}>"
)
_HELP = "do not load it with an unsafe YAML loader; read its values only"


def examine_yaml(text: str) -> Iterator[Remark]:
    """Remarks on the callables that a text names as YAML does."""
    if "!" in text:
        for match in _TAG.finditer(text):
            message = f"the tag {match.group()[:80]} makes an unsafe YAML loader build an object"
            yield Remark(STANDARD, message, help=_HELP)
            break
    plain = _ESCAPE.sub(_unescaped, text) if "\\" in text else text
    if not any(key in plain for key in TARGET_KEYS):
        return
    for match in _KEY.finditer(plain):
        key = match.group("key").strip("\"'")
        if key in TARGET_KEYS:
            value = _VALUE.match(plain, match.end())
            if value is not None:
                found = value.group("double") or value.group("single") or value.group("plain") or ""
                yield from examine_target(key, found, "")


def _unescaped(match: re.Match[str]) -> str:
    try:
        return match.group().encode("ascii", "backslashreplace").decode("unicode_escape")
    except UnicodeDecodeError:
        return match.group()
