"""Dictionaries of tokenizers that a configuration names by their path.

MeCab maps the files of a dictionary into memory and follows their tables unchecked, already while
it loads them. Sources: transformers 5, `models/bert_japanese/tokenization_bert_japanese.py`,
`MecabTokenizer`; mecab 0.996, `src/tokenizer.cpp`, `Tokenizer::open`, and `src/param.cpp`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.documents import Table

_KEY = "mecab_option"
_NAMES_FILES = re.compile(r"(?:^|[\s\"'])(?:-[dru]|--(?:dicdir|rcfile|userdic))[\s=\"']{0,100}")
_OF_THE_SYSTEM = ("/etc/", "/opt/", "/usr/", "/var/lib/")
"""Where packages lie that a system installs, which no file brings along."""
_SHOWN = 80
_HELP = "load the tokenizer only from a source that you trust, or name an installed dictionary"


def examine_dictionaries(table: Table) -> Iterator[Remark]:
    """A remark on options that have MeCab load a dictionary or settings of the file's choice."""
    for key, value in table.pairs:
        if key == _KEY and isinstance(value, str):
            paths = (value[match.end() :] for match in _NAMES_FILES.finditer(value))
            if not all(path.startswith(_OF_THE_SYSTEM) and ".." not in path for path in paths):
                what = "a dictionary that MeCab loads, and follows unchecked"
                message = f"{_KEY} names {what}: {value[:_SHOWN]}"
                yield Remark("unexamined-code", message, help=_HELP)
                return
