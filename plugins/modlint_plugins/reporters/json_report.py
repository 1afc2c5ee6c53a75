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
    builtins = rewritten(msgspec.to_builtins(report, str_keys=True), _without_surrogates)
    text = msgspec.json.format(msgspec.json.encode(builtins), indent=2).decode()
    output.write(_encodable(json_safe(text), output) + "\n")


def _without_surrogates(text: str) -> str:
    """Bytes of a path that are not UTF-8 become visible escapes: JSON cannot hold them."""
    return text.encode("utf-8", "backslashreplace").decode()


def _encodable(text: str, output: TextIO) -> str:
    r"""JSON with ``\uXXXX`` for what `output` may lack."""
    if codecs.lookup(output.encoding or "utf-8").name == "utf-8":
        return text
    return re.sub(r"[^\x00-\x7e]", lambda match: json.dumps(match[0])[1:-1], text)
