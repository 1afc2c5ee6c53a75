"""YAML: the callables that a configuration names, by its keys or by its tags.

Text that is named YAML, or that holds a mark of one of either, is parsed; what does not parse is
searched by its tokens, and said where those are suspicious.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.expansions import examine_aliases
from modlint_plugins.code.judged import examine_documents
from modlint_plugins.code.yaml_documents import UnparsedYamlError, parse_yaml
from modlint_plugins.code.yaml_tags import examine_tag
from modlint_plugins.code.yaml_unparsed import examine_unparsed

_NAMES = (".yaml", ".yml", "mlmodel")
_MARK = re.compile(
    r"_target_|loader_module|%TAG|!!(?=[\w%])|!<|![\w.%-]{1,40}:|![\w-]{1,40}!(?=[\w%])|\\[xuU][0-9a-fA-F]|\\\n"
)
"""Of text of another name: what only YAML that names a callable needs."""


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
            yield from examine_unparsed(text, error, named=named_yaml(name))
        return
    yield from examine_aliases(found.expanded)
    for tagged in found.tags:
        yield from examine_tag(tagged.tag, tagged.text)
    yield from examine_documents(found.documents)
