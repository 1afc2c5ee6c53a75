"""A report with every string in it rewritten: done once, so that no reporter can forget one."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import replace

from modlint.report import Report
from modlint.text import encodable, printable

LIMIT = 1_000
"""Characters of a single string that are shown; a tensor's name can be megabytes long."""
_LONG = re.compile(rf'"[^"]{{{LIMIT},}}"')


def rewritten(value: Any, rewrite: Callable[[str], str]) -> Any:
    """`value` (of the types that JSON has) with `rewrite` applied to every string and key."""
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, dict):
        return {rewrite(key): rewritten(item, rewrite) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rewritten(item, rewrite) for item in value]
    return value


def shown_safely(report: Report, encoding: str | None) -> Report:
    """The report as a terminal may see it: nothing invisible, nothing `encoding` lacks, undrawn."""
    files = tuple(replace(file, drawings=msgspec.UNSET) for file in report.files)
    report = replace(report, files=files)
    builtins = msgspec.to_builtins(report, str_keys=True)
    rewrite = cache(lambda text: encodable(printable(text, LIMIT), encoding))  # they recur
    files = builtins.pop("files")
    safe = rewritten(builtins, rewrite)
    safe["files"] = [f if _is_safe(f, encoding) else rewritten(f, rewrite) for f in files]
    return msgspec.convert(safe, Report)


def _is_safe(file: Any, encoding: str | None) -> bool:
    """Whether no string in it can need rewriting, told by all of them at once."""
    try:
        text = msgspec.json.encode(file).decode()
    except (OverflowError, TypeError, ValueError):
        return False
    plain = "\\" not in text and printable(text) == text and encodable(text, encoding) == text
    return plain and _LONG.search(text) is None
