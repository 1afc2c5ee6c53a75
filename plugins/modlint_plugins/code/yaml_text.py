"""YAML: the callables that a configuration names, by its keys or by its tags.

Text that is named YAML, or that holds a mark of one of either, is parsed; what does not parse is
searched by its tokens, and said where those are suspicious.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.judged import examine_documents
from modlint_plugins.code.targets import TARGET_KEYS, examine_target
from modlint_plugins.code.yaml_documents import BoundedYamlError, UnparsedYamlError, parse_yaml
from modlint_plugins.code.yaml_tags import examine_tag

UNPARSED = "unparsed-code"

_NAMES = (".yaml", ".yml", "mlmodel")
_MARK = re.compile(
    r"_target_|loader_module|%TAG|!!(?=[\w%])|!<|![\w.%-]{1,40}:|![\w-]{1,40}!(?=[\w%])|\\[xuU][0-9a-fA-F]|\\\n"
)
"""Of text of another name: what only YAML that names a callable needs."""
_SUSPICIOUS = re.compile(
    r"_target_|%TAG|!!\w*python|!<|![\w.%-]{1,40}:|\\[xuU][0-9a-fA-F]{2}|\\(?=\n)|loader_module"
)
"""Of text that is named YAML and does not parse: what may hide a name."""
_SURE = re.compile(r"_target_|%TAG !|!!\w*python/")
_SEARCHED = 1 << 22
_TOKEN = re.compile(r"""(?P<key>"[^"\n]{1,64}"|'[^'\n]{1,64}'|\b[A-Za-z_]\w{0,63})\s{0,20}:\s""")
_VALUE = re.compile(r"""\s{0,200}(?:[&!]\S{0,80}\s{1,20}){0,4}["']?([^\s,}\]\#"']{1,400})""")
_MAX_VALUES = 1000
_HELP = "read it before anything loads it; take its numbers and names only"


def named_yaml(name: str) -> bool:
    """Whether a path is one of YAML."""
    return name.lower().endswith(_NAMES)


def examine_yaml(text: str, name: str, *, known: bool = False) -> Iterator[Remark]:
    """Remarks on the callables that a text names as YAML does.

    Args:
        text: the text.
        name: its path.
        known: whether the text was read as something else: not to parse is then no remark.
    """
    if not named_yaml(name) and not _MARK.search(text):
        return
    try:
        found = parse_yaml(text)
    except UnparsedYamlError as error:
        if not known:
            yield from _by_tokens(text, error, named=named_yaml(name))
        return
    for tagged in found.tags:
        yield from examine_tag(tagged.tag, tagged.text)
    yield from examine_documents(found.documents)


def _by_tokens(text: str, error: UnparsedYamlError, *, named: bool) -> Iterator[Remark]:
    """Remarks on what does not parse."""
    searched = text[:_SEARCHED]
    for number, match in enumerate(_TOKEN.finditer(searched)):
        key = match.group("key").strip("\"'")
        value = _VALUE.match(searched, match.end() - 1) if key in TARGET_KEYS else None
        if value is not None:
            yield from examine_target(key, value.group(1), "")
        if number > _MAX_VALUES and value is not None:
            break
    suspicious = _SUSPICIOUS if named else _SURE
    words = list(dict.fromkeys(match.group() for match in suspicious.finditer(searched)))
    if words or (named and isinstance(error, BoundedYamlError)):
        held = f"; it holds {', '.join(words[:3])}" if words else ""
        message = f"YAML that was not parsed ({error}){held}"
        yield Remark(UNPARSED, message, help=_HELP)
