"""`json`: the whole report, as the contract ``modlint-report/1`` has it."""

from __future__ import annotations

import codecs
import json
import re
from typing import TextIO

import msgspec

from modlint.report import Report
from modlint.reporter import Shown
from modlint.text import json_safe
from modlint_plugins.reporters.strings import rewritten


def write(report: Report, output: TextIO, shown: Shown) -> None:  # noqa: ARG001
    """Write one JSON document, two spaces of indent, and a newline."""
    builtins = msgspec.to_builtins(report, str_keys=True)
    drawn = [file.pop("drawings", None) for file in builtins["files"]]
    builtins = rewritten(builtins, _bounded)
    for file, drawings in zip(builtins["files"], drawn, strict=True):
        if drawings is not None:
            file["drawings"] = rewritten(drawings, _without_surrogates)
    text = msgspec.json.format(msgspec.json.encode(builtins), indent=2).decode()
    output.write(_encodable(json_safe(text), output) + "\n")


LIMIT = 10_000
"""Characters of a string; a name in a file can be a hundred megabytes, and is told many times."""


def _bounded(text: str) -> str:
    """A text with the middle left out where it is longer than any name that is meant as one."""
    if len(text) > LIMIT:
        text = f"{text[: LIMIT // 2]}…{text[-LIMIT // 2 + 1 :]}"
    return _without_surrogates(text)


def _without_surrogates(text: str) -> str:
    """Bytes of a path that are not UTF-8 become visible escapes: JSON cannot hold them."""
    return text.encode("utf-8", "backslashreplace").decode()


def _encodable(text: str, output: TextIO) -> str:
    r"""JSON with ``\uXXXX`` for what `output` may lack."""
    if codecs.lookup(output.encoding or "utf-8").name == "utf-8":
        return text
    return re.sub(r"[^\x00-\x7e]", lambda match: json.dumps(match[0])[1:-1], text)
