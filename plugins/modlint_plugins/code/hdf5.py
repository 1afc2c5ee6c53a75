"""HDF5 files of Keras: `model_config`, a JSON text among the attributes.

HDF5 is not read; the text is found by how it begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.documents import parse_json
from modlint_plugins.code.judged import examine_documents

MAGIC = b"\x89HDF\r\n\x1a\n"
MAX_SEARCHED = 256 << 20
"""Bytes from the start, and as many from the end, that are searched."""

_BEGINS = re.compile(rb'\{\s{0,100}"(?:[^"\\\x00-\x1f]|\\.){1,100}"\s{0,100}:')
"""An object of JSON, whatever its first key is and however it is spelled."""
_TEXT = re.compile(rb"[^\x00-\x08\x0e-\x1f]{1,16777216}")
_MAX_TEXTS = 200
_UNSEARCHED = "unexamined-code"


def examine_hdf5(view: memoryview) -> Iterator[Remark]:
    """Remarks on the configuration of a model."""
    parts = [view]
    if len(view) > 2 * MAX_SEARCHED:
        parts = [view[:MAX_SEARCHED], view[-MAX_SEARCHED:]]
    found = 0
    for part in parts:
        at = 0
        while found < _MAX_TEXTS and (begin := _BEGINS.search(part, at)) is not None:
            text = _TEXT.match(part, begin.start())
            at = begin.end() if text is None else text.end()
            found += 1
            if text is not None:
                yield from examine_documents(parse_json(text.group().decode("utf-8", "replace")))
    if found >= _MAX_TEXTS:
        more = f"holds more than {_MAX_TEXTS} texts that may configure layers"
        yield Remark(_UNSEARCHED, f"{more}; the rest was not examined")
